"""Test the budget that all workers share, and the circuit."""

import asyncio
import time
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gradesync.errors import Retriable
from gradesync.upstream import call_budget
from gradesync.upstream.call_budget import KNOWN_SINCE, PREFIX, CallBudget, initialize
from gradesync.upstream.limits import FAILURES_TO_OPEN, RateLimit, per_window
from harness.call_budgets import WIDE, Connect, count_in_window, in_seconds, list_scripts_until, redis_time
from harness.scripted_upstream import respond
from harness.scripted_upstream import rig as open_rig

A_DAY = 86_400


async def test_four_workers_never_exceed_the_budget(aged: Connect) -> None:
    rate = RateLimit(limit=5, window=0.2)
    spans: list[tuple[float, float]] = []

    async def worker(redis: Redis) -> None:
        budget = CallBudget(redis, "d:sis", rate)
        for _ in range(6):
            before = await redis_time(redis)
            await budget.acquire()
            spans.append((before, await redis_time(redis)))

    await asyncio.gather(*(worker(aged()) for _ in range(4)))

    assert len(spans) == 24
    assert count_in_window(spans, rate.window) <= rate.limit


async def test_upstream_never_sees_more_calls_than_its_limit(aged: Connect) -> None:
    async with open_rig() as rig:
        arrivals: list[float] = []

        async def note(writer: asyncio.StreamWriter) -> None:
            arrivals.append(time.monotonic())
            await respond(200)(writer)

        async def worker(redis: Redis) -> None:
            upstream = replace(rig.upstream(note), budget=CallBudget(redis, "d:school", per_window(10, 0.5)))
            for _ in range(6):
                await upstream.call("thing", "GET", "/thing", repeatable=True)

        await asyncio.gather(*(worker(aged()) for _ in range(4)))
    assert len(arrivals) == 24
    assert count_in_window([(at, at) for at in arrivals], 0.5) <= 10


async def test_calls_at_once_ask_for_pauses_once(aged: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_budget, "CLEAR_SECONDS", 60)  # a busy machine may answer later than usual
    redis = aged()
    budget = CallBudget(redis, "d:sis", None)

    await budget.acquire()  # the script is there from now on
    await budget.pause(0)
    async with redis.monitor() as seen:
        await asyncio.gather(*(budget.acquire() for _ in range(8)))
        await redis.echo("that-was-all")
        asked = await list_scripts_until(seen, "that-was-all", redis.connection_pool.connection_kwargs["db"])
    assert len(asked) == 1


async def test_call_may_cost_several_slots(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", RateLimit(limit=4, window=600))
    await budget.acquire(cost=3)
    await budget.acquire()
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_cost_above_the_budget_takes_all_of_it(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", WIDE)
    await budget.acquire(cost=3)
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_slot_after_until_is_refused_with_a_retry_time(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", WIDE)
    await budget.acquire(cost=2)
    with pytest.raises(Retriable) as refused:
        await budget.acquire(until=in_seconds(5))
    assert refused.value.retry_at is not None
    assert refused.value.retry_at > in_seconds(300)


async def test_queued_caller_is_refused_at_its_own_until(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:source", WIDE)
    await budget.acquire(cost=2)
    first = asyncio.create_task(budget.acquire())
    await asyncio.sleep(0)
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(0.05))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_two_upstreams_have_separate_budgets(aged: Connect) -> None:
    await CallBudget(aged(), "d:source", WIDE).acquire(cost=2)
    await CallBudget(aged(), "d:sis", WIDE).acquire(cost=2, until=in_seconds(5))


async def test_lost_keys_cost_everybody_one_window(aged: Connect) -> None:
    mine, theirs = (CallBudget(aged(), "d:source", RateLimit(limit=9, window=600)) for _ in range(2))
    await mine.acquire(until=in_seconds(5))
    await aged().flushdb()
    for budget in (mine, theirs):
        with pytest.raises(Retriable):
            await budget.acquire(until=in_seconds(5))
    await aged().set(KNOWN_SINCE, 0)
    await theirs.acquire(until=in_seconds(5))


async def test_clock_that_goes_back_costs_everybody_one_window(aged: Connect) -> None:
    redis, rate = aged(), RateLimit(limit=2, window=0.2)
    budget = CallBudget(redis, "d:source", rate)
    await budget.acquire(cost=2, until=in_seconds(5))
    tomorrow = int((await redis_time(redis) + A_DAY) * 1_000_000)
    await redis.zadd(f"{PREFIX}d:source:slots", {"early:1": tomorrow, "early:2": tomorrow + 1})
    await budget.acquire(until=in_seconds(5))
    await redis.set(KNOWN_SINCE, tomorrow)
    before = await redis_time(redis)
    await budget.acquire(until=in_seconds(5))
    assert await redis_time(redis) - before >= rate.window
    assert int(await redis.get(KNOWN_SINCE)) < tomorrow


async def test_initialize_starts_the_window_of_a_new_redis_once(connect: Connect) -> None:
    redis = connect()
    await initialize(redis)
    first = await redis.get(KNOWN_SINCE)
    await initialize(redis)
    assert first is not None
    assert await redis.get(KNOWN_SINCE) == first


async def test_pause_applies_to_every_worker(aged: Connect) -> None:
    mine, theirs = (CallBudget(aged(), "d:sis", None) for _ in range(2))
    await mine.pause(600)
    await mine.pause(1)
    with pytest.raises(Retriable):
        await theirs.acquire(until=in_seconds(5))


async def test_circuit_opens_after_failures_and_closes_on_success(aged: Connect) -> None:
    mine, theirs = (CallBudget(aged(), "d:sis", None) for _ in range(2))
    for _ in range(FAILURES_TO_OPEN - 1):
        await mine.report(False)
    assert not await theirs.circuit.is_open()
    await mine.report(False)
    assert await theirs.circuit.is_open()
    await theirs.acquire()
    await theirs.report(True)
    assert not await mine.circuit.is_open()


async def test_success_between_failures_keeps_the_circuit_closed(aged: Connect) -> None:
    budget = CallBudget(aged(), "d:sis", None)
    for _ in range(FAILURES_TO_OPEN):
        await budget.report(False)
        await budget.report(True)
    assert not await budget.circuit.is_open()


async def test_half_open_circuit_opens_on_one_failure(aged: Connect) -> None:
    redis = aged()
    budget = CallBudget(redis, "d:sis", None)
    for _ in range(FAILURES_TO_OPEN):
        await budget.report(False)
    await redis.delete("gradesync:circuit:d:sis:open")
    assert not await budget.circuit.is_open()
    await budget.report(False)
    assert await budget.circuit.is_open()
