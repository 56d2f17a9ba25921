"""The class that every rule is tried on."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from harness.district import Stage
from harness.environment import Theatre


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Three assignments, four students, and points in every cell."""
    async with theatre.stage(world.build(7, 1, 4, 3, ideal=True)) as stage:
        yield stage
