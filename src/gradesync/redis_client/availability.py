"""Remember in one place that Redis cannot be used, and find out when it can again."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from prometheus_client import Counter
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import TimeoutError as NoAnswer

SLOWEST = 0.1  # of the patience: a sync asks about thirty times, and the sum counts
PROBE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
# A timer that fires so late shows that this process was busy: an answer may be there, not yet read.
LATE_SECONDS = 0.02
MORE_ROUNDS = 2

OUTAGES = Counter(
    "gradesync_redis_outages_total", "Times that Redis became unusable, by problem.", ["problem"]
)
REFUSALS = {"READONLY": "read-only", "OOM": "full", "MISCONF": "not-saving", "NOREPLICAS": "not-saving"}
_REFUSAL = re.compile(rf"\b({'|'.join(REFUSALS)})\b")

log = structlog.get_logger(__name__)


class RedisAway(ConnectionError):
    """Report that Redis is known to be away: it was not asked."""


class TooSlow(NoAnswer):
    """Report that Redis answers, and not fast enough to be asked again and again."""


# The first kind that fits: kinds of errors are nested.
PROBLEMS: Sequence[tuple[type[Exception], str]] = (
    (TooSlow, "slow"),
    (NoAnswer, "no-answer"),
    (TimeoutError, "no-answer"),
    (BusyLoadingError, "loading"),
    (AuthenticationError, "password-refused"),
    (ReadOnlyError, "read-only"),
    (OutOfMemoryError, "full"),
    (ConnectionError, "unreachable"),
    (OSError, "unreachable"),
)


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` after so many seconds, but not for those in which this process was too busy."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def arm(rounds: int) -> None:
        nonlocal timer
        due = loop.time() + seconds
        timer = loop.call_at(due, check, due, rounds)

    def check(due: float, rounds: int) -> None:
        if loop.time() - due > LATE_SECONDS and rounds:
            arm(rounds - 1)
        else:
            deadline.reschedule(loop.time())

    async with asyncio.timeout(None) as deadline:
        arm(MORE_ROUNDS)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()


def find_problem(error: Exception) -> str | None:
    """Return why Redis cannot be used, in a word; None for an error that is of the command alone."""
    if isinstance(error, RedisAway):
        return None
    for kind, problem in PROBLEMS:
        if isinstance(error, kind):
            return problem
    found = _REFUSAL.search(str(error))  # a script reports a refusal in the middle of its own text
    return REFUSALS[found[1]] if found else None


class Availability:
    """Remember for all callers of one client why Redis cannot be used, until a probe finds that it can.

    `problem` is None while it can. Probes run in the background: no caller waits for them. `hang_up` closes
    idle connections.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        hang_up: Callable[[], Awaitable[None]],
    ) -> None:
        self.problem: str | None = None
        self._probe = probe
        self._hang_up = hang_up
        self._watching: asyncio.Task[None] | None = None
        self._checked = self._back = float("-inf")
        self._pause = PROBE_SECONDS

    def require(self) -> None:
        """Raise `RedisAway` while Redis cannot be used."""
        if self.problem is not None:
            raise RedisAway(self.problem)

    def note_failure(self, error: Exception) -> None:
        """Let nobody ask Redis for a while, where the error shows that it cannot be used."""
        problem = find_problem(error)
        if problem is not None and self.problem is None:
            self._begin(problem)
            self._watch(self._wait_until_back())

    def suspect(self) -> None:
        """Probe Redis where a command takes long: it may be slow, or only this process busy."""
        now = time.monotonic()
        if self._watching is None and now - self._checked > PROBE_SECONDS:
            self._checked = now
            self._watch(self._check())

    async def stop(self) -> None:
        """End the probes."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def _begin(self, problem: str) -> None:
        log.warning("redis.away", problem=problem)
        OUTAGES.labels(problem).inc()
        self.problem = problem
        # One that comes and goes is left alone for longer each time.
        again = time.monotonic() - self._back < LONGEST_PAUSE_SECONDS
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS) if again else PROBE_SECONDS

    def _watch(self, watching: Coroutine[Any, Any, None]) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = asyncio.create_task(watching)
        self._watching.add_done_callback(self._forget)

    def _forget(self, watching: asyncio.Task[None]) -> None:
        if self._watching is watching:
            self._watching = None

    async def _check(self) -> None:
        problem = await self._find_problem()
        if problem is not None:
            self._begin(problem)
            await self._wait_until_back()

    async def _wait_until_back(self) -> None:
        began, pause = time.monotonic(), self._pause
        await self._hang_up()  # each of them may be as dead as the one that failed
        while self.problem is not None:
            await asyncio.sleep(pause)
            self.problem, pause = await self._find_problem(), PROBE_SECONDS
        self._back = time.monotonic()
        log.info("redis.back", seconds=round(self._back - began, 1))

    async def _find_problem(self) -> str | None:
        try:
            await self._probe()
        except (RedisError, OSError) as error:
            return find_problem(error) or "failing"
        return None


@asynccontextmanager
async def redis_optional(operation: str) -> AsyncIterator[None]:
    """Log, and go on, where Redis is away: that never fails what does without it."""
    try:
        yield
    except RedisAway:
        return  # it was logged when it began
    except (RedisError, OSError) as error:
        log.warning("Redis is not reachable", operation=operation, error=type(error).__name__)
