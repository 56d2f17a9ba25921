"""Test what a process does while Redis is away, and when it is back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gradesync.errors import Retriable
from gradesync.redis_client import pool
from gradesync.redis_client.pool import Pool, open_redis
from gradesync.upstream.call_budget import CallBudget
from gradesync.upstream.limits import FAILURES_TO_OPEN, RateLimit
from harness.call_budgets import Connect, in_seconds
from harness.contexts import BUSY_REDIS_SECONDS, REDIS_SECONDS

NOBODY = "redis://127.0.0.1:1"


async def test_process_without_redis_uses_its_local_share() -> None:
    budget = CallBudget(
        open_redis(NOBODY, patience_seconds=REDIS_SECONDS), "d:source", RateLimit(limit=8, window=600)
    )
    await budget.acquire(until=in_seconds(5))
    await budget.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_process_without_redis_reserves_its_local_share_only() -> None:
    budget = CallBudget(
        open_redis(NOBODY, patience_seconds=REDIS_SECONDS),
        "d:source",
        RateLimit(limit=8, window=600, reuse_seconds=60),
    )
    assert await budget.try_reserve(5)
    await budget.acquire(until=in_seconds(5))
    await budget.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_pause_without_redis_applies_to_this_process() -> None:
    budget = CallBudget(open_redis(NOBODY, patience_seconds=REDIS_SECONDS), "d:sis", None)
    await budget.pause(600)
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_redis_that_accepts_and_is_silent_is_an_error_of_redis() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        async with open_redis(url, patience_seconds=REDIS_SECONDS) as redis:
            with pytest.raises(RedisError):
                await redis.get("anything")


async def test_connection_opens_as_long_as_patience_lasts(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CLOSE_SECONDS", 0.0)  # a busy process may take longer than that to open one
    async with open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        assert await redis.get("anything") is None


async def test_process_without_redis_opens_its_own_circuit() -> None:
    budget = CallBudget(open_redis(NOBODY, patience_seconds=REDIS_SECONDS), "d:sis", None)
    for _ in range(FAILURES_TO_OPEN):
        assert not await budget.circuit.is_open()
        await budget.report(False)
    assert await budget.circuit.is_open()
    await budget.report(True)
    assert not await budget.circuit.is_open()


@contextmanager
def away(redis: Redis) -> Iterator[None]:
    """Make Redis unreachable while the block lasts."""
    usual, redis.connection_pool = (
        redis.connection_pool,
        Pool.from_url(NOBODY, patience_seconds=REDIS_SECONDS),
    )
    yield
    redis.connection_pool = usual


async def test_calls_sent_without_redis_count_when_it_is_back(aged: Connect) -> None:
    redis = aged()
    budget = CallBudget(redis, "d:source", RateLimit(limit=8, window=600))
    with away(redis):
        await budget.acquire(until=in_seconds(5))
    with pytest.raises(Retriable):
        await budget.acquire(until=in_seconds(5))


async def test_short_outage_costs_one_window(aged: Connect) -> None:
    redis = aged()
    budget = CallBudget(redis, "d:source", RateLimit(limit=8, window=0.05))
    with away(redis):
        await budget.acquire(until=in_seconds(5))
    await budget.acquire(until=in_seconds(5))
    assert await redis.zcard("gradesync:budget:d:source:slots") == 1
