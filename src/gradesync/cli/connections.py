"""Bound the connections of a server: how many there are, and how long a request may take to arrive."""

import asyncio
import time
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from gradesync.cli.output import CommandError
from gradesync.observability.descriptors import count_descriptors, limit_share
from gradesync.redis_client.pool import CONNECTIONS as REDIS
from gradesync.redis_client.pool import limit_connections as limit_redis
from gradesync.settings import Settings
from gradesync.upstream.egress import CONNECTIONS as UPSTREAM
from gradesync.upstream.egress import limit_connections as limit_upstream

BACKLOG = 100  # that the kernel keeps, and that one turn of the loop accepts before any of them is counted
FILES = 64  # of the interpreter, its libraries, the logs
MOST, FEWEST = 1000, 32
ENOUGH = MOST + REDIS + UPSTREAM + BACKLOG + FILES  # without PostgreSQL's
HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
LOG_SECONDS = 10.0
OUT_OF_DESCRIPTORS = "socket.accept() out of system resource"  # asyncio's own words
AMBIGUOUS = {b"content-length", b"transfer-encoding"}
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 20\r\n\r\nToo many connections"
)

log = structlog.get_logger(__name__)


def limit_connections(settings: Settings) -> int:
    """Return how many connections a server may have, so that descriptors are left for all else.

    Raises `CommandError` where too few are left to serve anybody.
    """
    descriptors = count_descriptors()
    reserved = settings.database_pool + limit_redis() + limit_upstream() + limit_backlog() + FILES
    limit, enough = min(MOST, descriptors - reserved), settings.database_pool + ENOUGH
    if limit < FEWEST:
        raise CommandError(
            f"A process needs more than {descriptors} file descriptors.",
            f"Raise the limit (ulimit -n): {enough} are enough.",
        )
    if limit < MOST:
        log.warning("connections.few", limit=limit, descriptors=descriptors, enough=enough)
    return limit


def limit_backlog() -> int:
    """Return how many connections may wait to be accepted."""
    return limit_share(BACKLOG, 8)


class BoundedProtocol(H11Protocol):
    """Refuse connections beyond uvicorn's `limit_concurrency`, and end those whose request does not arrive.

    uvicorn itself counts requests, not connections without one, and waits for a request for ever.
    """

    _timer: asyncio.TimerHandle | None = None
    _waits_for: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self.connections.discard(self)
            _log_sometimes("connections.full", limit=self.limit_concurrency)
            transport.write(FULL)
            transport.close()
        else:
            self._expect(h11.IDLE)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect(self.conn.their_state)

    def handle_events(self) -> None:
        """Read what has arrived, in a new packet or behind an earlier request."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and AMBIGUOUS.issubset(name for name, _ in self.headers):
            self.cycle.keep_alive = False  # a proxy may see another end of this body than we do
        if self.conn.their_state is h11.SEND_BODY:
            self._expect(h11.SEND_BODY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        super().connection_lost(exc)

    def _expect(self, state: Any) -> None:
        """Set the time for what the client sends next: a request's head, or its body."""
        if state is self._waits_for:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waits_for = state
        seconds = {h11.IDLE: HEAD_SECONDS, h11.SEND_BODY: BODY_SECONDS}.get(state)
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self.transport.abort)


def log_exhaustion(loop: asyncio.AbstractEventLoop) -> None:
    """Log once in a while that descriptors are used up: asyncio would for each connection that waits."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") == OUT_OF_DESCRIPTORS:
            _log_sometimes("descriptors.used-up", error=type(context.get("exception")).__name__)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


_logged: dict[str, float] = {}


def _log_sometimes(event: str, **facts: object) -> None:
    now = time.monotonic()
    if now - _logged.get(event, float("-inf")) > LOG_SECONDS:
        _logged[event] = now
        log.warning(event, **facts)
