"""Provide the class that every rule is tried on."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from harness.district import DistrictHarness
from harness.environment import Environment


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open a district of three assignments and four students, with points in every cell."""
    async with environment.open_district(world.build(7, 1, 4, 3, ideal=True)) as harness:
        yield harness
