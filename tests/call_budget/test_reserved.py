"""Places that are reserved for calls that follow: whose they are, and for how long."""

import asyncio

import pytest

from gradesync.errors import Retriable
from gradesync.upstream.rate_limit import RateLimit
from gradesync.upstream.call_budget import CallBudget
from harness.call_budgets import WIDE, Connect, count_in_window, in_seconds, redis_time

LASTING = RateLimit(limit=2, window=600, fresh=60)
"""A reserved place stays good for longer than a test takes."""


async def test_a_pause_holds_for_places_that_were_reserved_before_it(aged: Connect) -> None:
    pace = CallBudget(aged(), "d:source", LASTING)
    assert await pace.try_reserve(2)
    await pace.pause(600)
    with pytest.raises(Retriable):
        await pace.acquire(until=in_seconds(5))


async def test_reserved_places_are_kept_for_the_calls_that_follow(aged: Connect) -> None:
    mine, theirs = (CallBudget(aged(), "d:source", WIDE) for _ in range(2))
    assert await mine.try_reserve(2)
    assert not await theirs.try_reserve(1)
    with pytest.raises(Retriable):
        await theirs.acquire(until=in_seconds(5))
    await mine.acquire(until=in_seconds(5))
    await mine.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await mine.acquire(until=in_seconds(5))


async def test_a_place_that_was_reserved_just_now_is_the_calls_own(aged: Connect) -> None:
    pace, redis = CallBudget(aged(), "d:source", LASTING), aged()
    assert await pace.try_reserve(2)
    reserved = await redis.zrange("gradesync:pace:d:source:places", 0, -1, withscores=True)
    await pace.acquire(until=in_seconds(5))
    await pace.acquire(until=in_seconds(5))
    assert await redis.zrange("gradesync:pace:d:source:places", 0, -1, withscores=True) == reserved
    with pytest.raises(Retriable):
        await pace.acquire(until=in_seconds(5))


async def test_a_place_that_was_reserved_a_while_ago_counts_from_the_call_that_uses_it(aged: Connect) -> None:
    budget = RateLimit(limit=2, window=0.3)
    mine, theirs = (CallBudget(aged(), "d:source", budget) for _ in range(2))
    redis, spans = aged(), []
    assert await mine.try_reserve(2)
    for place, taken_at in await redis.zrange("gradesync:pace:d:source:places", 0, -1, withscores=True):
        await redis.zadd("gradesync:pace:d:source:places", {place: taken_at - 200_000})
    for pace in (mine, mine, theirs, theirs):
        before = await redis_time(redis)
        await pace.acquire()
        spans.append((before, await redis_time(redis)))
    assert count_in_window(spans, budget.window) <= budget.limit


async def test_there_is_always_room_where_there_is_no_budget(aged: Connect) -> None:
    pace = CallBudget(aged(), "d:sis", None)
    assert await pace.try_reserve(100)
    await pace.acquire(until=in_seconds(5))


async def test_nothing_is_reserved_past_those_who_wait(aged: Connect) -> None:
    pace = CallBudget(aged(), "d:source", WIDE)
    await pace.acquire()
    waiting = asyncio.create_task(pace.acquire(cost=2))
    await asyncio.sleep(0)
    assert not await pace.try_reserve(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_places_reserved_in_a_past_window_are_forgotten(aged: Connect) -> None:
    pace = CallBudget(aged(), "d:source", RateLimit(limit=2, window=0.02))
    assert await pace.try_reserve(2)
    await CallBudget(aged(), "d:source", RateLimit(limit=2, window=0.02)).acquire(cost=2)
    await pace.acquire(until=in_seconds(5))
