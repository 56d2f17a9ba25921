"""Check what workers measure of their processor: only while syncs run, and for each upstream call."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from gradesync.upstream.response import CALLS
from gradesync.worker import usage
from gradesync.worker.usage import (
    CALLS_AT_LEAST,
    CALLS_KEY,
    CLAIMS_KEY,
    KEPT,
    KEPT_SECONDS,
    Usage,
    UsageMeter,
    read_usage,
)

MANY = CALLS_AT_LEAST


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@dataclass
class Clock:
    """Hold the processor seconds of this process."""

    processor: float = 5.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(usage, "process_time", lambda: clock.processor)
    return clock


async def list_calls(redis: Redis) -> list[dict[str, float]]:
    async with redis.pipeline() as pipe:
        pipe.lrange(CALLS_KEY, 0, -1)
        (listed,) = await pipe.execute()
    return [json.loads(one) for one in listed]


def call(number: int) -> None:
    CALLS.labels("schoology", "multiget", "200").inc(number)


async def test_processor_of_running_syncs_is_measured(redis: Redis, clock: Clock) -> None:
    meter = UsageMeter()
    with meter.running():
        call(MANY)
        with meter.running():
            clock.processor += 0.5
            call(MANY)
        clock.processor += 0.25
    clock.processor += 100  # nothing runs
    await meter.save(redis)
    await meter.save(redis)
    assert len(await list_calls(redis)) == 1
    assert (await read_usage(redis)).processor == pytest.approx(0.75 / (2 * MANY))


async def test_processor_of_a_long_sync_is_saved_meanwhile(redis: Redis, clock: Clock) -> None:
    meter = UsageMeter()
    with meter.running():
        for seconds in (1, 3):
            clock.processor += seconds
            call(MANY)
            await meter.save(redis)
    assert len(await list_calls(redis)) == 2
    assert (await read_usage(redis)).processor == pytest.approx(2 / MANY)


async def test_few_calls_wait_for_more(redis: Redis, clock: Clock) -> None:
    meter = UsageMeter()
    for _ in range(2):
        with meter.running():
            clock.processor += 1
            call(MANY // 2)
        assert await read_usage(redis) == Usage()
        await meter.save(redis)
    assert (await read_usage(redis)).processor == pytest.approx(2 / MANY)


async def test_usual_figure_is_that_of_most(redis: Redis, clock: Clock) -> None:
    for seconds in (0.3, 90, 0.3, 0.2, 0.4):
        meter = UsageMeter()
        with meter.running():
            clock.processor += seconds
            call(MANY)
        await meter.save(redis)
    assert (await read_usage(redis)).processor == pytest.approx(0.3 / MANY)


async def test_latest_figures_are_kept_for_a_month(redis: Redis, clock: Clock) -> None:
    async with redis.pipeline() as pipe:
        pipe.lpush(CALLS_KEY, *[json.dumps({"processor": 7})] * KEPT)
        await pipe.execute()
    meter = UsageMeter()
    with meter.running():
        clock.processor += 1
        call(MANY)
    await meter.save(redis)
    newest, *others = await list_calls(redis)
    assert newest == {"processor": 1 / MANY}
    assert len(others) == KEPT - 1
    assert 0 < await redis.ttl(CALLS_KEY) <= KEPT_SECONDS


async def test_nothing_is_known_without_calls(redis: Redis, clock: Clock) -> None:
    meter = UsageMeter()
    with meter.running():
        clock.processor += 1
    await meter.save(redis)
    assert await read_usage(redis) == Usage()


async def test_figures_of_other_releases_are_skipped(redis: Redis) -> None:
    async with redis.pipeline() as pipe:
        pipe.rpush(CLAIMS_KEY, *map(json.dumps, ({"later": 1}, {"looking": 0.005}, {"claiming": 0.003})))
        await pipe.execute()
    assert await read_usage(redis) == Usage(looking=0.005, claiming=0.003)
