"""Batches of scores that the SIS refuses as a whole: each score ends with the reason that is its own."""

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
    """Two assignments, six students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 6, 2, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.forget_calls()
        yield harness


@pytest.mark.parametrize("named", ["all", "first"])
async def test_named_students_are_set_aside_where_the_roster_cannot_be_read(
    harness: DistrictHarness, named: str
) -> None:
    roster_is_unreadable(harness)
    harness.world.powerschool.switches.bad_students = "first" if named == "first" else "all"
    item, (here, *gone) = harness.items[0], harness.students
    for uid in harness.students:
        harness.grade(item, uid, 1)
    for uid in gone:
        harness.world.powerschool.drop(harness.room.students[uid], harness.room.sis)
    assert await sync_checked(harness) == {
        (item.id, here): ("written", None),
        **{(item.id, uid): ("failed", "student-not-in-sis-section") for uid in gone},
    }


async def test_the_last_row_of_a_batch_may_be_set_aside_in_the_last_round(harness: DistrictHarness) -> None:
    roster_is_unreadable(harness)
    harness.world.powerschool.switches.bad_students = "first"
    item, gone = harness.items[0], harness.students[:4]
    for uid in gone:
        harness.grade(item, uid, 1)
        harness.world.powerschool.drop(harness.room.students[uid], harness.room.sis)
    assert set((await sync_checked(harness)).values()) == {("failed", "student-not-in-sis-section")}
    assert len(harness.writes) == 4


async def test_a_student_for_whom_an_assignment_is_not_misses_that_one_alone(
    harness: DistrictHarness,
) -> None:
    one, other = harness.items
    left_out, *chosen = harness.students
    harness.part(one).students = [harness.room.students[uid].dcid for uid in chosen]
    for item in harness.items:
        harness.grade(item, left_out, 1)
    harness.grade(one, chosen[0], 1)
    assert await sync_checked(harness) == {
        (one.id, left_out): ("failed", "student-not-on-sis-assignment"),
        (one.id, chosen[0]): ("written", None),
        (other.id, left_out): ("written", None),
    }


async def test_an_assignment_of_a_section_that_the_teacher_does_not_teach_is_set_aside(
    harness: DistrictHarness,
) -> None:
    one, other = harness.items
    uid = harness.students[0]
    for item in harness.items:
        harness.grade(item, uid, 1)
    where = harness.part(one).assignmentsectionid
    no = Status(403, f'{{"message":"User does not teach AssignmentSection {where} with access EDIT"}}')
    harness.fault("powerschool", "score.write", no)
    assert await sync_checked(harness) == {
        (one.id, uid): ("failed", "teacher-not-in-sis-section"),
        (other.id, uid): ("written", None),
    }


@pytest.mark.parametrize("assignments", [1, 2])
async def test_a_teacher_whom_the_sis_names_and_refuses_stops_the_sync(
    harness: DistrictHarness, assignments: int
) -> None:
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
