"""Remember the districts that workers skipped lately: a call budget is spent or a circuit is open."""

import time

from redis.asyncio import Redis

from gradesync.redis_client.pool import redis_optional

DISTRICTS = "gradesync:skipped_districts"
# Workers look for work every second: a district that none of them has skipped for so long is not skipped.
RECENT_SECONDS = 5.0


async def note(redis: Redis, district_id: str) -> None:
    """Note that a district was skipped now. It is for metrics alone: a failure is ignored."""
    with redis_optional("note a skipped district"):
        await redis.zadd(DISTRICTS, {district_id: time.time()})


async def recent(redis: Redis) -> list[str]:
    """Return the districts that any worker skipped lately; none while Redis is away."""
    with redis_optional("list skipped districts"):
        await redis.zremrangebyscore(DISTRICTS, "-inf", time.time() - RECENT_SECONDS)
        return [name.decode() for name in await redis.zrange(DISTRICTS, 0, -1)]
    return []
