"""Name every kind of SIS, and open districts on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from gradesync.core.sis import Policy
from gradesync_sandbox.district import World
from gradesync_sandbox.oneroster.demands import SERVERS, Demands, server_of
from gradesync_sandbox.oneroster.state import OneRoster, open_face
from harness.district import DistrictHarness
from harness.environment import Environment


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
    def excuses(self) -> bool:
        """Return True where an excused score is shown as such, though the district sends no marks."""
        return self.demands is not None

    @property
    def shows_locks(self) -> bool:
        """Return True where what stands in a locked term, or is locked itself, is listed as such."""
        return self.demands is None

    @property
    def has_categories(self) -> bool:
        return self.demands is None or self.demands.constant_category is None

    @property
    def title_limit(self) -> int:
        return 50 if self.demands is None else self.demands.title_limit or 255

    @property
    def whole_points(self) -> bool:
        return self.demands is not None and self.demands.whole_points

    def find_differences(self, harness: DistrictHarness) -> list[str]:
        """Return what differs from the rules' demands, without the categories that a SIS doesn't have."""
        found = harness.differences()
        return found if self.has_categories else [line for line in found if " has category " not in line]


POWERSCHOOL = Kind()
ROSTER_KINDS = tuple(Kind(name, demands) for (name, _), demands in SERVERS.items())
STANDARD = Kind("standard", server_of("standard"))


@asynccontextmanager
async def open_kind(
    environment: Environment, kind: Kind, world: World, policy: Policy | None = None
) -> AsyncIterator[DistrictHarness]:
    """Open a district on a SIS of this kind."""
    version = kind.demands.version if kind.demands else None
    face = open_face(world.powerschool, kind.profile, version) if kind.demands else None
    async with environment.open_district(world, policy=policy, oneroster=face) as opened:
        yield opened


def face_of(harness: DistrictHarness) -> OneRoster:
    """Return the OneRoster server of a district."""
    assert harness.sandbox.oneroster is not None
    return harness.sandbox.oneroster


async def change_settings(harness: DistrictHarness, **settings: str | int | bool) -> None:
    """Change these settings of a OneRoster district's profile."""
    access = harness.district.sis.oneroster
    assert access is not None
    changed = replace(access, settings=tuple(sorted((dict(access.settings) | settings).items())))
    sis = replace(harness.district.sis, oneroster=changed)
    await harness.replace_district(replace(harness.district, sis=sis))
