"""Notice that PostgreSQL answers nothing any more, and end what waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakSet

import structlog

from gradesync.errors import DatabaseAway
from gradesync.observability.periodic import cancel_all

SILENT_SECONDS = 1.0  # without an answer, before a server that somebody waits for is asked for a sign of life
PROBE_SECONDS = 3.0  # that it has for that, on a new connection
# And for a statement there. Nothing else shows a server that is stopped behind a pooler that lives; a busy
# pooler answers late too.
STATEMENT_SECONDS = 5.0
AGAIN_SECONDS = 1.0
CLOSE_SECONDS = 2.0
# A timer that fires so late shows that this process was busy: an answer may be there, not yet read.
LATE_SECONDS = 0.5

log = structlog.get_logger(__name__)

Connect = Callable[..., Awaitable[Any]]


class Watchdog:
    """End the waiting for a server that accepts connections and answers nothing: it is stopped, or cut off.

    Long work looks the same by any time for a statement. So a new connection is tried, and a statement on it.
    Everything is ended only where either gets no answer, and nobody else in this process got one meanwhile.
    Until the server answers again, nobody waits for it: `DatabaseAway` is raised at once.
    """

    def __init__(self) -> None:
        self._connect: Connect | None = None
        self._connections: WeakSet[Any] = WeakSet()
        self._connecting: set[asyncio.Timeout] = set()
        self._waiting = 0
        self._since = self._answered = float("-inf")
        self._silent = False
        self._timer: asyncio.TimerHandle | None = None
        self._probing: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block waits for the server. Raises `DatabaseAway` while that is silent."""
        self._require()
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting += 1
        self._arm()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._disarm()

    async def connect(self, connect: Connect) -> Any:
        """Return a new connection, which is ended where the server falls silent.

        `connect` takes the `seconds` that it may need, if they are few.
        """
        self._require()
        self._connect = connect
        async with self._until_silent():
            connection = await connect()
        self.note_answer()
        self._connections.add(connection)
        return connection

    def note_answer(self, *_: object) -> None:
        """Note that the server answered somebody."""
        self._answered = time.monotonic()

    async def close(self) -> None:
        """End the probes, and close the connections: those of a server that is silent, without its answer."""
        self._disarm()
        if self._probing is not None:
            await cancel_all([self._probing])
        closing = [connection.close(timeout=CLOSE_SECONDS) for connection in tuple(self._connections)]
        await asyncio.gather(*closing, return_exceptions=True)

    def _require(self) -> None:
        if self._silent:
            raise DatabaseAway("NoAnswer")

    @asynccontextmanager
    async def _until_silent(self) -> AsyncIterator[None]:
        """Raise `TimeoutError` in the block once the server falls silent."""
        async with asyncio.timeout(None) as deadline:
            self._connecting.add(deadline)
            try:
                yield
            finally:
                self._connecting.discard(deadline)

    def _arm(self) -> None:
        if self._timer is None and self._probing is None:
            self._timer = asyncio.get_running_loop().call_later(self._rest(), self._check)

    def _rest(self) -> float:
        """Return the seconds until the server has been silent for long."""
        return max(self._since, self._answered) + SILENT_SECONDS - time.monotonic()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._rest() > 0:
            self._arm()
        else:
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        """Ask for a sign of life, and again and again where there is none."""
        began = time.monotonic()
        try:
            while not await self._is_alive() and self._answered < began:
                self._fall_silent()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._probing = None
        if self._silent:
            self._silent = False
            log.info("database.answers", seconds=round(time.monotonic() - began, 1))
        self._since = time.monotonic()
        if self._waiting:
            self._arm()

    async def _is_alive(self) -> bool:
        """Return whether a new connection, and a statement on it, is answered or refused.

        Only a server that runs does either; a pooler before one that is stopped makes connections alone.
        """
        if self._connect is None:
            return True
        due = time.monotonic() + PROBE_SECONDS
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                connection = await self._connect(seconds=PROBE_SECONDS)
            try:
                due = time.monotonic() + STATEMENT_SECONDS
                async with asyncio.timeout(STATEMENT_SECONDS):
                    await connection.execute("SELECT 1")
            finally:
                connection.terminate()
        except TimeoutError:
            return time.monotonic() - due > LATE_SECONDS
        except Exception:
            return True
        return True

    def _fall_silent(self) -> None:
        if self._silent:
            return
        self._silent = True
        log.warning("database.silent", connections=len(self._connections))
        for connection in tuple(self._connections):
            connection.terminate()
        for deadline in tuple(self._connecting):
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time())
