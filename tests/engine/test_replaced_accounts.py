"""Test that what is kept of a student holds for the account that replaces the student's (R40)."""

import pytest

from gradesync_sandbox.schoology.model import Item
from harness.district import DistrictHarness

OWED = "student-not-in-sis-section"


def replace_account(harness: DistrictHarness, uid: int, *, keep_cells: bool = True) -> int:
    """Give a student another account, with the same SIS id; return its uid."""
    made = harness.world.schoology.replace_account(uid, keep_cells=keep_cells).uid
    harness.room.students[made] = harness.room.students.pop(uid)
    return made


async def owe_a_score(harness: DistrictHarness) -> tuple[Item, int, str]:
    """Fail a score of a student whom the SIS section lacks; return the sync's id as well."""
    item, uid = harness.items[0], harness.students[0]
    student, sis = harness.room.students[uid], harness.world.powerschool
    await harness.sync()
    sis.drop(student, harness.room.sis)
    harness.grade(item, uid, 3)
    failed = await harness.sync()
    assert (await harness.outcomes_by_cell(failed))[item.id, uid] == ("failed", OWED)
    sis.enroll(student, harness.room.sis)
    return item, uid, failed.id


@pytest.mark.parametrize("keep_cells", [True, False])
async def test_what_was_owed_is_sent_for_the_new_account(harness: DistrictHarness, keep_cells: bool) -> None:
    item, uid, _ = await owe_a_score(harness)
    made = replace_account(harness, uid, keep_cells=keep_cells)
    if not keep_cells:
        harness.grade(item, made, 3)
    sync = await harness.sync()
    assert (sync.status, harness.sis_text(item, made)) == ("complete", "3")


async def test_an_older_score_of_the_former_account_is_not_sent(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    harness.grade(item, uid, 3)
    await harness.sync()
    made = replace_account(harness, uid)
    harness.grade(item, made, 5)
    for mode in ("full", "changes", "full"):
        sync = await harness.sync(mode=mode)
        assert (sync.status, harness.sis_text(item, made)) == ("complete", "5")


async def test_a_retry_sends_the_score_of_the_new_account(harness: DistrictHarness) -> None:
    item, uid, failed = await owe_a_score(harness)
    made = replace_account(harness, uid)
    sync = await harness.sync(retry_of=failed)
    assert (await harness.outcomes_by_cell(sync))[item.id, made] == ("written", None)
    assert (sync.status, harness.sis_text(item, made)) == ("complete", "3")
