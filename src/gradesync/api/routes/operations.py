"""Serve health, readiness and metrics of the process, and explain problems."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import PlainTextResponse

from gradesync.access.tokens import Cache
from gradesync.api import schemas
from gradesync.api.middleware import Router
from gradesync.api.negotiation import prefers
from gradesync.api.problem_page import show_problem
from gradesync.api.problems import CATALOG, problem_responses
from gradesync.api.schemas.render import render_reason
from gradesync.core.reasons import Reason
from gradesync.db import partitions
from gradesync.db.session import DATABASE_AWAY
from gradesync.errors import RequestRefused
from gradesync.observability.logs import render_metrics
from gradesync.runtime import READY_KEPT_SECONDS, READY_SECONDS, Runtime
from gradesync.systems import observe_circuits

router = Router("Operations")


@router.get("/healthz", summary="Check that the process is alive")
async def get_health() -> schemas.Health:
    """Return 200 without checking any other system: a process that responds is alive."""
    return schemas.Health()


@router.get(
    "/readyz",
    summary="Check that the process can accept requests",
    responses={
        503: {
            "model": schemas.Readiness,
            "description": "The database is unreachable, or lacks migrations of this release",
        }
    },
)
async def get_readiness(request: Request, response: Response) -> schemas.Readiness:
    """Report `unavailable` if the database is unreachable or lacks migrations of this release.

    Reports `degraded` if the queue cannot be used: requests are stored all the same, and workers find them.
    An open circuit of an upstream system, or a `gradesync maintain` that is due, is shown and does not change
    the status. The report is at most a second old.
    """
    readiness: schemas.Readiness = await request.app.state.readiness.get(None)
    if readiness.status == "unavailable":
        response.status_code = 503
    return readiness


def share_readiness(runtime: Runtime) -> Cache[None, schemas.Readiness]:
    """Return the readiness of a process, which is checked once a second at most."""
    return Cache(lambda _: _check(runtime), seconds=READY_KEPT_SECONDS)


async def _check(runtime: Runtime) -> schemas.Readiness:
    database, migrations, maintained, problem = await asyncio.gather(
        _passes(_reaches_database(runtime)),
        _passes(runtime.context.database.is_migrated()),
        _passes(_is_maintained(runtime)),
        runtime.redis.find_problem(),
    )
    status = "degraded" if problem else "ready"
    if not (database and migrations):
        status = "unavailable"
    checks = {"database": database, "migrations": migrations, "queue": problem is None}
    return schemas.Readiness(
        status=status,
        checks={name: "ok" if passed else "failed" for name, passed in checks.items()},
        maintenance="done" if maintained else "due",
        queue_problem=problem,
        circuits_open=await observe_circuits(runtime.redis),
    )


async def _reaches_database(runtime: Runtime) -> bool:
    async with runtime.context.database.without_tenant() as db:
        await db.connection()
    return True


async def _is_maintained(runtime: Runtime) -> bool:
    async with runtime.context.database.without_tenant() as db:
        states = await partitions.read_states(db)
    return not any(state.is_due(runtime.clock()) for state in states.values())


async def _passes(check: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await check
    except (TimeoutError, *DATABASE_AWAY):
        return False


@router.get(
    "/metrics",
    summary="Get the metrics for Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "gradesync_wakeups_total 3.0"}}}},
)
async def get_metrics() -> Response:
    """Return the metrics of this process."""
    body, content_type = render_metrics()
    return Response(body, media_type=content_type)


PAGE = {"text/html": {"schema": {"type": "string"}}}


@router.get(
    "/problems/{code}",
    summary="Explain a problem",
    response_model=schemas.ProblemType,
    responses={200: {"content": PAGE}, **problem_responses("not-found")},
)
async def explain_problem(
    request: Request,
    code: Annotated[
        str,
        Path(
            max_length=64,
            description="The last part of a problem's `type`, or the code of a reason",
            examples=["sync-in-progress"],
        ),
    ],
) -> schemas.ProblemType | Response:
    """Explain a problem response, or the reason of a sync or an outcome: what happened, and how to fix it.

    A browser, which accepts `text/html` first, gets a page.
    """
    explained = _explain(code)
    return show_problem(explained) if prefers(request.headers.get("accept", ""), "text/html") else explained


def _explain(code: str) -> schemas.ProblemType:
    """Return the texts of a code. A few are both: a request and a sync can end for the same reason."""
    reason = render_reason(code) if code in set(Reason) else None
    if (problem := CATALOG.get(code)) is not None:
        return schemas.ProblemType(
            code=code, status=problem.status, title=problem.title, fix=problem.fix, reason=reason
        )
    if reason is None:
        raise RequestRefused("not-found", "There is no such problem.")
    return schemas.ProblemType(code=code, status=None, title=reason.title, fix=reason.fix, reason=reason)
