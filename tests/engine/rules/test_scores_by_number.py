"""The rules about scores by their numbers, each through a whole sync between both systems."""

from decimal import Decimal

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import ARCHIVED, Mark
from harness.assertions import synced, untrue
from harness.district import Stage
from harness.environment import Theatre
from harness.faults import roster_is_unreadable

LATE, UNHEARD_OF = 4, 7


@pytest.mark.parametrize("reads_zero", [True, False])
async def test_R2_missing_is_a_zero_whatever_its_grade_reads(stage: Stage, reads_zero: bool) -> None:
    stage.world.schoology.switches.missing_is_zero = reads_zero
    item, uid = stage.items[0], stage.students[0]
    stage.mark(item, uid, Mark.MISSING)
    assert (await synced(stage))[item.id, uid] == ("written", None)
    assert stage.held(item, uid) == "0"


async def test_R3_excused_clears_what_was_sent_and_writes_nothing_else(stage: Stage) -> None:
    item, (sent, fresh, *_) = stage.items[0], stage.students
    stage.mark(item, fresh, Mark.EXCUSED)
    assert (item.id, fresh) not in await synced(stage)
    assert [row for row in stage.world.powerschool.log.score_rows() if row.value is None] == []
    stage.mark(item, sent, Mark.EXCUSED)
    assert (await synced(stage))[item.id, sent] == ("cleared", None)
    assert stage.held(item, sent) is None


async def test_R4_incomplete_leaves_what_the_sis_holds(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.held(item, uid)
    stage.mark(item, uid, Mark.INCOMPLETE)
    assert (await synced(stage))[item.id, uid] == ("skipped", "incomplete-not-sent")
    assert stage.held(item, uid) == before


async def test_R5_an_unknown_exception_sends_points_and_never_makes_a_zero(stage: Stage) -> None:
    item, (pointed, blank, *_) = stage.items[0], stage.students
    await synced(stage)
    before = stage.held(item, blank)
    stage.mark(item, pointed, LATE, 3)
    stage.mark(item, blank, UNHEARD_OF)
    sync = await stage.sync()
    told = await stage.told(sync)
    assert told[item.id, pointed] == ("written", None)
    assert (await stage.warnings(sync))[item.id, pointed] == ["exception-not-sent"]
    assert told[item.id, blank] == ("skipped", "unknown-exception")
    assert (stage.held(item, pointed), stage.held(item, blank)) == ("3", before)


async def test_R6_a_blank_clears_what_was_sent_and_else_costs_no_write(stage: Stage) -> None:
    item, (sent, never, *_) = stage.items[0], stage.students
    stage.clear(item, never)
    await synced(stage)
    assert never not in _written_to(stage, item.id)
    stage.clear(item, sent)
    stage.forget_calls()
    assert (await synced(stage))[item.id, sent] == ("cleared", None)
    assert _written_to(stage, item.id) == {sent}
    assert stage.held(item, sent) is None


async def test_R7_no_score_is_never_a_zero(stage: Stage) -> None:
    item = stage.add("Not graded yet")
    await synced(stage)
    assert all(stage.held(item, uid) is None for uid in stage.students)


async def test_R26_points_are_exact_and_may_exceed_the_total(stage: Stage) -> None:
    item, (one, two, three, _) = stage.items[0], stage.students
    stage.grade(item, one, item.max_points + Decimal("2.5"))
    stage.grade(item, two, Decimal("0.1") + Decimal("0.2"))
    stage.grade(item, three, "9.50")
    await synced(stage)
    assert stage.held(item, one) == f"{item.max_points + Decimal('2.5')}"
    assert (stage.held(item, two), stage.held(item, three)) == ("0.3", "9.5")


@pytest.mark.parametrize("named", ["all", "first"])
async def test_R27_departed_students_are_set_aside_at_a_bounded_cost(theatre: Theatre, named: str) -> None:
    async with theatre.stage(world.build(7, 1, 25, 2, ideal=True)) as stage:
        stage.world.powerschool.switches.bad_students = "all" if named == "all" else "first"
        gone = stage.students[:10]
        for uid in gone:
            stage.world.powerschool.drop(stage.room.students[uid], stage.room.sis)
        sync = await stage.sync()
        told = await stage.told(sync)
        assert sync.status == "failed"
        for item in stage.items:
            for uid in gone:
                assert told[item.id, uid] == ("failed", "student-not-in-sis-section")
            assert all(told[item.id, uid] == ("written", None) for uid in stage.students if uid not in gone)
        assert stage.differences() == []
        assert await untrue(stage, sync) == []
        assert len(stage.world.powerschool.log.of("score.write")) == 2
        assert len(stage.world.powerschool.log.of("v1.section_enrollment")) == 1


@pytest.mark.parametrize("named", ["all", "first"])
async def test_R27_without_a_roster_everybody_else_still_goes_through(theatre: Theatre, named: str) -> None:
    async with theatre.stage(world.build(7, 1, 12, 2, ideal=True)) as stage:
        sis = stage.world.powerschool
        sis.switches.bad_students = "all" if named == "all" else "first"
        roster_is_unreadable(stage)
        for uid in stage.students[:5]:
            sis.drop(stage.room.students[uid], stage.room.sis)
        sync = await stage.sync()
        assert stage.differences() == []
        assert await untrue(stage, sync) == []
        assert len(sis.log.of("score.write")) <= 40


async def test_R27a_a_student_who_left_is_neither_sent_nor_cleared(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.held(item, uid)
    stage.grade(item, uid, 1)
    stage.world.schoology.drop_student(stage.room.section.id, uid, ARCHIVED)
    assert (await synced(stage))[item.id, uid] == ("skipped", "student-not-enrolled")
    assert stage.held(item, uid) == before


async def test_R35_students_who_are_not_from_the_sis_are_not_sent(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 1, 30, 3)) as stage:
        by_hand, odd = stage.room.odd["by_hand"], stage.room.odd["odd_id"]
        item = stage.items[0]
        stage.grade(item, by_hand, 5)
        stage.grade(item, odd, 5)
        told = await stage.told(await stage.sync())
        assert told[item.id, by_hand] == ("skipped", "student-not-from-sis")
        assert told[item.id, odd] == ("failed", "student-unmatched")


async def test_R36_a_row_that_is_not_there_clears_nothing(stage: Stage) -> None:
    await synced(stage)
    before = stage.table()
    stage.room.section.cells.clear()
    stage.world.schoology.switches.timestamp_inclusive = False
    await synced(stage)
    assert stage.table() == before


def _written_to(stage: Stage, item: int) -> set[int]:
    """Uids of the students for whom a row of an assignment was sent."""
    uids = {student.dcid: uid for uid, student in stage.room.students.items()}
    part = stage.part(stage.room.section.items[item]).assignmentsectionid
    rows = stage.world.powerschool.log.score_rows()
    return {uids[row.studentsdcid] for row in rows if row.assignmentsectionid == part}
