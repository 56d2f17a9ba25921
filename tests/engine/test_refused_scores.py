"""Send batches that the SIS refuses as a whole: each score ends with its own reason."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from harness.assertions import find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import roster_is_unreadable


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments and six students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 6, 2, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.forget_calls()
        yield harness


@pytest.mark.parametrize("named", ["all", "first"])
async def test_named_students_fail_with_an_unreadable_roster(harness: DistrictHarness, named: str) -> None:
    roster_is_unreadable(harness)
    harness.world.powerschool.switches.bad_students = "first" if named == "first" else "all"
    item, (enrolled, *gone) = harness.items[0], harness.students
    for uid in harness.students:
        harness.grade(item, uid, 1)
    for uid in gone:
        harness.world.powerschool.drop(harness.room.students[uid], harness.room.sis)
    assert await sync_checked(harness) == {
        (item.id, enrolled): ("written", None),
        **{(item.id, uid): ("failed", "student-not-in-sis-section") for uid in gone},
    }


async def test_last_row_may_be_set_aside_in_the_last_round(harness: DistrictHarness) -> None:
    roster_is_unreadable(harness)
    harness.world.powerschool.switches.bad_students = "first"
    item, gone = harness.items[0], harness.students[:4]
    for uid in gone:
        harness.grade(item, uid, 1)
        harness.world.powerschool.drop(harness.room.students[uid], harness.room.sis)
    assert set((await sync_checked(harness)).values()) == {("failed", "student-not-in-sis-section")}
    assert len(harness.writes) == 4


async def test_student_not_on_an_assignment_misses_that_one(
    harness: DistrictHarness,
) -> None:
    first, second = harness.items
    left_out, *chosen = harness.students
    harness.part(first).students = [harness.room.students[uid].dcid for uid in chosen]
    for item in harness.items:
        harness.grade(item, left_out, 1)
    harness.grade(first, chosen[0], 1)
    assert await sync_checked(harness) == {
        (first.id, left_out): ("failed", "student-not-on-sis-assignment"),
        (first.id, chosen[0]): ("written", None),
        (second.id, left_out): ("written", None),
    }


async def test_foreign_assignment_is_set_aside(
    harness: DistrictHarness,
) -> None:
    first, second = harness.items
    uid = harness.students[0]
    for item in harness.items:
        harness.grade(item, uid, 1)
    no = Status(403, '{"message":"User does not teach AssignmentSection with access EDIT"}')
    harness.fault("powerschool", "score.write", no, times=2)  # both together, then the first alone
    assert await sync_checked(harness) == {
        (first.id, uid): ("failed", "teacher-not-in-sis-section"),
        (second.id, uid): ("written", None),
    }


@pytest.mark.parametrize("assignments", [1, 2])
async def test_refused_teacher_named_again_stops_the_sync(harness: DistrictHarness, assignments: int) -> None:
    uid = harness.students[0]
    for item in harness.items[:assignments]:
        harness.grade(item, uid, 1)
    no = Status(403, '{"message":"User does not teach this with access EDIT"}')
    harness.fault("powerschool", "score.write", no, times=None)
    sync = await harness.sync()
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "teacher-not-in-sis-section", "none")
    assert await find_false_claims(harness, sync) == []
    assert set((await harness.outcomes_by_cell(sync)).values()) == {("failed", "not-attempted")}
    harness.faults.clear()
    assert set((await sync_checked(harness)).values()) == {("written", None)}
