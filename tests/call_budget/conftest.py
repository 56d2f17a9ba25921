"""Clients of an empty Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gradesync.upstream.call_budget import KNOWN_SINCE
from harness.call_budgets import Connect


@pytest.fixture
async def connect(redis_url: str) -> AsyncIterator[Connect]:
    """Opens clients; all are closed afterwards."""
    clients: list[Redis] = []

    def open_one() -> Redis:
        clients.append(Redis.from_url(redis_url))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.aclose()


@pytest.fixture
async def aged(connect: Connect) -> Connect:
    """The same, on a Redis that has known budgets for long."""
    await connect().set(KNOWN_SINCE, 0)
    return connect
