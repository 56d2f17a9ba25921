"""What a process does while Redis is away, and when it is back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis.asyncio import ConnectionPool, Redis

from gradesync.errors import Retriable
from gradesync.upstream import call_budget
from gradesync.upstream.rate_limit import RateLimit
from gradesync.upstream.call_budget import CallBudget
from harness.call_budgets import Connect, in_seconds


async def test_without_redis_a_process_goes_on_with_a_share() -> None:
    pace = CallBudget(Redis(port=1), "d:source", RateLimit(limit=8, window=600))
    await pace.acquire(until=in_seconds(5))
    await pace.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await pace.acquire(until=in_seconds(5))
    await pace.report(False)
    assert not await pace.open()


async def test_without_redis_no_more_than_the_share_is_reserved() -> None:
    pace = CallBudget(Redis(port=1), "d:source", RateLimit(limit=8, window=600, fresh=60))
    assert await pace.try_reserve(5)
    await pace.acquire(until=in_seconds(5))
    await pace.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await pace.acquire(until=in_seconds(5))


async def test_without_redis_a_pause_holds_for_this_process() -> None:
    pace = CallBudget(Redis(port=1), "d:sis", None)
    await pace.pause(600)
    with pytest.raises(Retriable):
        await pace.acquire(until=in_seconds(5))


@contextmanager
def away(redis: Redis) -> Iterator[None]:
    """Redis cannot be reached while the block lasts."""
    here, redis.connection_pool = redis.connection_pool, ConnectionPool(port=1)
    yield
    redis.connection_pool = here


async def test_what_was_sent_without_redis_counts_when_it_is_back(
    aged: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_budget, "OUTAGE_SECONDS", 0.0)
    redis = aged()
    pace = CallBudget(redis, "d:source", RateLimit(limit=8, window=600))
    with away(redis):
        await pace.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await pace.acquire(until=in_seconds(5))


async def test_a_short_outage_costs_one_window(aged: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_budget, "OUTAGE_SECONDS", 0.0)
    redis = aged()
    pace = CallBudget(redis, "d:source", RateLimit(limit=8, window=0.05))
    with away(redis):
        await pace.acquire(until=in_seconds(5))
    await pace.acquire(until=in_seconds(5))
    assert await redis.zcard("gradesync:pace:d:source:places") == 1
