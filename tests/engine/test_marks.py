"""Send and read back the SIS's own marks where the district sends them (R18)."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import LoseAfter, Status
from gradesync_sandbox.powerschool.switches import ScoreFault
from gradesync_sandbox.schoology.model import Item, Mark
from harness.assertions import assert_synced_well, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import lose_ledger, scores_are_unreadable

EXEMPT, MISSING = frozenset({"isexempt"}), frozenset({"ismissing"})


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide a synced class whose district sends marks: the first student missing, the second excused."""
    async with environment.open_district(world.build(7, 1, 4, 1, ideal=True)) as harness:
        await harness.change_policy(exception_flags=True)
        await assert_synced_well(harness)
        item, (missing, excused, *_) = harness.items[0], harness.students
        harness.mark(item, missing, Mark.MISSING)
        harness.mark(item, excused, Mark.EXCUSED)
        await assert_synced_well(harness)
        assert marks(harness, item) == [MISSING, EXEMPT, frozenset(), frozenset()]
        harness.forget_calls()
        yield harness


def marks(harness: DistrictHarness, item: Item) -> list[frozenset[str]]:
    """Return the marks that the SIS shows, by student."""
    scores = harness.world.powerschool.gradebook.scores[harness.part(item).assignmentsectionid]
    return [scores[student.dcid].flags for student in harness.room.students.values()]


def remark(harness: DistrictHarness, item: Item, student: int, *flags: str) -> None:
    """Set the marks of a score in PowerTeacher Pro."""
    scores = harness.world.powerschool.gradebook.scores[harness.part(item).assignmentsectionid]
    scores[harness.room.students[harness.students[student]].dcid].flags = frozenset(flags)


def rows(harness: DistrictHarness) -> int:
    return len(harness.world.powerschool.log.score_rows())


async def test_R18_changed_total_points_send_no_mark_again(harness: DistrictHarness) -> None:
    item = harness.items[0]
    harness.edit(item, max_points=item.max_points * 2)
    await assert_synced_well(harness)
    await assert_synced_well(harness)
    assert (rows(harness), marks(harness, item)[:2]) == (0, [MISSING, EXEMPT])


async def test_R18_scores_read_back_are_no_more_in_doubt(harness: DistrictHarness) -> None:
    item = harness.items[0]
    before = (await harness.ledger())[str(item.id)].sent
    harness.edit(item, max_points=item.max_points * 2)
    await assert_synced_well(harness)
    entry = (await harness.ledger())[str(item.id)]
    assert (entry.sent, entry.doubtful) == (before, {})


async def test_R18_full_sync_sends_no_mark_again(harness: DistrictHarness) -> None:
    await sync_checked(harness, mode="full")
    assert rows(harness) == 0


async def test_R18_a_lost_ledger_sends_no_mark_again(harness: DistrictHarness) -> None:
    await lose_ledger(harness)
    outcomes = await sync_checked(harness)
    item = harness.items[0]
    assert {outcomes[item.id, uid][0] for uid in harness.students} == {"adopted"}
    assert rows(harness) == 0


async def test_full_sync_restores_a_mark_taken_away(harness: DistrictHarness) -> None:
    item = harness.items[0]
    remark(harness, item, 0)
    remark(harness, item, 1, "ismissing")
    sync = await harness.sync(mode="full")
    warned = {uid for (_, uid), codes in (await harness.warnings(sync)).items() if "edited-in-sis" in codes}
    assert (warned, rows(harness)) == (set(harness.students[:2]), 2)
    assert marks(harness, item)[:2] == [MISSING, EXEMPT]


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_R41_a_mark_that_is_not_stored_fails(harness: DistrictHarness, mode: str) -> None:
    """Store points and no marks: the answer looks the same, and the lack is nobody's edit."""
    item, uid = harness.items[0], harness.students[2]
    harness.world.powerschool.switches.score_faults.append(ScoreFault("unmark", times=None))
    harness.mark(item, uid, Mark.MISSING)
    for each in ("changes", mode):
        sync = await harness.sync(mode=each)
        outcomes, rows = await harness.outcomes_by_cell(sync), await harness.outcomes(sync)
        assert outcomes[item.id, uid] == ("failed", "score-not-kept")
        assert [row.detail for row in rows] == ["PowerSchool holds 0, and no mark"]
        assert "edited-in-sis" not in sync.warnings
    harness.world.powerschool.switches.score_faults.clear()
    await assert_synced_well(harness)
    assert marks(harness, item)[2] == MISSING


async def test_R41_a_mark_that_is_not_taken_back_fails(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[1]
    harness.world.powerschool.switches.score_faults.append(ScoreFault("unmark"))
    harness.grade(item, uid, 3)
    sync = await harness.sync()
    (row,) = [row for row in await harness.outcomes(sync) if row.reason]
    assert (row.reason, row.detail) == ("score-not-kept", "PowerSchool holds 3, and a mark")
    await assert_synced_well(harness)
    assert marks(harness, item)[1] == frozenset()


async def test_R41_marks_that_nobody_may_read_are_believed(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[2]
    scores_are_unreadable(harness)
    harness.mark(item, uid, Mark.MISSING)
    assert (await sync_checked(harness))[item.id, uid] == ("written", None)


async def test_a_mark_of_a_teacher_is_left_alone(harness: DistrictHarness) -> None:
    item = harness.items[0]
    remark(harness, item, 2, "ismissing")
    harness.edit(item, max_points=item.max_points * 2)
    await sync_checked(harness)
    await sync_checked(harness, mode="full")
    assert (rows(harness), marks(harness, item)[2]) == (0, MISSING)


async def test_a_mark_of_a_lost_write_is_taken_back(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[2]
    harness.mark(item, uid, Mark.EXCUSED)
    harness.fault("powerschool", "score.write", LoseAfter(), times=None)
    harness.fault("powerschool", "schema.assignmentscore", Status(500), times=None)
    assert (await harness.sync()).status == "failed"
    assert marks(harness, item)[2] == EXEMPT
    await harness.end_faults()
    harness.grade(item, uid, Decimal(3))
    harness.forget_calls()
    await assert_synced_well(harness)
    assert (marks(harness, item)[2], harness.sis_text(item, uid)) == (frozenset(), "3")
