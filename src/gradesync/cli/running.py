"""Processes that go on until they are told to stop: the API, the worker, or both."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)

import structlog
import uvicorn
from starlette.applications import Starlette

from gradesync.cli.output import CommandError
from gradesync.embedded import Servers
from gradesync.observability import logs as telemetry
from gradesync.observability.periodic import run_periodically
from gradesync.runtime import Runtime, open_runtime, run_maintenance
from gradesync.settings import Settings
from gradesync.worker.pool import run_worker

log = structlog.get_logger(__name__)

WATCH_SECONDS = 1.0

Application = Callable[[Runtime], Starlette]


async def run(
    settings: Settings,
    *,
    name: str,
    carry: bool,
    listener: socket.socket | None,
    application: Application,
    servers: Servers | None = None,
) -> None:
    """Serve the application where there is a `listener`, and `carry` syncs.

    Until SIGINT or SIGTERM, or the embedded servers end.
    """
    telemetry.configure_logging(settings.log_level, settings.log_format)
    async with AsyncExitStack() as stack:
        stack.enter_context(_traced(settings, name))
        stop = stack.enter_context(_told_to_stop())
        runtime = await stack.enter_async_context(open_runtime(settings, name=name))
        if not await runtime.database.is_migrated():
            log.warning("the database is behind this release: run gradesync migrate")
        await stack.enter_async_context(run_maintenance(runtime))
        if carry:
            await stack.enter_async_context(run_worker(runtime))
        if listener is not None:
            serving = _serving(runtime, application(runtime), listener, stop)
            await stack.enter_async_context(serving)
        if servers is not None:
            await stack.enter_async_context(_watching(servers, stop))
        await stop.wait()


@asynccontextmanager
async def _watching(servers: Servers, stop: asyncio.Event) -> AsyncIterator[None]:
    """Set `stop` when the servers have ended: started again they are elsewhere, and so is this process."""

    async def look() -> None:
        if servers.ended():
            stop.set()

    async with run_periodically("watch the servers", look, seconds=WATCH_SECONDS):
        yield


def _traced(settings: Settings, name: str) -> AbstractContextManager[None]:
    """Raises `CommandError` where traces are wanted and not installed."""
    if settings.traces_endpoint is None:
        return nullcontext()
    try:
        from gradesync.observability.trace_export import export_spans
    except ImportError:
        raise CommandError("Traces are not installed.", "pip install 'gradesync[traces]'") from None
    return export_spans(settings.traces_endpoint, name)


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
async def _serving(
    runtime: Runtime, app: Starlette, listener: socket.socket, stop: asyncio.Event
) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        reset_contextvars=True,  # what one request binds is not bound to the next of its connection
        forwarded_allow_ips=runtime.settings.trusted_proxies,
        timeout_graceful_shutdown=int(runtime.settings.drain_seconds),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    serving.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        runtime.stopping.set()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A server that leaves signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
