"""Let no blank that is older than what was sent take that back, whichever enrollment it belongs to (R38)."""

import pytest

from gradesync_sandbox.schoology.model import ACTIVE, ARCHIVED, Cell, Enrollment, Item
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness

NEVER = ["never-scored-here"]


async def send_from_another(harness: DistrictHarness) -> tuple[Item, int, Enrollment]:
    """Send a score of a second enrollment; the first one's cell has a comment and no score, from before."""
    schoology, section = harness.world.schoology, harness.room.section
    item, uid = harness.add("Comment first"), harness.students[0]
    first = section.enrollment_of(uid)
    schoology.comment(section.id, item.id, uid, "see me")
    harness.world.schoology.advance_clock(5)
    second = schoology.enroll_anew(section.id, uid)
    first.status = ARCHIVED
    schoology.grade_enrollment(section.id, item.id, second.id, 8)
    await harness.sync()
    assert harness.sis_text(item, uid) == "8"
    first.status = ACTIVE
    return item, uid, second


async def assert_kept(harness: DistrictHarness, item: Item, uid: int, mode: str) -> None:
    """Expect that a preview and its sync leave a score, and that a blank which is made then clears it."""
    preview = await harness.outcomes_by_cell(await harness.sync(mode=mode, dry_run=True))
    sync = await harness.sync(mode=mode)
    assert await harness.outcomes_by_cell(sync) == preview
    assert (sync.scores["cleared"], harness.sis_text(item, uid)) == (0, "8")
    assert (await harness.warnings(sync))[item.id, uid] == NEVER
    harness.world.schoology.advance_clock(5)
    harness.clear(item, uid)
    assert (await harness.sync()).scores["cleared"] == 1
    assert harness.sis_text(item, uid) is None


@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R38_a_blank_stays_where_the_other_enrollment_is_gone(
    harness: DistrictHarness, mode: str
) -> None:
    item, uid, second = await send_from_another(harness)
    section = harness.room.section
    del section.enrollments[second.id]
    section.cells = {key: cell for key, cell in section.cells.items() if key[1] != second.id}
    await assert_kept(harness, item, uid, mode)


@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R38_a_cell_whose_time_goes_back_clears_nothing(harness: DistrictHarness, mode: str) -> None:
    item, uid = harness.items[0], harness.students[0]
    section, before = harness.room.section, int(harness.world.schoology.now()) - 60
    harness.grade(item, uid, 8)
    await harness.sync()
    section.cells[item.id, section.enrollment_of(uid).id] = Cell(timestamp=before)
    preview = await harness.sync(mode=mode, dry_run=True)
    sync = await harness.sync(mode=mode)
    assert (preview.scores["cleared"], sync.scores["cleared"]) == (0, 0)
    assert harness.sis_text(item, uid) == "8"
    harness.world.schoology.advance_clock(5)
    harness.clear(item, uid)
    assert (await harness.sync()).scores["cleared"] == 1


async def test_R38_a_blank_made_while_a_student_was_away_clears(harness: DistrictHarness) -> None:
    """Clear a score of a student who is not enrolled for a while: it was made after the score was sent."""
    item, uid = harness.items[0], harness.students[0]
    enrollment = harness.room.section.enrollment_of(uid)
    await assert_synced_well(harness)
    enrollment.status = ARCHIVED
    harness.world.schoology.advance_clock(5)
    harness.clear(item, uid)
    harness.world.schoology.advance_clock(5)
    harness.grade(item, harness.students[1], 3)
    await harness.sync()
    enrollment.status = ACTIVE
    assert (await harness.sync(mode="full")).scores["cleared"] == 1
    assert harness.sis_text(item, uid) is None


async def test_R38_a_blank_that_a_read_missed_clears(harness: DistrictHarness) -> None:
    """Stamp a blank before what was read since: it was made after the score was sent all the same."""
    item, uid = harness.items[0], harness.students[0]
    await assert_synced_well(harness)
    harness.world.schoology.advance_clock(600)
    harness.grade(item, harness.students[1], 3)
    await harness.sync()
    harness.world.schoology.advance_clock(-300)
    harness.clear(item, uid)
    assert (await harness.sync(mode="full")).scores["cleared"] == 1


async def let_second_go(harness: DistrictHarness, item: Item, second: Enrollment) -> None:
    """Remove an enrollment with its cell, while the assignment does not go: it is read whole next."""
    section = harness.room.section
    del section.enrollments[second.id]
    section.cells = {key: cell for key, cell in section.cells.items() if key[1] != second.id}
    await harness.opt_out(item)
    await harness.sync()
    await harness.opt_out(item, False)


async def test_R38_a_blank_stays_where_an_assignment_did_not_go(harness: DistrictHarness) -> None:
    item, uid, second = await send_from_another(harness)
    await let_second_go(harness, item, second)
    await assert_kept(harness, item, uid, "changes")


async def test_R38_a_blank_stays_where_an_assignment_is_restored(harness: DistrictHarness) -> None:
    item, uid, second = await send_from_another(harness)
    del harness.room.section.enrollments[second.id]
    harness.edit(item, deleted=True)
    await harness.sync()
    harness.edit(item, deleted=False)
    await assert_kept(harness, item, uid, "changes")


async def test_R38_R45_a_blank_stays_after_a_reimport(harness: DistrictHarness) -> None:
    schoology, section = harness.world.schoology, harness.room.section
    item, uid = harness.items[0], harness.students[0]
    harness.clear(item, uid)
    schoology.age_scores(section.id, 7200)
    await harness.sync()
    second = schoology.enroll_anew(section.id, uid)
    schoology.grade_enrollment(section.id, item.id, second.id, 8)
    await harness.sync()
    del section.enrollments[second.id]
    del section.cells[item.id, second.id]
    new = schoology.reimport_assignments(section.id, [item.id])
    sync = await harness.sync()
    assert (sync.scores["cleared"], harness.sis_text(section.items[new[item.id]], uid)) == (0, "8")


async def test_R38_a_new_blank_clears_where_one_did_not_go(harness: DistrictHarness) -> None:
    item, uid, second = await send_from_another(harness)
    await let_second_go(harness, item, second)
    harness.world.schoology.advance_clock(5)
    harness.clear(item, uid)
    assert (await harness.sync()).scores["cleared"] == 1
