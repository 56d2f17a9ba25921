"""Provide the fixtures of the API's tests."""

from collections.abc import AsyncIterator

import pytest

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.api import ApiHarness, open_api
from harness.every_route import TwoDistricts, open_two_districts
from harness.servers import Urls
from harness.webhook_receiver import receiver, silent_server

__all__ = ["receiver", "silent_server"]


@pytest.fixture
async def api(settings: Settings, servers: Urls) -> AsyncIterator[ApiHarness]:
    """Serve the API for a district with two sections, without a worker."""
    world = build(seed=7, sections=2, students=5, assignments=8)
    async with open_api(settings, servers, world) as here:
        yield here


@pytest.fixture
async def patient(settings: Settings, servers: Urls) -> AsyncIterator[ApiHarness]:
    """Serve the API without limits to requests."""
    many = settings.filled(requests_per_minute=10**6, token_requests_per_minute=10**6)
    async with open_api(many, servers, build(seed=7, sections=2, students=2, assignments=2)) as here:
        yield here


@pytest.fixture
async def districts(api: ApiHarness) -> TwoDistricts:
    return await open_two_districts(api)
