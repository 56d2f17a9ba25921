"""Batches of scores that the SIS refuses as a whole: each score ends with the reason that is its own."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from harness.assertions import synced, untrue
from harness.district import Stage
from harness.environment import Theatre
from harness.faults import roster_is_unreadable


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Two assignments, six students, all of it synced."""
    async with theatre.stage(world.build(7, 1, 6, 2, ideal=True)) as stage:
        assert (await stage.sync()).status == "complete"
        stage.forget_calls()
        yield stage


@pytest.mark.parametrize("named", ["all", "first"])
async def test_named_students_are_set_aside_where_the_roster_cannot_be_read(stage: Stage, named: str) -> None:
    roster_is_unreadable(stage)
    stage.world.powerschool.switches.bad_students = "first" if named == "first" else "all"
    item, (here, *gone) = stage.items[0], stage.students
    for uid in stage.students:
        stage.grade(item, uid, 1)
    for uid in gone:
        stage.world.powerschool.drop(stage.room.students[uid], stage.room.sis)
    assert await synced(stage) == {
        (item.id, here): ("written", None),
        **{(item.id, uid): ("failed", "student-not-in-sis-section") for uid in gone},
    }


async def test_the_last_row_of_a_batch_may_be_set_aside_in_the_last_round(stage: Stage) -> None:
    roster_is_unreadable(stage)
    stage.world.powerschool.switches.bad_students = "first"
    item, gone = stage.items[0], stage.students[:4]
    for uid in gone:
        stage.grade(item, uid, 1)
        stage.world.powerschool.drop(stage.room.students[uid], stage.room.sis)
    assert set((await synced(stage)).values()) == {("failed", "student-not-in-sis-section")}
    assert len(stage.writes) == 4


async def test_a_student_for_whom_an_assignment_is_not_misses_that_one_alone(stage: Stage) -> None:
    one, other = stage.items
    left_out, *chosen = stage.students
    stage.part(one).students = [stage.room.students[uid].dcid for uid in chosen]
    for item in stage.items:
        stage.grade(item, left_out, 1)
    stage.grade(one, chosen[0], 1)
    assert await synced(stage) == {
        (one.id, left_out): ("failed", "student-not-on-sis-assignment"),
        (one.id, chosen[0]): ("written", None),
        (other.id, left_out): ("written", None),
    }


async def test_an_assignment_of_a_section_that_the_teacher_does_not_teach_is_set_aside(stage: Stage) -> None:
    one, other = stage.items
    uid = stage.students[0]
    for item in stage.items:
        stage.grade(item, uid, 1)
    where = stage.part(one).assignmentsectionid
    no = Status(403, f'{{"message":"User does not teach AssignmentSection {where} with access EDIT"}}')
    stage.fault("powerschool", "score.write", no)
    assert await synced(stage) == {
        (one.id, uid): ("failed", "teacher-not-in-sis-section"),
        (other.id, uid): ("written", None),
    }


@pytest.mark.parametrize("assignments", [1, 2])
async def test_a_teacher_whom_the_sis_names_and_refuses_stops_the_sync(
    stage: Stage, assignments: int
) -> None:
    uid = stage.students[0]
    for item in stage.items[:assignments]:
        stage.grade(item, uid, 1)
    no = Status(403, '{"message":"User does not teach this with access EDIT"}')
    stage.fault("powerschool", "score.write", no, times=None)
    sync = await stage.sync()
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "teacher-not-in-sis-section", "none")
    assert await untrue(stage, sync) == []
    assert set((await stage.told(sync)).values()) == {("failed", "not-attempted")}
    stage.faults.clear()
    assert set((await synced(stage)).values()) == {("written", None)}
