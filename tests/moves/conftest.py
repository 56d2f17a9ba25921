"""Provide two cells, and districts with sections that are synced."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gradesync.core.district import ConsoleAccess
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.api import open_api
from harness.cells import Cells, cells, east, east_database
from harness.environment import environment, harness
from harness.every_route import TwoDistricts, open_two_districts
from harness.servers import Urls

__all__ = ["cells", "east", "east_database", "environment", "harness"]


@pytest.fixture
async def districts(settings: Settings, servers: Urls, cells: Cells) -> AsyncIterator[TwoDistricts]:
    """Serve the west for two districts with rows of every kind; in the console all system admins operate."""
    world = build(seed=7, sections=2, students=5, assignments=8)
    async with open_api(settings, servers, world) as api:
        await api.replace_district(replace(api.district, console=ConsoleAccess("operator")))
        yield await open_two_districts(api)
