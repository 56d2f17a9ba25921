"""Run processes until a signal: the API, the worker, or both."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)

import structlog
import uvicorn
from starlette.applications import Starlette

from gradesync.cli.connections import (
    BoundedProtocol,
    limit_backlog,
    limit_connections,
    log_exhaustion,
)
from gradesync.cli.output import CommandError
from gradesync.embedded import Servers
from gradesync.errors import DatabaseAway
from gradesync.observability import logs as telemetry
from gradesync.observability.periodic import run_periodically
from gradesync.runtime import Runtime, open_runtime, run_maintenance
from gradesync.settings import Settings

log = structlog.get_logger(__name__)

WATCH_SECONDS = 1.0

Application = Callable[[Runtime], Starlette]
Work = Callable[[Runtime], AbstractAsyncContextManager[None]]


async def run(
    settings: Settings,
    *,
    name: str,
    work: Work | None,
    listener: socket.socket | None,
    application: Application,
    servers: Servers | None = None,
) -> None:
    """Serve the application where there is a `listener`, and do the `work` of a worker where there is any.

    Returns after SIGINT or SIGTERM, or when the embedded servers end. Raises `CommandError` where the
    process may have too few descriptors.
    """
    telemetry.configure_logging(settings.log_level, settings.log_format)
    limit = 0 if listener is None else limit_connections(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(_export_traces(settings, name))
        stop = stack.enter_context(_stop_event())
        try:
            runtime = await stack.enter_async_context(open_runtime(settings, name=name, stop=stop))
        except DatabaseAway:
            if stop.is_set():
                return
            raise
        if not await runtime.context.database.is_migrated():
            log.warning("the database is behind this release: run gradesync migrate")
        await stack.enter_async_context(run_maintenance(runtime))
        if work is not None:
            await stack.enter_async_context(work(runtime))
        if listener is not None:
            serving = _serve(runtime, application(runtime), listener, limit, stop)
            await stack.enter_async_context(serving)
        if servers is not None:
            await stack.enter_async_context(_watch_servers(servers, stop))
        await stop.wait()


@asynccontextmanager
async def _watch_servers(servers: Servers, stop: asyncio.Event) -> AsyncIterator[None]:
    """Set `stop` when the servers have ended: started again, they have other addresses."""

    async def check() -> None:
        if servers.ended():
            stop.set()

    async with run_periodically("watch the servers", check, seconds=WATCH_SECONDS):
        yield


def _export_traces(settings: Settings, name: str) -> AbstractContextManager[None]:
    """Export traces where they are configured. Raises `CommandError` where they are not installed."""
    if settings.traces_endpoint is None:
        return nullcontext()
    try:
        from gradesync.observability.trace_export import export_spans
    except ImportError:
        raise CommandError("Traces are not installed.", "pip install 'gradesync[traces]'") from None
    return export_spans(settings.traces_endpoint, name)


@contextmanager
def _stop_event() -> Iterator[asyncio.Event]:
    """Make an event that SIGINT and SIGTERM set; a second signal ends the process as usual."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def handle() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, handle)
    yield stop


@asynccontextmanager
async def _serve(
    runtime: Runtime, app: Starlette, listener: socket.socket, limit: int, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Serve so many connections until the end of the block; set `stop` where serving ends first."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        http=BoundedProtocol,
        limit_concurrency=limit,
        backlog=limit_backlog(),
        reset_contextvars=True,  # what one request binds is not bound to the next of its connection
        forwarded_allow_ips=runtime.settings.trusted_proxies,
        timeout_graceful_shutdown=int(runtime.settings.drain_seconds),
    )
    log_exhaustion(asyncio.get_running_loop())
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        runtime.stopping.set()
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Leave signals to the process around the server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
