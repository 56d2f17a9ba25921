"""Test slots that are reserved for calls that follow: who may use them, and for how long."""

import asyncio

import pytest

from gradesync.errors import Retriable
from gradesync.upstream import call_budget
from gradesync.upstream.call_budget import CallBudget
from gradesync.upstream.limits import RateLimit
from harness.call_budgets import WIDE, Connect, count_in_window, in_seconds, redis_time

LASTING = RateLimit(limit=2, window=600, reuse_seconds=60)  # reserved slots outlast a test


async def test_pause_applies_to_slots_reserved_before_it(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", LASTING)
    assert await budget.try_reserve(2)
    await budget.pause(600)
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_reserved_slots_are_kept_for_the_calls_that_follow(aged: Connect) -> None:
    mine, theirs = (CallBudget(aged(), "d:source", WIDE) for _ in range(2))
    assert await mine.try_reserve(2)
    assert not await theirs.try_reserve(1)
    with pytest.raises(Retriable):
        await theirs.acquire(until=in_seconds(5))
    await mine.acquire(until=in_seconds(5))
    await mine.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await mine.acquire(until=in_seconds(5))


async def test_slot_reserved_just_now_is_used_as_it_is(aged: Connect) -> None:
    budget, redis = CallBudget(aged(), "d:source", LASTING), aged()
    assert await budget.try_reserve(2)
    reserved = await redis.zrange("gradesync:budget:d:source:slots", 0, -1, withscores=True)
    await budget.acquire(until=in_seconds(5))
    await budget.acquire(until=in_seconds(5))
    assert await redis.zrange("gradesync:budget:d:source:slots", 0, -1, withscores=True) == reserved
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_slot_reserved_earlier_counts_from_its_call(aged: Connect) -> None:
    rate = RateLimit(limit=2, window=0.3)
    mine, theirs = (CallBudget(aged(), "d:source", rate) for _ in range(2))
    redis, spans = aged(), []
    assert await mine.try_reserve(2)
    for slot, taken_at in await redis.zrange("gradesync:budget:d:source:slots", 0, -1, withscores=True):
        await redis.zadd("gradesync:budget:d:source:slots", {slot: taken_at - 200_000})
    for budget in (mine, mine, theirs, theirs):
        before = await redis_time(redis)
        await budget.acquire()
        spans.append((before, await redis_time(redis)))
    assert count_in_window(spans, rate.window) <= rate.limit


async def test_without_a_rate_there_is_always_room(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:sis", None)
    assert await budget.try_reserve(100)
    await budget.acquire(until=in_seconds(5))


async def test_reservation_sees_a_pause_of_the_other_system(aged: Connect) -> None:
    source, sis = CallBudget(aged(), "d:source", WIDE), CallBudget(aged(), "d:sis", None)
    await CallBudget(aged(), "d:sis", None).pause(600)
    assert await source.try_reserve(2, closed=[source, sis])
    with pytest.raises(Retriable):
        await sis.acquire(until=in_seconds(5))


async def test_reservation_shows_that_the_other_system_is_clear(
    aged: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_budget, "CLEAR_SECONDS", 60)
    source, sis = CallBudget(aged(), "d:source", WIDE), CallBudget(aged(), "d:sis", None)
    assert await source.try_reserve(2, closed=[source, sis])
    await CallBudget(aged(), "d:sis", None).pause(600)
    await sis.acquire(until=in_seconds(5))  # as a slot that was reserved just now


async def test_slots_that_nobody_used_are_not_handed_on(aged: Connect) -> None:
    budget, redis = CallBudget(aged(), "d:source", LASTING), aged()
    assert await budget.try_reserve(1)
    await budget.pause(0)  # what was reserved before it is good for no call as it is
    assert await budget.try_reserve(1)
    reserved = await redis.zrange("gradesync:budget:d:source:slots", 0, -1, withscores=True)
    await budget.acquire(until=in_seconds(5))
    assert await redis.zrange("gradesync:budget:d:source:slots", 0, -1, withscores=True) == reserved


async def test_slots_given_back_are_free_at_once(aged: Connect) -> None:
    mine, theirs = (CallBudget(aged(), "d:source", WIDE) for _ in range(2))
    assert await mine.try_reserve(2)
    await mine.give_back(2)
    assert await theirs.try_reserve(2)
    with pytest.raises(Retriable):
        await mine.acquire(until=in_seconds(5))


async def test_nothing_is_reserved_before_those_who_wait(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", WIDE)
    await budget.acquire()
    waiting = asyncio.create_task(budget.acquire(cost=2))
    await asyncio.sleep(0)
    assert not await budget.try_reserve(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_slots_of_a_past_window_are_dropped(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", RateLimit(limit=2, window=0.02))
    assert await budget.try_reserve(2)
    await CallBudget(aged(), "d:source", RateLimit(limit=2, window=0.02)).acquire(cost=2)
    await budget.acquire(until=in_seconds(5))
