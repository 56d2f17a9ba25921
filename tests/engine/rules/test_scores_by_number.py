"""Test the rules about scores by their numbers, each through a whole sync between both systems."""

from decimal import Decimal

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import ARCHIVED, Mark
from harness.assertions import find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import roster_is_unreadable

LATE, UNHEARD_OF = 4, 7


@pytest.mark.parametrize("reads_zero", [True, False])
async def test_R2_missing_is_a_zero_whatever_its_grade_reads(
    harness: DistrictHarness, reads_zero: bool
) -> None:
    harness.world.schoology.switches.missing_is_zero = reads_zero
    item, uid = harness.items[0], harness.students[0]
    harness.mark(item, uid, Mark.MISSING)
    assert (await sync_checked(harness))[item.id, uid] == ("written", None)
    assert harness.sis_text(item, uid) == "0"


async def test_R3_excused_clears_what_was_sent_and_writes_nothing_else(harness: DistrictHarness) -> None:
    item, (sent, fresh, *_) = harness.items[0], harness.students
    harness.mark(item, fresh, Mark.EXCUSED)
    assert (item.id, fresh) not in await sync_checked(harness)
    assert [row for row in harness.world.powerschool.log.score_rows() if row.value is None] == []
    harness.mark(item, sent, Mark.EXCUSED)
    assert (await sync_checked(harness))[item.id, sent] == ("cleared", None)
    assert harness.sis_text(item, sent) is None


async def test_R4_incomplete_leaves_what_the_sis_holds(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    await sync_checked(harness)
    before = harness.sis_text(item, uid)
    harness.mark(item, uid, Mark.INCOMPLETE)
    assert (await sync_checked(harness))[item.id, uid] == ("skipped", "incomplete-not-sent")
    assert harness.sis_text(item, uid) == before


async def test_R5_an_unknown_exception_sends_points_never_a_zero(harness: DistrictHarness) -> None:
    item, (pointed, blank, *_) = harness.items[0], harness.students
    await sync_checked(harness)
    before = harness.sis_text(item, blank)
    harness.mark(item, pointed, LATE, 3)
    harness.mark(item, blank, UNHEARD_OF)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert outcomes[item.id, pointed] == ("written", None)
    assert (await harness.warnings(sync))[item.id, pointed] == ["exception-not-sent"]
    assert outcomes[item.id, blank] == ("skipped", "unknown-exception")
    assert (harness.sis_text(item, pointed), harness.sis_text(item, blank)) == ("3", before)


async def test_R6_a_blank_clears_what_was_sent_and_else_costs_no_write(harness: DistrictHarness) -> None:
    item, (sent, never, *_) = harness.items[0], harness.students
    harness.clear(item, never)
    await sync_checked(harness)
    assert never not in _written_to(harness, item.id)
    harness.clear(item, sent)
    harness.forget_calls()
    assert (await sync_checked(harness))[item.id, sent] == ("cleared", None)
    assert _written_to(harness, item.id) == {sent}
    assert harness.sis_text(item, sent) is None


async def test_R7_no_score_is_never_a_zero(harness: DistrictHarness) -> None:
    item = harness.add("Not graded yet")
    await sync_checked(harness)
    assert all(harness.sis_text(item, uid) is None for uid in harness.students)


async def test_R26_points_are_exact_and_may_exceed_the_total(harness: DistrictHarness) -> None:
    item, (one, two, three, _) = harness.items[0], harness.students
    harness.grade(item, one, item.max_points + Decimal("2.5"))
    harness.grade(item, two, Decimal("0.1") + Decimal("0.2"))
    harness.grade(item, three, "9.50")
    await sync_checked(harness)
    assert harness.sis_text(item, one) == f"{item.max_points + Decimal('2.5')}"
    assert (harness.sis_text(item, two), harness.sis_text(item, three)) == ("0.3", "9.5")


@pytest.mark.parametrize("named", ["all", "first"])
async def test_R27_departed_students_are_set_aside_at_a_bounded_cost(
    environment: Environment, named: str
) -> None:
    async with environment.open_district(world.build(7, 1, 25, 2, ideal=True)) as harness:
        harness.world.powerschool.switches.bad_students = "all" if named == "all" else "first"
        gone = harness.students[:10]
        for uid in gone:
            harness.world.powerschool.drop(harness.room.students[uid], harness.room.sis)
        sync = await harness.sync()
        outcomes = await harness.outcomes_by_cell(sync)
        assert sync.status == "failed"
        for item in harness.items:
            for uid in gone:
                assert outcomes[item.id, uid] == ("failed", "student-not-in-sis-section")
            assert all(
                outcomes[item.id, uid] == ("written", None) for uid in harness.students if uid not in gone
            )
        assert harness.differences() == []
        assert await find_false_claims(harness, sync) == []
        assert len(harness.world.powerschool.log.of("score.write")) == 2
        assert len(harness.world.powerschool.log.of("v1.section_enrollment")) == 2  # to the empty page


@pytest.mark.parametrize("named", ["all", "first"])
async def test_R27_without_a_roster_everybody_else_still_goes_through(
    environment: Environment, named: str
) -> None:
    async with environment.open_district(world.build(7, 1, 12, 2, ideal=True)) as harness:
        sis = harness.world.powerschool
        sis.switches.bad_students = "all" if named == "all" else "first"
        roster_is_unreadable(harness)
        for uid in harness.students[:5]:
            sis.drop(harness.room.students[uid], harness.room.sis)
        sync = await harness.sync()
        assert harness.differences() == []
        assert await find_false_claims(harness, sync) == []
        assert len(sis.log.of("score.write")) <= 40


async def test_R27a_a_student_who_left_is_neither_sent_nor_cleared(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    await sync_checked(harness)
    before = harness.sis_text(item, uid)
    harness.grade(item, uid, 1)
    harness.world.schoology.drop_student(harness.room.section.id, uid, ARCHIVED)
    assert (await sync_checked(harness))[item.id, uid] == ("skipped", "student-not-enrolled")
    assert harness.sis_text(item, uid) == before


async def test_R35_students_who_are_not_from_the_sis_are_not_sent(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 30, 3)) as harness:
        by_hand, odd = harness.room.odd["by_hand"], harness.room.odd["odd_id"]
        item = harness.items[0]
        harness.grade(item, by_hand, 5)
        harness.grade(item, odd, 5)
        outcomes = await harness.outcomes_by_cell(await harness.sync())
        assert outcomes[item.id, by_hand] == ("skipped", "student-not-from-sis")
        assert outcomes[item.id, odd] == ("failed", "student-unmatched")


async def test_R36_a_row_that_is_not_there_clears_nothing(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    before = harness.table()
    harness.room.section.cells.clear()
    harness.world.schoology.switches.timestamp_inclusive = False
    await sync_checked(harness)
    assert harness.table() == before


def _written_to(harness: DistrictHarness, item: int) -> set[int]:
    """Return the uids of the students for whom a row of an assignment was sent."""
    uids = {student.dcid: uid for uid, student in harness.room.students.items()}
    part = harness.part(harness.room.section.items[item]).assignmentsectionid
    rows = harness.world.powerschool.log.score_rows()
    return {uids[row.studentsdcid] for row in rows if row.assignmentsectionid == part}
