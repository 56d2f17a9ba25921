"""Wake workers from the API. A wake-up means that a district has work, never which: PostgreSQL knows."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import structlog
from arq.connections import ArqRedis
from prometheus_client import Counter
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

THERE_IS_WORK = "there_is_work"
PREFIX = "gradesync:wakeups:"
NOTIFY_SECONDS = 1.0
COUNT_KEPT_SECONDS = 10

WAKEUPS = Counter("gradesync_wakeups_total", "Wake-ups for workers, by what became of them.", ["result"])

log = structlog.get_logger(__name__)


def open_redis(url: str) -> ArqRedis:
    """Return a client that retries when a connection breaks, and connects when it is first used."""
    redis: ArqRedis = ArqRedis.from_url(
        url,
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.02), 2),
        retry_on_error=[RedisError, OSError],
        socket_connect_timeout=2,
        socket_timeout=10,
        health_check_interval=15,
    )
    redis.job_serializer, redis.job_deserializer = to_bytes, json.loads
    return redis


def to_bytes(job: dict[str, Any]) -> bytes:
    """Serialize an arq job as JSON."""
    # arq would pickle by default, and anybody who writes to Redis could then run code in a worker. Only the
    # error of a job that arq gave up is not JSON; its text will do.
    return json.dumps(job, default=str).encode()


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Send wake-ups for districts; at most `limit` of a district's wait to be received."""

    # More of them would find no free slot in a pool, and ten thousand would delay those of other districts.
    redis: ArqRedis
    limit: int

    async def notify(self, district_id: str) -> None:
        """Send a wake-up. Never raises, and returns within a second: the sweep finds what was lost."""
        try:
            async with asyncio.timeout(NOTIFY_SECONDS):
                sent = await self._send(district_id)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("wake-up not sent", district=district_id, error=type(error).__name__)
            WAKEUPS.labels("lost").inc()
        else:
            WAKEUPS.labels("sent" if sent else "suppressed").inc()

    async def _send(self, district_id: str) -> bool:
        if await self._count(district_id, 1) > self.limit:
            await self._count(district_id, -1)
            return False
        return await self.redis.enqueue_job(THERE_IS_WORK, district_id) is not None

    async def received(self, district_id: str) -> None:
        """Count a wake-up as received, before looking for work: later requests then send a new one."""
        await self._count(district_id, -1)

    async def _count(self, district_id: str, change: int) -> int:
        """Change the number of a district's waiting wake-ups, and return it."""
        # The count expires: wake-ups that a flushed Redis lost must not suppress later ones for long.
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.incrby(PREFIX + district_id, change)
            pipe.expire(PREFIX + district_id, COUNT_KEPT_SECONDS, nx=True)
            count, _ = await pipe.execute()
        return int(count)
