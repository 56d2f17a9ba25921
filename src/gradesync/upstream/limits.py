"""Limit the calls to an upstream: so many in a window, none while its circuit is open, each in its time."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import httpcore
import httpx
from redis.asyncio import Redis

from gradesync.core.district import BUDGET_SHARE
from gradesync.errors import is_out_of_descriptors
from gradesync.redis_client.pool import redis_optional

PREFIX = "gradesync:circuit:"
OPENED = f"{PREFIX}opened"  # the circuits that opened lately: where to look, not whether they are open
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0
FAILURES_KEPT_SECONDS = 600
CONNECT_SECONDS = 10.0
SHORTAGE_PAUSE = timedelta(
    seconds=5
)  # until a call is tried again for which this process had no connection left


def loop_time() -> float:
    """Return the monotonic time of the loop that runs: virtual in a rehearsal."""
    return asyncio.get_running_loop().time()


def limit_steps(seconds: float) -> dict[str, float | None]:
    """Return the limits of each step of a call that has `seconds` in all, as httpx keeps them in a request.

    The total needs a limit of its own. This one holds where a library loses the cancellation of a call.
    """
    return httpx.Timeout(seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS).as_dict()


def is_shortage(error: BaseException) -> bool:
    """Return whether a call was not sent because this process had no connection, or no descriptor, left."""
    return isinstance(error, httpx.PoolTimeout) or is_out_of_descriptors(error)


class ConnectionPool(httpcore.AsyncConnectionPool):
    """Limit connections, each of which serves one call at a time.

    Those of no more use are closed, also where the call that met them is canceled. httpcore shields that from
    anyio's cancellation alone: the others would stay open, unknown to the pool.
    """

    def _assign_requests_to_connections(self) -> list[httpcore.AsyncConnectionInterface]:
        """Give each waiting call a connection of its own, and return the connections to close.

        httpcore gives one that is idle to all calls that begin at once, of which all but one ask again, and
        looks at all connections once more for each that is idle.
        """
        waiting = [request for request in self._requests if request.is_queued()]
        if not waiting:
            return []
        kept: list[httpcore.AsyncConnectionInterface] = []
        closing: list[httpcore.AsyncConnectionInterface] = []
        for connection in self._connections:
            if not connection.is_closed():
                (closing if connection.has_expired() else kept).append(connection)
        taken = {request.connection for request in self._requests}
        idle = [connection for connection in kept if connection.is_idle() and connection not in taken]
        for request in waiting:
            origin = request.request.url.origin
            if usable := [connection for connection in idle if connection.can_handle_request(origin)]:
                idle.remove(usable[0])
                request.assign_to_connection(usable[0])
                continue
            if len(kept) >= self._max_connections and idle:
                closing.append(idle.pop(0))
                kept.remove(closing[-1])
            if len(kept) < self._max_connections:
                kept.append(self.create_connection(origin))
                request.assign_to_connection(kept[-1])
        self._connections = kept
        return closing

    async def _close_connections(self, closing: list[httpcore.AsyncConnectionInterface]) -> None:
        left = iter(closing)
        try:
            for connection in left:  # not in a task: until it begins to close, a call may begin on it
                await connection.aclose()
        except asyncio.CancelledError:
            await self._close_connections(list(left))
            raise


class Budget(Protocol):
    """Limit the calls to one upstream, together with everybody who calls it."""

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None:
        """Wait for a slot; raises `Retriable` where there is none before `until`."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let nobody call for so many seconds."""
        ...

    async def report(self, ok: bool) -> None:
        """Record whether the upstream answered, for the circuit."""
        ...


