"""The doorbell between API and workers. A bell says that there is work, never which: PostgreSQL knows."""

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
PREFIX = "gradesync:bells:"
PATIENCE_SECONDS = 1.0
FORGET_SECONDS = 10

BELLS = Counter("gradesync_wakeups_total", "Bells rung for work.", ["answer"])

log = structlog.get_logger(__name__)


def open_redis(url: str) -> ArqRedis:
    """A client that asks again when a connection breaks, and connects when it is first used."""
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
    """arq would pickle by itself, and whoever writes to Redis could then run code in a worker.

    What is no JSON is the error of a job that arq gave up; its text will do.
    """
    return json.dumps(job, default=str).encode()


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Rings for one district at a time; at most `most` of its bells wait to be heard.

    One more than that would find no hand free, and ten thousand of them would keep others from being heard.
    """

    redis: ArqRedis
    most: int

    async def ring(self, district_id: str) -> None:
        """Never raises and never keeps its caller long: the sweep finds what nobody heard."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                rung = await self._ring(district_id)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("bell not rung", district=district_id, error=type(error).__name__)
            BELLS.labels("lost").inc()
        else:
            BELLS.labels("rung" if rung else "spared").inc()

    async def _ring(self, district_id: str) -> bool:
        if await self._count(district_id, 1) > self.most:
            await self._count(district_id, -1)
            return False
        return await self.redis.enqueue_job(THERE_IS_WORK, district_id) is not None

    async def heard(self, district_id: str) -> None:
        """To be said before looking for work, so that what is asked for from now on rings again."""
        await self._count(district_id, -1)

    async def _count(self, district_id: str, change: int) -> int:
        """The count forgets itself: bells that a flushed Redis lost must not silence later ones for long."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.incrby(PREFIX + district_id, change)
            pipe.expire(PREFIX + district_id, FORGET_SECONDS, nx=True)
            count, _ = await pipe.execute()
        return int(count)
