"""Test a SIS that writes a set without rows as `{}`, without a total, and answers that are no such set."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox.faults import Status
from gradesync_sandbox.oneroster.demands import SERVERS
from gradesync_sandbox.world import build
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import STANDARD, Kind, face_of, open_kind

OTHERS = [
    Kind(name, SERVERS[name, version]) for name, version in (("infinite-campus", "1.1"), ("skyward", "1.1"))
]


@pytest.fixture(params=[STANDARD, *OTHERS], ids=str)
async def harness(environment: Environment, request: pytest.FixtureRequest) -> AsyncIterator[DistrictHarness]:
    """Open a district of two assignments and three students, nothing synced yet."""
    async with open_kind(environment, request.param, build(7, 1, 3, 2, ideal=True)) as opened:
        face_of(opened).switches.totals = False
        face_of(opened).switches.empty_sets = True
        yield opened


async def test_a_new_class_begins_where_empty_sets_are_objects(harness: DistrictHarness) -> None:
    sync = await harness.sync()
    assert (sync.status, sync.assignments["created"]) == ("complete", 2)
    harness.grade(harness.items[0], harness.students[0], 3)
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.sis_text(harness.items[0], harness.students[0]) == "3"


async def test_an_empty_list_makes_nothing_twice(harness: DistrictHarness) -> None:
    """Ask by id for what such a list lacks, though the SIS is known to write it like this."""
    assert (await harness.sync()).status == "complete"
    harness.forget_calls()
    harness.fault("oneroster", "lineItem.list", Status(200, "{}"), times=None)
    for mode in ("changes", "full"):
        assert ((await harness.sync(mode=mode)).status, harness.writes) == ("complete", [])


@pytest.mark.parametrize(("totals", "empty_sets"), [(True, True), (False, False), (True, False)])
async def test_any_other_empty_object_is_unreadable(
    harness: DistrictHarness, totals: bool, empty_sets: bool
) -> None:
    switches = face_of(harness).switches
    switches.totals, switches.empty_sets = totals, empty_sets
    assert (await harness.sync()).status == "complete"
    harness.forget_calls()
    for call in ("lineItem.list", "result.list"):
        harness.fault("oneroster", call, Status(200, "{}"), times=None)
    sync = await harness.sync(mode="full")
    assert (sync.error_code, harness.writes) == ("sis-unreadable", [])
