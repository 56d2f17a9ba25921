"""Remember the districts that workers skipped lately: a call budget is spent or a circuit is open."""

import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

DISTRICTS = "gradesync:skipped_districts"
# Workers look for work every second: a district that none of them has skipped for so long is not skipped.
RECENT_SECONDS = 5.0


async def note(redis: Redis, district_id: str) -> None:
    """Note that a district was skipped now. It is for metrics alone: a failure is ignored."""
    try:
        await redis.zadd(DISTRICTS, {district_id: time.time()})
    except (RedisError, OSError):
        return


async def recent(redis: Redis) -> list[str]:
    """Return the districts that any worker skipped lately; none while Redis is away."""
    try:
        await redis.zremrangebyscore(DISTRICTS, "-inf", time.time() - RECENT_SECONDS)
        return [name.decode() for name in await redis.zrange(DISTRICTS, 0, -1)]
    except (RedisError, OSError):
        return []
