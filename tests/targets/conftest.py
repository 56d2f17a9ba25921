"""Open the same district on every kind of SIS, and on every profile of OneRoster."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox.oneroster.demands import SERVERS
from gradesync_sandbox.world import build
from harness.district import DistrictHarness
from harness.environment import Environment, environment
from harness.sis_kinds import Kind, open_kind

__all__ = ["environment"]

# Those that differ most from each other; the others take long on purpose.
ALWAYS = {("standard", "1.2"), ("blackbaud", "1.1"), ("eschoolplus", "1.1")}


def _list_kinds() -> list[object]:
    kinds: list[object] = [pytest.param(Kind(), id="powerschool")]
    for name, demands in SERVERS.items():
        marks = [] if name in ALWAYS else [pytest.mark.long]
        kind = Kind(name[0], demands)
        kinds.append(pytest.param(kind, id=str(kind), marks=marks))
    return kinds


@pytest.fixture(params=_list_kinds())
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def harness(environment: Environment, kind: Kind) -> AsyncIterator[DistrictHarness]:
    """Open a district of two assignments and three students on a SIS, nothing synced yet."""
    async with open_kind(environment, kind, build(7, 1, 3, 2, ideal=True)) as opened:
        yield opened
