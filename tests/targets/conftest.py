"""Open the same district on every kind of SIS, and on every profile of OneRoster."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gradesync_sandbox.oneroster.demands import SERVERS, Demands
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.world import build
from harness.district import DistrictHarness
from harness.environment import Environment, environment

__all__ = ["environment"]

# Those that differ most from each other; the others take long on purpose.
ALWAYS = {("standard", "1.2"), ("blackbaud", "1.1"), ("eschoolplus", "1.1")}


@dataclass(frozen=True)
class Kind:
    """Name a SIS, by the server that it is where it speaks OneRoster."""

    profile: str = ""
    demands: Demands | None = None

    def __str__(self) -> str:
        return f"{self.profile}-{self.demands.version}" if self.demands else "powerschool"

    @property
    def clears(self) -> bool:
        return self.demands is None or self.demands.blank != "cannot"

    @property
    def has_categories(self) -> bool:
        return self.demands is None or self.demands.constant_category is None

    def find_differences(self, harness: DistrictHarness) -> list[str]:
        """Return what differs from the rules' demands, without the categories that a SIS doesn't have."""
        found = harness.differences()
        return found if self.has_categories else [line for line in found if " has category " not in line]


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
    world = build(7, 1, 3, 2, ideal=True)
    version = kind.demands.version if kind.demands else None
    face = open_face(world.powerschool, kind.profile, version) if kind.demands else None
    async with environment.open_district(world, oneroster=face) as opened:
        yield opened
