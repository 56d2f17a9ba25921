"""An upstream to call."""

from collections.abc import AsyncIterator

import pytest

from harness.scripted_upstream import Rig
from harness.scripted_upstream import rig as open_rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as rig:
        yield rig
