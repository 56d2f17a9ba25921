"""Set aside students who left a OneRoster class, whether or not its SIS takes their scores (R27, R52)."""

import pytest

from gradesync_sandbox.faults import Status
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.sis_kinds import STANDARD, Kind, face_of


@pytest.fixture
def kind() -> Kind:
    """Let the SIS speak OneRoster 1.2."""
    return STANDARD


@pytest.mark.parametrize("taken", [False, True])
async def test_R27_R52_students_who_left_are_set_aside(harness: DistrictHarness, taken: bool) -> None:
    first, second = harness.items
    gone, other, _ = harness.students
    await harness.sync()
    face_of(harness).switches.takes_absent = taken
    harness.world.powerschool.drop(harness.room.students[gone], harness.room.sis)
    harness.clear(first, gone)
    harness.grade(second, gone, 3)
    harness.grade(second, other, 4)
    before = harness.table()
    done = [await harness.sync(dry_run=dry) for dry in (True, False)]
    absent = ("failed", "student-not-in-sis-section")
    wanted = {(first.id, gone): absent, (second.id, gone): absent, (second.id, other): ("written", None)}
    assert [await harness.outcomes_by_cell(sync) for sync in done] == [wanted, wanted]
    before[second.title.strip()][harness.room.students[other].dcid] = "4"
    assert (harness.table(), harness.writes.count("result.delete")) == (before, 0)


@pytest.mark.parametrize("status", [403, 404])
async def test_R27_a_roster_that_nobody_may_read_stops_nothing(harness: DistrictHarness, status: int) -> None:
    harness.fault("oneroster", "student.list", Status(status), times=None)
    await assert_synced_well(harness)
