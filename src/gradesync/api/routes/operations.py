"""What operators and orchestrators ask of a process, and what a problem means."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import PlainTextResponse
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from gradesync.api import schemas
from gradesync.api.problems import CATALOGUE, answers
from gradesync.api.service import Service, TheService
from gradesync.errors import RequestRefused
from gradesync.observability.logs import exposition
from gradesync.systems import observe_circuits

router = APIRouter(tags=["Operations"])

CHECK_SECONDS = 3


@router.get("/healthz", summary="Is the process alive?")
async def get_health() -> schemas.Health:
    """Asks nobody else: a process that answers is alive."""
    return schemas.Health()


@router.get(
    "/readyz",
    summary="Can it take requests?",
    responses={
        503: {"model": schemas.Readiness, "description": "The database is away, or behind this release"}
    },
)
async def get_readiness(service: TheService, response: Response) -> schemas.Readiness:
    """`unavailable` where the database is away or lacks migrations of this release.

    `degraded` where the queue does not answer: requests are kept all the same, and the sweep finds them.
    An upstream whose circuit is open is told, and no reason to send requests elsewhere.
    """
    database, migrations, queue, circuits = await asyncio.gather(
        _holds(_reaches_database(service)),
        _holds(service.database.is_migrated()),
        _holds(_reaches_queue(service)),
        _circuits(service),
    )
    status = "ready" if queue else "degraded"
    if not (database and migrations):
        response.status_code, status = 503, "unavailable"
    checks = {"database": database, "migrations": migrations, "queue": queue}
    return schemas.Readiness(
        status=status,
        checks={name: "ok" if holds else "failed" for name, holds in checks.items()},
        circuits_open=circuits,
    )


async def _reaches_database(service: Service) -> bool:
    async with service.database.without_tenant() as door:
        await door.connection()
    return True


async def _reaches_queue(service: Service) -> bool:
    return bool(await service.runtime.redis.ping())


async def _circuits(service: Service) -> Mapping[str, int] | None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CHECK_SECONDS):
            return await observe_circuits(service.runtime.redis)
    return None


async def _holds(check: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check
    except (SQLAlchemyError, RedisError, OSError):
        return False


@router.get(
    "/metrics",
    summary="What Prometheus reads",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "gradesync_wakeups_total 3.0"}}}},
)
async def get_metrics() -> Response:
    """The metrics of this process."""
    body, content_type = exposition()
    return Response(body, media_type=content_type)


@router.get("/problems/{code}", summary="What a problem means", responses=answers("not-found"))
async def explain_problem(
    code: Annotated[
        str,
        Path(max_length=64, description="The last part of a problem's `type`", examples=["sync-in-progress"]),
    ],
) -> schemas.ProblemKind:
    """What the `type` of a problem response leads to."""
    kind = CATALOGUE.get(code)
    if kind is None:
        raise RequestRefused("not-found", "There is no such problem.")
    return schemas.ProblemKind(code=code, status=kind.status, title=kind.title, fix=kind.fix)
