"""Serve a bare FastAPI application with the API's token check and statements, and no more."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import uvicorn
from fastapi import FastAPI, Request

from gradesync.cli.servers import listen
from gradesync.db import audit, clients, districts, queue, syncs
from gradesync.observability import logs as telemetry
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings


def bare_app(settings: Settings) -> FastAPI:
    """Build two routes, as short as FastAPI allows."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_runtime(settings, name="bare") as runtime:
            app.state.runtime = runtime
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/sections/{section_id}/syncs")
    async def log(request: Request, section_id: str) -> list[dict[str, Any]]:
        runtime: Runtime = request.app.state.runtime
        caller = runtime.tokens.verify(request.headers["authorization"].removeprefix("Bearer "))
        async with runtime.context.database.on_driver(caller.district_id) as db:
            assert await clients.is_active(db, caller.client_id)
        async with runtime.context.database.district(caller.district_id) as db:
            found = await syncs.page(db, section_id=section_id, limit=51)
            assert await districts.is_here(db)
            return [asdict(sync) for sync in found]

    @app.post("/sections/{section_id}/syncs", status_code=202)
    async def start(request: Request, section_id: str) -> dict[str, Any]:
        runtime: Runtime = request.app.state.runtime
        caller = runtime.tokens.verify(request.headers["authorization"].removeprefix("Bearer "))
        async with runtime.context.database.on_driver(caller.district_id) as db:
            assert await clients.is_active(db, caller.client_id)
        async with runtime.context.database.district(caller.district_id) as db:
            assert await districts.get(db)
            await queue.count_queued(db)
            sync = await syncs.insert(
                db,
                section_id=section_id,
                requested_by_kind=caller.kind,
                requested_by_id=caller.subject,
                settles_in=900,
            )
            assert sync is not None
            await audit.append(db, caller.actor, "sync.requested", {"section": section_id}, None)
            assert await queue.find_pause(db, section_id) is None
            await queue.mark_waiting(db)
            return asdict(sync)

    return app


if __name__ == "__main__":
    telemetry.configure_logging("error", "text")
    listener = listen("127.0.0.1", int(sys.argv[1]))
    config = uvicorn.Config(bare_app(Settings()), log_config=None, access_log=False, server_header=False)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
