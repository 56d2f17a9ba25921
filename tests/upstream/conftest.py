"""Provide an upstream to call, and clients of an empty Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gradesync.redis_client.pool import open_redis
from gradesync.upstream.call_budget import KNOWN_SINCE
from harness.call_budgets import Connect
from harness.certificates import untrusted
from harness.contexts import BUSY_REDIS_SECONDS
from harness.scripted_upstream import Rig
from harness.scripted_upstream import rig as open_rig

__all__ = ["aged", "connect", "rig", "untrusted"]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as rig:
        yield rig


@pytest.fixture
async def connect(redis_url: str) -> AsyncIterator[Connect]:
    """Open clients, and close all of them afterwards."""
    clients: list[Redis] = []

    def open_client() -> Redis:
        clients.append(open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS))
        return clients[-1]

    yield open_client
    for client in clients:
        await client.aclose()


@pytest.fixture
async def aged(connect: Connect) -> Connect:
    """Open clients of a Redis that has known budgets for long."""
    await connect().set(KNOWN_SINCE, 0)
    return connect
