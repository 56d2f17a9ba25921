"""Provide the LTI tool to its tests."""

from collections.abc import AsyncIterator

import pytest

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.lti import LtiHarness, open_lti


@pytest.fixture
async def tool(settings: Settings) -> AsyncIterator[LtiHarness]:
    async with open_lti(settings, build(students=5, assignments=4, sections=2)) as opened:
        yield opened
