"""The theatre, and the small class that most tests of this folder begin with."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from stage import Stage
from theatre import Theatre, theatre

__all__ = ["theatre"]


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Two assignments, three students, nothing synced yet."""
    async with theatre.stage(world.build(7, 1, 3, 2, ideal=True)) as stage:
        yield stage
