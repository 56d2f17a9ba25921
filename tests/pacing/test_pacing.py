"""The budget that all workers share, and the circuit."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import ConnectionPool, Redis

from gradesync import pacing
from gradesync.budgets import FRESH_SECONDS, Budget, apart, per_window
from gradesync.errors import Retriable
from gradesync.pacing import BORN, FAILURES_TO_OPEN, Pace, begin
from scripted import rig as open_rig
from scripted import say

Connect = Callable[[], Redis]

WIDE = Budget(limit=2, window=600)


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def redis_time(redis: Redis) -> float:
    seconds, micros = await redis.time()
    return float(seconds) + float(micros) / 1_000_000


def most_inside(spans: Sequence[tuple[float, float]], window: float) -> int:
    """The most grants that lie, beyond doubt, in one window."""
    return max(sum(start <= a and b <= start + window for a, b in spans) for start, _ in spans)


async def test_four_workers_together_never_pass_the_budget(aged: Connect) -> None:
    budget = Budget(limit=5, window=0.2)
    spans: list[tuple[float, float]] = []

    async def worker(redis: Redis) -> None:
        pace = Pace(redis, "d:sis", budget)
        for _ in range(6):
            before = await redis_time(redis)
            await pace.acquire()
            spans.append((before, await redis_time(redis)))

    await asyncio.gather(*(worker(aged()) for _ in range(4)))

    assert len(spans) == 24
    assert most_inside(spans, budget.window) <= budget.limit


async def test_an_upstream_never_sees_more_than_its_limit_from_four_workers(aged: Connect) -> None:
    async with open_rig() as rig:
        arrivals: list[float] = []

        async def note(writer: asyncio.StreamWriter) -> None:
            arrivals.append(time.monotonic())
            await say(200)(writer)

        async def worker(redis: Redis) -> None:
            upstream = replace(rig.upstream(note), pace=Pace(redis, "d:school", per_window(10, 0.5)))
            for _ in range(6):
                await upstream.call("thing", "GET", "/thing", repeatable=True)

        await asyncio.gather(*(worker(aged()) for _ in range(4)))
    assert len(arrivals) == 24
    assert most_inside([(at, at) for at in arrivals], 0.5) <= 10


async def test_a_call_may_cost_several_places(aged: Connect) -> None:
    pace = Pace(aged(), "d:source", Budget(limit=4, window=600))
    await pace.acquire(cost=3)
    await pace.acquire()
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


async def test_a_cost_above_the_budget_takes_all_of_it(aged: Connect) -> None:
    pace = Pace(aged(), "d:source", WIDE)
    await pace.acquire(cost=3)
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


async def test_a_place_after_until_is_refused_at_once_and_says_when(aged: Connect) -> None:
    pace = Pace(aged(), "d:source", WIDE)
    await pace.acquire(cost=2)
    with pytest.raises(Retriable) as refused:
        await pace.acquire(until=soon(5))
    assert refused.value.retry_at is not None
    assert refused.value.retry_at > soon(300)


async def test_a_caller_behind_another_is_refused_at_its_own_until(aged: Connect) -> None:
    pace = Pace(aged(), "d:source", WIDE)
    await pace.acquire(cost=2)
    first = asyncio.create_task(pace.acquire())
    await asyncio.sleep(0)
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(0.05))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_budgets_of_two_upstreams_are_apart(aged: Connect) -> None:
    await Pace(aged(), "d:source", WIDE).acquire(cost=2)
    await Pace(aged(), "d:sis", WIDE).acquire(cost=2, until=soon(5))


async def test_lost_keys_cost_everybody_one_window(aged: Connect) -> None:
    mine, theirs = (Pace(aged(), "d:source", Budget(limit=9, window=600)) for _ in range(2))
    await mine.acquire(until=soon(5))
    await aged().flushdb()
    for pace in (mine, theirs):
        with pytest.raises(Retriable):
            await pace.acquire(until=soon(5))
    await aged().set(BORN, 0)
    await theirs.acquire(until=soon(5))


async def test_begin_starts_the_window_of_a_fresh_redis_once(connect: Connect) -> None:
    redis = connect()
    await begin(redis)
    first = await redis.get(BORN)
    await begin(redis)
    assert first is not None
    assert await redis.get(BORN) == first


async def test_a_pause_holds_for_every_worker(aged: Connect) -> None:
    mine, theirs = (Pace(aged(), "d:sis", None) for _ in range(2))
    await mine.pause(600)
    await mine.pause(1)
    with pytest.raises(Retriable):
        await theirs.acquire(until=soon(5))


async def test_a_pause_holds_for_places_that_were_reserved_before_it(
    aged: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FRESH_SECONDS", 60.0)
    pace = Pace(aged(), "d:source", WIDE)
    assert await pace.try_reserve(2)
    await pace.pause(600)
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


async def test_reserved_places_are_kept_for_the_calls_that_follow(aged: Connect) -> None:
    mine, theirs = (Pace(aged(), "d:source", WIDE) for _ in range(2))
    assert await mine.try_reserve(2)
    assert not await theirs.try_reserve(1)
    with pytest.raises(Retriable):
        await theirs.acquire(until=soon(5))
    await mine.acquire(until=soon(5))
    await mine.acquire(until=soon(5))
    with pytest.raises(Retriable):
        await mine.acquire(until=soon(5))


async def test_a_place_that_was_reserved_just_now_is_the_calls_own(
    aged: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FRESH_SECONDS", 60.0)
    pace, redis = Pace(aged(), "d:source", WIDE), aged()
    assert await pace.try_reserve(2)
    reserved = await redis.zrange("gradesync:pace:d:source:places", 0, -1, withscores=True)
    await pace.acquire(until=soon(5))
    await pace.acquire(until=soon(5))
    assert await redis.zrange("gradesync:pace:d:source:places", 0, -1, withscores=True) == reserved
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


async def test_a_place_that_was_reserved_a_while_ago_counts_from_the_call_that_uses_it(
    aged: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FRESH_SECONDS", 0.0)
    budget = Budget(limit=2, window=0.3)
    mine, theirs = (Pace(aged(), "d:source", budget) for _ in range(2))
    redis, spans = aged(), []
    assert await mine.try_reserve(2)
    for place, taken_at in await redis.zrange("gradesync:pace:d:source:places", 0, -1, withscores=True):
        await redis.zadd("gradesync:pace:d:source:places", {place: taken_at - 200_000})
    for pace in (mine, mine, theirs, theirs):
        before = await redis_time(redis)
        await pace.acquire()
        spans.append((before, await redis_time(redis)))
    assert most_inside(spans, budget.window) <= budget.limit


async def test_there_is_always_room_where_there_is_no_budget(aged: Connect) -> None:
    pace = Pace(aged(), "d:sis", None)
    assert await pace.try_reserve(100)
    await pace.acquire(until=soon(5))


async def test_nothing_is_reserved_past_those_who_wait(aged: Connect) -> None:
    pace = Pace(aged(), "d:source", WIDE)
    await pace.acquire()
    waiting = asyncio.create_task(pace.acquire(cost=2))
    await asyncio.sleep(0)
    assert not await pace.try_reserve(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_the_circuit_opens_for_all_after_failures_in_a_row_and_closes_on_success(aged: Connect) -> None:
    mine, theirs = (Pace(aged(), "d:sis", None) for _ in range(2))
    for _ in range(FAILURES_TO_OPEN - 1):
        await mine.report(False)
    assert not await theirs.open()
    await mine.report(False)
    assert await theirs.open()
    await theirs.acquire()
    await theirs.report(True)
    assert not await mine.open()


async def test_a_success_between_failures_keeps_the_circuit_closed(aged: Connect) -> None:
    pace = Pace(aged(), "d:sis", None)
    for _ in range(FAILURES_TO_OPEN):
        await pace.report(False)
        await pace.report(True)
    assert not await pace.open()


async def test_half_open_one_failure_opens_again(aged: Connect) -> None:
    redis = aged()
    pace = Pace(redis, "d:sis", None)
    for _ in range(FAILURES_TO_OPEN):
        await pace.report(False)
    await redis.delete("gradesync:pace:d:sis:open")
    assert not await pace.open()
    await pace.report(False)
    assert await pace.open()


async def test_without_redis_a_process_goes_on_with_a_share() -> None:
    pace = Pace(Redis(port=1), "d:source", Budget(limit=8, window=600))
    await pace.acquire(until=soon(5))
    await pace.acquire(until=soon(5))
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))
    await pace.report(False)
    assert not await pace.open()


async def test_without_redis_no_more_than_the_share_is_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "FRESH_SECONDS", 60.0)
    pace = Pace(Redis(port=1), "d:source", Budget(limit=8, window=600))
    assert await pace.try_reserve(5)
    await pace.acquire(until=soon(5))
    await pace.acquire(until=soon(5))
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


async def test_without_redis_a_pause_holds_for_this_process() -> None:
    pace = Pace(Redis(port=1), "d:sis", None)
    await pace.pause(600)
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


@contextmanager
def away(redis: Redis) -> Iterator[None]:
    """Redis cannot be reached while the block lasts."""
    here, redis.connection_pool = redis.connection_pool, ConnectionPool(port=1)
    yield
    redis.connection_pool = here


async def test_what_was_sent_without_redis_counts_when_it_is_back(
    aged: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "OUTAGE_SECONDS", 0.0)
    redis = aged()
    pace = Pace(redis, "d:source", Budget(limit=8, window=600))
    with away(redis):
        await pace.acquire(until=soon(5))
    with pytest.raises(Retriable):
        await pace.acquire(until=soon(5))


async def test_a_short_outage_costs_one_window(aged: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "OUTAGE_SECONDS", 0.0)
    redis = aged()
    pace = Pace(redis, "d:source", Budget(limit=8, window=0.05))
    with away(redis):
        await pace.acquire(until=soon(5))
    await pace.acquire(until=soon(5))
    assert await redis.zcard("gradesync:pace:d:source:places") == 1


async def test_places_reserved_in_a_past_window_are_forgotten(aged: Connect) -> None:
    pace = Pace(aged(), "d:source", Budget(limit=2, window=0.02))
    assert await pace.try_reserve(2)
    await Pace(aged(), "d:source", Budget(limit=2, window=0.02)).acquire(cost=2)
    await pace.acquire(until=soon(5))


@pytest.mark.parametrize(("limit", "kept"), [(1, 1), (10, 9), (15, 13), (50, 45)])
def test_a_budget_stays_ten_percent_below_the_limit(limit: int, kept: int) -> None:
    assert per_window(limit, 5).limit == kept
    assert per_window(limit, 5).window > 5


@pytest.mark.parametrize("seconds", [0.2, 1, 2.5, 5, 60])
def test_a_window_covers_a_reserved_place_and_the_way_of_its_call(seconds: float) -> None:
    assert per_window(9, seconds).window >= seconds + FRESH_SECONDS + 0.05


def test_a_minimum_interval_is_a_budget_of_one() -> None:
    assert apart(0) is None
    budget = apart(200)
    assert budget is not None
    assert budget.limit == 1
    assert 0.2 < budget.window < 0.3
