"""Serve the health and the metrics of a worker, without the code of the API: it starts sooner."""

import asyncio
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gradesync.access.tokens import Cache
from gradesync.db.session import DATABASE_AWAY
from gradesync.observability.logs import render_metrics
from gradesync.runtime import READY_KEPT_SECONDS, READY_SECONDS, Runtime

Readiness: TypeAlias = dict[str, str | None]


def health_app(runtime: Runtime) -> Starlette:
    """Make the application: `/healthz` (the loop runs), `/readyz` (database and Redis), `/metrics`."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    checked = Cache[None, Readiness](lambda _: _check(runtime), seconds=READY_KEPT_SECONDS)

    async def readiness(_: Request) -> Response:
        found = await checked.get(None)
        return JSONResponse(found, status_code=503 if found["status"] == "unavailable" else 200)

    async def metrics(_: Request) -> Response:
        body, content_type = render_metrics()
        return Response(body, media_type=content_type)

    app = Starlette(
        routes=[Route("/healthz", health), Route("/readyz", readiness), Route("/metrics", metrics)]
    )
    app.router.redirect_slashes = False  # such a redirect would name the host that the caller names
    return app


async def _check(runtime: Runtime) -> Readiness:
    if not await _is_migrated(runtime):
        return {"status": "unavailable"}
    problem = await runtime.redis.find_problem()
    return {"status": "degraded" if problem else "ready", "queue_problem": problem}


async def _is_migrated(runtime: Runtime) -> bool:
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await runtime.context.database.is_migrated()
    except (TimeoutError, *DATABASE_AWAY):
        return False
