"""Test that an excused score stands for a score that was sent, whatever became of the write."""

import pytest

from gradesync_sandbox.faults import RefuseBefore
from gradesync_sandbox.schoology.model import Mark
from harness.district import DistrictHarness
from harness.faults import lose_ledger
from harness.sis_kinds import STANDARD, Kind, face_of


@pytest.fixture
def kind() -> Kind:
    return STANDARD


def find_status(harness: DistrictHarness, number: int = 0) -> str | None:
    pair = (
        harness.part(harness.items[0]).assignmentsectionid,
        harness.room.students[harness.students[number]].dcid,
    )
    return dict(face_of(harness).result_fields.get(pair, {})).get("scoreStatus")


async def test_nothing_takes_the_place_of_a_lost_first_write(harness: DistrictHarness) -> None:
    await harness.opt_out(harness.items[1])
    harness.fault("oneroster", "result.put", RefuseBefore(), times=None)
    await harness.sync()
    await harness.end_faults()
    item, (ann, ben, _) = harness.items[0], harness.students
    harness.mark(item, ann, Mark.EXCUSED)
    harness.clear(item, ben)
    sync = await harness.sync()
    cells = await harness.outcomes_by_cell(sync)
    assert (cells[item.id, ann], cells[item.id, ben]) == (("adopted", None), ("adopted", None))
    await expect_nothing_more(harness, [None, None, "fully graded"])


async def test_nothing_takes_the_place_of_nothing_after_a_lost_ledger(harness: DistrictHarness) -> None:
    item, (ann, ben, _) = harness.items[0], harness.students
    harness.mark(item, ann, Mark.EXCUSED)
    await harness.sync()
    harness.mark(item, ben, Mark.EXCUSED)
    await harness.sync()
    await lose_ledger(harness)
    await harness.sync()
    await expect_nothing_more(harness, [None, "exempt", "fully graded"])


async def test_nothing_takes_the_place_of_a_cleared_score(harness: DistrictHarness) -> None:
    """Whatever came before the blank: the SIS is the same for a class whose blank was excused at once."""
    item, (ann, ben, _) = harness.items[0], harness.students
    await harness.sync()
    for states in ((Mark.EXCUSED, None), (None, None), (Mark.EXCUSED, Mark.EXCUSED)):
        for uid, state in zip((ann, ben), states, strict=True):
            if state is None:
                harness.clear(item, uid)
            else:
                harness.mark(item, uid, state)
        await harness.sync()
    await expect_nothing_more(harness, [None, None, "fully graded"])


async def expect_nothing_more(harness: DistrictHarness, shown: list[str | None]) -> None:
    for mode in ("changes", "full", "changes"):
        harness.forget_calls()
        sync = await harness.sync(mode=mode)
        assert (sync.status, harness.writes) == ("complete", [])
        assert [find_status(harness, n) for n in range(3)] == shown
