"""Check what workers measure of their processor: only while syncs run, and per upstream call."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gradesync.upstream.response import CALLS
from gradesync.worker import processor
from gradesync.worker.processor import KEPT_SECONDS, KEY, NONE, ProcessorMeter, read_processor_use


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the processor seconds of this process, to be set."""
    seconds = [5.0]
    monkeypatch.setattr(processor, "process_time", lambda: seconds[0])
    return seconds


def call(number: int) -> None:
    CALLS.labels("schoology", "multiget", "200").inc(number)


async def test_processor_of_running_syncs_is_added_up(redis: Redis, clock: list[float]) -> None:
    meters = ProcessorMeter(), ProcessorMeter()
    for meter in meters:
        with meter.running():
            call(3)
            with meter.running():
                clock[0] += 0.5
                call(2)
            clock[0] += 0.25
        clock[0] += 100  # nothing runs
        await meter.save(redis)
        await meter.save(redis)
    use = await read_processor_use(redis)
    assert use.seconds == pytest.approx(1.5)
    assert use.calls == 10
    assert use.per_call == pytest.approx(0.15)


async def test_what_was_measured_long_ago_ends(redis: Redis, clock: list[float]) -> None:
    meter = ProcessorMeter()
    for left in (KEPT_SECONDS, 60):
        with meter.running():
            clock[0] += 1
            call(4)
        await meter.save(redis)
        assert 0 < await redis.ttl(KEY) <= left
        await redis.expire(KEY, 60)


async def test_processor_of_a_long_sync_is_saved_meanwhile(redis: Redis, clock: list[float]) -> None:
    meter = ProcessorMeter()
    with meter.running():
        clock[0] += 1
        call(4)
        await meter.save(redis)
        clock[0] += 1
        call(4)
    await meter.save(redis)
    use = await read_processor_use(redis)
    assert use.seconds == pytest.approx(2)
    assert use.calls == 8


async def test_nothing_is_known_without_calls(redis: Redis, clock: list[float]) -> None:
    meter = ProcessorMeter()
    with meter.running():
        clock[0] += 1
    await meter.save(redis)
    assert await read_processor_use(redis) == NONE
    assert NONE.per_call is None
