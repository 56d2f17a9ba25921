"""Wake workers from the API. A wake-up means that a district has work, never which: PostgreSQL knows."""

from dataclasses import dataclass

import structlog
from arq.connections import ArqRedis
from prometheus_client import Counter
from redis.exceptions import RedisError

from gradesync.redis_client.pool import Patience, redis_optional
from gradesync.redis_client.problems import RedisAway

THERE_IS_WORK = "there_is_work"
PREFIX = "gradesync:wakeups:"
NOTIFY_SECONDS = 0.7
COUNT_KEPT_SECONDS = 10

# KEYS: the number of a district's waiting wake-ups. ARGV: their limit, and the seconds that a count is kept.
# Returns 1 where there is room for one more, which is counted. The count expires: wake-ups that a flushed
# Redis lost must not suppress later ones for long.
COUNT_SENT = """
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[2], 'NX')
return 1
"""

WAKEUPS = Counter("gradesync_wakeups_total", "Wake-ups for workers, by what became of them.", ["result"])

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Send wake-ups for districts; at most `limit` of a district's wait to be received."""

    # More of them would find no free slot in a pool, and ten thousand would delay those of other districts.
    redis: ArqRedis
    limit: int

    async def notify(self, district_id: str) -> None:
        """Send a wake-up. Never raises, and returns soon: the sweep finds what was lost."""
        try:
            async with Patience(NOTIFY_SECONDS):
                sent = await self._send(district_id)
        except RedisAway:
            WAKEUPS.labels("lost").inc()
        except (RedisError, OSError) as error:
            log.warning("wake-up not sent", district=district_id, error=type(error).__name__)
            WAKEUPS.labels("lost").inc()
        else:
            WAKEUPS.labels("sent" if sent else "suppressed").inc()

    async def _send(self, district_id: str) -> bool:
        count_sent = self.redis.register_script(COUNT_SENT)
        if not await count_sent(keys=[PREFIX + district_id], args=[self.limit, COUNT_KEPT_SECONDS]):
            return False
        return await self.redis.enqueue_job(THERE_IS_WORK, district_id) is not None

    async def received(self, district_id: str) -> None:
        """Count a wake-up as received, before looking for work: later requests then send a new one."""
        with redis_optional("count a wake-up"):
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.decr(PREFIX + district_id)
                pipe.expire(PREFIX + district_id, COUNT_KEPT_SECONDS, nx=True)
                await pipe.execute()
