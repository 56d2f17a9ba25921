"""Limit the rate of requests, counted in Redis for all processes together."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter
from pyrate_limiter import GCRA, Rate, RedisStateStore
from pyrate_limiter.abstracts.algorithm import Decision
from redis.asyncio import Redis
from redis.exceptions import RedisError

PREFIX = "gradesync:limit:"
A_MINUTE = 60_000
CHECK_SECONDS = 1.0
OUTAGE_SECONDS = 15.0

REFUSED = Counter("gradesync_requests_limited_total", "Requests refused by a rate limit.", ["limit"])

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Limits:
    """Keep leaky buckets by name: a minute's requests may come at once, after which they come evenly.

    While Redis is away nobody is limited: a limit guards the service, and must not stop it.
    """

    redis: Redis
    _away_until: float = field(default=0.0, init=False)

    async def wait(self, limit: str, caller: str, per_minute: int) -> float:
        """Return the seconds until `caller` may send another request; 0 where it may now, and is counted."""
        if time.monotonic() < self._away_until:
            return 0.0
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                decision = await self._check(f"{PREFIX}{limit}:{caller}", per_minute)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + OUTAGE_SECONDS
            log.warning("Redis is not reachable, requests are not limited", error=type(error).__name__)
            return 0.0
        if decision.allowed:
            return 0.0
        REFUSED.labels(limit).inc()
        return max(decision.retry_after_ms or 0, 1) / 1000

    async def _check(self, key: str, per_minute: int) -> Decision:
        store, now = RedisStateStore(self.redis, key), int(time.time() * 1000)
        # With an asynchronous client its result must be awaited; the library does not type it.
        check: Callable[..., Awaitable[Decision]] = store.check
        return await check(GCRA(), [Rate(per_minute, A_MINUTE)], now, 1)
