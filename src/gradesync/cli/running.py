"""Processes that go on until they are told to stop: the API, the worker, or both."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from gradesync import telemetry
from gradesync.api.app import create_app
from gradesync.embedded import Servers
from gradesync.lti.app import lti_app
from gradesync.rounds import repeated
from gradesync.runtime import Runtime, open_runtime, sweeping
from gradesync.settings import Settings
from gradesync.worker import working

log = structlog.get_logger(__name__)

WATCH_SECONDS = 1.0


async def run(
    settings: Settings,
    *,
    listener: socket.socket | None,
    carry: bool,
    name: str,
    servers: Servers | None = None,
) -> None:
    """Serve the API on `listener`, carry syncs, or both, until SIGINT or SIGTERM, or embedded servers end."""
    telemetry.configure_logging(settings.log_level, settings.log_format)
    async with AsyncExitStack() as stack:
        stop = stack.enter_context(_told_to_stop())
        runtime = await stack.enter_async_context(open_runtime(settings, name=name))
        if not await runtime.database.is_migrated():
            log.warning("the database is behind this release: run gradesync migrate")
        await stack.enter_async_context(sweeping(runtime))
        if carry:
            await stack.enter_async_context(working(runtime))
        if listener is not None:
            await stack.enter_async_context(_serving(runtime, listener, stop))
        if servers is not None:
            await stack.enter_async_context(_watching(servers, stop))
        await stop.wait()


@asynccontextmanager
async def _watching(servers: Servers, stop: asyncio.Event) -> AsyncIterator[None]:
    """Set `stop` when the servers have ended: started again they are elsewhere, and so is this process."""

    async def look() -> None:
        if servers.ended():
            stop.set()

    async with repeated("watch the servers", look, seconds=WATCH_SECONDS):
        yield


def application(runtime: Runtime) -> FastAPI:
    """Everything that is served: the API, and the LTI tool with the teacher's page."""
    app = create_app(runtime)
    app.mount("/lti", lti_app(runtime))
    return app


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; a second signal ends the process as it always would."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def hear() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, hear)
    yield stop


@asynccontextmanager
async def _serving(runtime: Runtime, listener: socket.socket, stop: asyncio.Event) -> AsyncIterator[None]:
    app = application(runtime)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=runtime.settings.trusted_proxies,
        timeout_graceful_shutdown=int(runtime.settings.drain_seconds),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    serving.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        app.state.service.stopping.set()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A server that leaves signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
