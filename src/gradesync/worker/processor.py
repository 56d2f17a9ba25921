"""Measure how much of its processor a worker takes for a call, so that a rehearsal can know it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import NamedTuple

from redis.asyncio import Redis

from gradesync.redis_client.pool import redis_optional
from gradesync.upstream.response import CALLS

KEY = "gradesync:processor"
KEPT_SECONDS = 30 * 86400  # since the first of them: what an earlier version took ends with it
SAVE_SECONDS = 10.0


class ProcessorUse(NamedTuple):
    """Hold processor seconds of workers while they ran syncs, and the upstream calls of these."""

    seconds: float
    calls: int

    @property
    def per_call(self) -> float | None:
        """Return the processor seconds of a call, with all that a sync does beside it; None without any."""
        return self.seconds / self.calls if self.calls else None


NONE = ProcessorUse(0.0, 0)


@dataclass(slots=True)
class ProcessorMeter:
    """Measure this process while it runs syncs. What it does while none runs belongs to no call."""

    _running: int = 0
    _began: ProcessorUse = NONE
    _measured: ProcessorUse = NONE

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

    async def save(self, redis: Redis) -> None:
        """Add to Redis, for all workers together, what was measured since the last time."""
        if self._running:
            self._note()
        measured, self._measured = self._measured, NONE
        if not measured.calls:
            return
        async with redis_optional("save processor use"), redis.pipeline(transaction=True) as pipe:
            pipe.hincrbyfloat(KEY, "seconds", measured.seconds)
            pipe.hincrby(KEY, "calls", measured.calls)
            pipe.expire(KEY, KEPT_SECONDS, nx=True)
            await pipe.execute()

    def _note(self) -> None:
        now, before, sum_ = _read(), self._began, self._measured
        self._measured = ProcessorUse(
            sum_.seconds + now.seconds - before.seconds, sum_.calls + now.calls - before.calls
        )
        self._began = now


async def read_processor_use(redis: Redis) -> ProcessorUse:
    """Read what all workers have measured lately; nothing where Redis is away."""
    async with redis_optional("read processor use"):
        async with redis.pipeline(transaction=False) as pipe:
            pipe.hget(KEY, "seconds")
            pipe.hget(KEY, "calls")
            seconds, calls = await pipe.execute()
        return ProcessorUse(float(seconds or 0), int(calls or 0))
    return NONE


def _read() -> ProcessorUse:
    samples = [sample for metric in CALLS.collect() for sample in metric.samples]
    calls = sum(sample.value for sample in samples if sample.name.endswith("_total"))
    return ProcessorUse(process_time(), int(calls))
