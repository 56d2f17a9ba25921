"""The districts that workers passed over lately, because a budget is spent or a circuit is open."""

import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

DISTRICTS = "gradesync:passed-over"
LATELY_SECONDS = 5.0
"""SyncPool look for work every second: what none of them has passed over for so long is passed over no more."""


async def note(redis: Redis, district_id: str) -> None:
    """Say that a district was passed over now. It is for metrics alone, so that failing does not matter."""
    try:
        await redis.zadd(DISTRICTS, {district_id: time.time()})
    except (RedisError, OSError):
        return


async def lately(redis: Redis) -> list[str]:
    """The districts that any worker passed over lately; none while Redis is away."""
    try:
        await redis.zremrangebyscore(DISTRICTS, "-inf", time.time() - LATELY_SECONDS)
        return [name.decode() for name in await redis.zrange(DISTRICTS, 0, -1)]
    except (RedisError, OSError):
        return []
