"""Stop calling an upstream that fails again and again. All workers share a circuit through Redis."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

PREFIX = "gradesync:circuit:"
OPENED = f"{PREFIX}opened"  # the circuits that opened lately: where to look, not whether they are open
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0
FAILURES_KEPT_SECONDS = 600

log = structlog.get_logger(__name__)


class CircuitBreaker:
    """Count the failures in a row of one upstream of one district; every worker opens its own, by one key.

    `failing`: this process has seen failures that a success must clear. While Redis is away no circuit is
    open.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        self.failures_key = f"{PREFIX}{key}:failures"
        self.failing = False
        self._redis = redis
        self._open_key = f"{PREFIX}{key}:open"

    async def record(self, ok: bool) -> None:
        """Count a failure, or clear the failures before a success."""
        if ok and not self.failing:
            return
        self.failing = not ok
        async with redis_optional("record a call"):
            await (self._close() if ok else self._count_failure())

    async def is_open(self) -> bool:
        """Return True while no new sync should call this upstream.

        After `OPEN_SECONDS` the circuit is half open: one more failure opens it again, one success closes it.
        """
        async with redis_optional("read a circuit"):
            return bool(await self._redis.exists(self._open_key))
        return False

    async def _close(self) -> None:
        await self._redis.delete(self.failures_key, self._open_key)

    async def _count_failure(self) -> None:
        async with self._redis.pipeline() as pipe:
            pipe.incr(self.failures_key)
            pipe.expire(self.failures_key, FAILURES_KEPT_SECONDS)
            count, _ = await pipe.execute()
        if count >= FAILURES_TO_OPEN:
            async with self._redis.pipeline() as pipe:
                pipe.set(self._open_key, 1, px=int(OPEN_SECONDS * 1000))
                pipe.sadd(OPENED, self._open_key)
                pipe.expire(OPENED, FAILURES_KEPT_SECONDS)
                await pipe.execute()


async def count_open_circuits(redis: Redis) -> Counter[str] | None:
    """Count the circuits that are open now, by the first part of their keys; None while Redis is away."""
    async with redis_optional("count open circuits"):
        names = [name.decode() async for name in redis.sscan_iter(OPENED)]
        opened = await redis.mget(names) if names else []
        open_names = (name for name, is_open in zip(names, opened, strict=True) if is_open)
        return Counter(name.removeprefix(PREFIX).partition(":")[0] for name in open_names)
    return None


@asynccontextmanager
async def redis_optional(operation: str) -> AsyncIterator[None]:
    """Log, and go on, where Redis is away: that never fails a call to an upstream."""
    try:
        yield
    except (RedisError, OSError) as error:
        log.warning("Redis is not reachable", operation=operation, error=type(error).__name__)
