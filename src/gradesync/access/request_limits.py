"""Limit how often a caller may ask: in this process, and over all processes where Redis can be used."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from prometheus_client import Counter
from pyrate_limiter import GCRA, Rate, RedisStateStore
from pyrate_limiter.abstracts import Decision, State
from redis.asyncio import Redis
from starlette.requests import Request

from gradesync.redis_client.availability import redis_optional

PREFIX = "gradesync:limit:"
A_MINUTE = 60_000
CALLERS = 20_000  # that one process remembers; it forgets who has not asked for longest

REFUSED = Counter("gradesync_requests_limited_total", "Requests refused by a rate limit.", ["limit"])


def source_ip(request: Request) -> str | None:
    """Return the address that the request came from; None where a proxy forwards text that is none."""
    if request.client is not None:
        with suppress(ValueError):
            return str(ip_address(request.client.host))
    return None


@dataclass(slots=True)
class Limits:
    """Keep leaky buckets by name: a minute's requests may come at once, after which they come evenly.

    Whoever has asked this process too often has asked all of them too often: Redis is asked about the rest.
    While it cannot be used, each process limits by itself.
    """

    redis: Redis
    _states: OrderedDict[str, State] = field(default_factory=OrderedDict, init=False)

    async def wait(self, limit: str, caller: str, per_minute: int) -> float:
        """Return the seconds until `caller` may send another request; 0 where it may now, and is counted."""
        key, rates, now = f"{PREFIX}{limit}:{caller}", [Rate(per_minute, A_MINUTE)], int(time.time() * 1000)
        decision = self._check_here(key, rates, now)
        if decision.allowed:
            async with redis_optional("limit requests"):
                decision = await self._check_everywhere(key, rates, now)
        if decision.allowed:
            return 0.0
        REFUSED.labels(limit).inc()
        return max(decision.retry_after_ms or 0, 1) / 1000

    def _check_here(self, key: str, rates: list[Rate], now: int) -> Decision:
        bucket = GCRA()
        state, decision = bucket.step(rates, self._states.pop(key, bucket.initial(rates)), now, 1)
        self._states[key] = state
        if len(self._states) > CALLERS:
            self._states.popitem(last=False)
        return decision

    async def _check_everywhere(self, key: str, rates: list[Rate], now: int) -> Decision:
        # With an asynchronous client its result must be awaited; the library does not type it.
        check: Callable[..., Awaitable[Decision]] = RedisStateStore(self.redis, key).check
        return await check(GCRA(), rates, now, 1)
