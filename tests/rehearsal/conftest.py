"""Provide a Redis, and the environment and the small class of the tests that run a real sync."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from harness.environment import environment, harness

__all__ = ["environment", "harness", "redis"]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client