class CircuitBreaker:
    """Count the failures in a row of one upstream of one district; every worker opens its own, by one key.

    `failing`: this process has seen failures that a success must clear. While Redis is away each process
    opens its own circuit, by the failures that it has seen itself.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        self.failures_key = f"{PREFIX}{key}:failures"
        self.failing = False
        self.open_key = f"{PREFIX}{key}:open"
        self._redis = redis
        self._failures = 0
        self._open_until = 0.0

    async def record(self, ok: bool) -> None:
        """Count a failure, or clear the failures before a success."""
        self._failures = 0 if ok else self._failures + 1
        self._open_until = loop_time() + OPEN_SECONDS if self._failures >= FAILURES_TO_OPEN else 0.0
        if ok and not self.failing:
            return
        self.failing = not ok
        with redis_optional("record a call"):
            await (self._close() if ok else self._count_failure())

    async def is_open(self) -> bool:
        """Return True while no new sync should call this upstream.

        After `OPEN_SECONDS` the circuit is half open: one more failure opens it again, one success closes it.
        """
        with redis_optional("read a circuit"):
            return bool(await self._redis.exists(self.open_key))
        return self.is_open_here()

    def is_open_here(self) -> bool:
        """Return True where this process alone has opened it, while Redis is away."""
        return loop_time() < self._open_until

    async def _close(self) -> None:
        await self._redis.delete(self.failures_key, self.open_key)

    async def _count_failure(self) -> None:
        async with self._redis.pipeline() as pipe:
            pipe.incr(self.failures_key)
            pipe.expire(self.failures_key, FAILURES_KEPT_SECONDS)
            count, _ = await pipe.execute()
        if count >= FAILURES_TO_OPEN:
            async with self._redis.pipeline() as pipe:
                pipe.set(self.open_key, 1, px=int(OPEN_SECONDS * 1000))
                pipe.sadd(OPENED, self.open_key)
                pipe.expire(OPENED, FAILURES_KEPT_SECONDS)
                await pipe.execute()


async def count_open_circuits(redis: Redis) -> Counter[str] | None:
    """Count the circuits that are open now, by the first part of their keys; None while Redis is away."""
    with redis_optional("count open circuits"):
        names = [name.decode() async for name in redis.sscan_iter(OPENED)]
        opened = await redis.mget(names) if names else []
        open_names = (name for name, is_open in zip(names, opened, strict=True) if is_open)
        return Counter(name.removeprefix(PREFIX).partition(":")[0] for name in open_names)
    return None


REUSE_SECONDS = 0.05
TRAVEL_SECONDS = 0.05  # how much longer one call may travel than the one before it, at least
LOCAL_SHARES = 4


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Allow at most `limit` calls in any `window` seconds.

    `reuse_seconds`: for so long a reserved slot is as good as one that is taken when the call is sent.
    """

    limit: int
    window: float
    reuse_seconds: float = 0.0


def per_window(limit: int, seconds: float) -> RateLimit:
    """Return the rate limit that keeps to our share of an upstream's own."""
    # The longer window covers the way to the upstream, and how long ago a slot may have been reserved.
    longer = max(0.03 * seconds, TRAVEL_SECONDS + REUSE_SECONDS)
    return RateLimit(max(1, int(BUDGET_SHARE * limit)), seconds + longer, REUSE_SECONDS)


def minimum_interval(milliseconds: int) -> RateLimit | None:
    """Return the rate limit of an upstream with a minimum interval between calls; None where it has none."""
    return RateLimit(1, milliseconds / 1000 * 1.1) if milliseconds else None


class LocalFallback:
    """Count this process's own calls against a part of a rate limit, while Redis is away."""

    def __init__(self, rate: RateLimit | None) -> None:
        self.limit = max(1, rate.limit // LOCAL_SHARES) if rate else 0
        self._window = rate.window if rate else 0.0
        self._sent: deque[float] = deque(maxlen=self.limit or 1)
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Allow no calls for so many seconds."""
        self._paused_until = max(self._paused_until, loop_time() + seconds)

    def wait(self, cost: int) -> float:
        """Return the seconds until `cost` slots are free; 0 where they are taken now."""
        now = loop_time()
        cost = min(cost, self.limit)
        free = self.limit - len(self._sent)
        oldest = self._sent[cost - free - 1] if cost > free else float("-inf")
        wait = max(self._paused_until, oldest + self._window) - now
        if wait <= 0:
            self._sent.extend([now] * cost)
        return max(wait, 0.0)

    def remaining(self) -> float:
        """Return the seconds until the last call that Redis doesn't know of has left the window."""
        if not self._sent:
            return 0.0
        wait = self._sent[-1] + self._window - loop_time()
        if wait <= 0:
            self._sent.clear()
        return max(wait, 0.0)
