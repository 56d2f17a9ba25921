"""Measure what calls and claims take of workers, so that a rehearsal can know it."""

import json
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import monotonic, process_time
from typing import NamedTuple

from redis.asyncio import Redis

from gradesync.redis_client.pool import redis_optional
from gradesync.sync.claim import Claimed
from gradesync.upstream.response import CALLS

CALLS_KEY = "gradesync:usage:calls"
CLAIMS_KEY = "gradesync:usage:claims"
KEPT = 100  # measurements of each kind, of all workers together
KEPT_SECONDS = 30 * 86400
SAVE_SECONDS = 10.0
CALLS_AT_LEAST = 100  # in one measurement: a few show more of what a worker does beside them


class Usage(NamedTuple):
    """Hold the seconds that workers usually take; None where nobody has measured them.

    `processor`: of its processor for a call, with all that a sync does beside it. `looking`: of waiting for
    servers until a worker knows whom it claims for; `claiming`: until the sync is its own, while the other
    claims of the district wait.
    """

    processor: float | None = None
    looking: float | None = None
    claiming: float | None = None


@dataclass(slots=True)
class UsageMeter:
    """Measure the processor of this process while it runs syncs, and its claims while it runs none.

    What it does while none runs belongs to no call, and a claim beside syncs waits for them too.
    """

    _running: int = 0
    _began: tuple[float, int] = (0.0, 0)
    _seconds: float = 0.0
    _calls: int = 0
    _claims: list[dict[str, float]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure while the block lasts, and while others do."""
        if not self._running:
            self._began = _read()
        self._running += 1
        try:
            yield
        finally:
            if self._running == 1:
                self._note()
            self._running -= 1

    async def claim(self, claim: Awaitable[Claimed | None]) -> Claimed | None:
        """Wait for a claim, and measure it where it finds a sync."""
        is_alone, began, used = not self._running, monotonic(), process_time()
        claimed = await claim
        if claimed is not None and is_alone and not self._running:
            granted, own = claimed.lease.granted, process_time() - used
            looking = max(granted - began - own, 0.0)
            self._claims.append({"looking": looking, "claiming": max(claimed.claiming, 0.0)})
        return claimed

    async def save(self, redis: Redis) -> None:
        """Add to Redis, for all workers together, what was measured since the last time."""
        if self._running:
            self._note()
        if self._calls >= CALLS_AT_LEAST:
            await _push(redis, CALLS_KEY, [{"processor": self._seconds / self._calls}])
            self._seconds, self._calls = 0.0, 0
        claims, self._claims = self._claims, []
        if claims:
            await _push(redis, CLAIMS_KEY, claims)

    def _note(self) -> None:
        seconds, calls = _read()
        self._seconds += seconds - self._began[0]
        self._calls += calls - self._began[1]
        self._began = seconds, calls


async def _push(redis: Redis, key: str, measurements: Sequence[dict[str, float]]) -> None:
    with redis_optional("save usage"):
        async with redis.pipeline(transaction=True) as pipe:
            pipe.lpush(key, *map(json.dumps, measurements[-KEPT:]))
            pipe.ltrim(key, 0, KEPT - 1)
            pipe.expire(key, KEPT_SECONDS)
            await pipe.execute()


async def read_usage(redis: Redis) -> Usage:
    """Read what workers have measured lately; nothing where Redis is away.

    Medians: the first syncs of many sections, or an hour of a busy machine, are not what is usual.
    """
    with redis_optional("read usage"):
        async with redis.pipeline(transaction=False) as pipe:
            pipe.lrange(CALLS_KEY, 0, -1)
            pipe.lrange(CLAIMS_KEY, 0, -1)
            calls, claims = await pipe.execute()
        return Usage(**_find_medians(calls), **_find_medians(claims))
    return Usage()


def _find_medians(measurements: Sequence[bytes]) -> dict[str, float]:
    listed = [json.loads(one) for one in measurements]
    # Workers of another release may measure other things.
    found = {name: [one[name] for one in listed if name in one] for name in Usage._fields}
    return {name: median(seconds) for name, seconds in found.items() if seconds}


def _read() -> tuple[float, int]:
    """Return the processor seconds of this process, and its calls to upstream systems."""
    samples = [sample for metric in CALLS.collect() for sample in metric.samples]
    calls = sum(sample.value for sample in samples if sample.name.endswith("_total"))
    return process_time(), int(calls)
