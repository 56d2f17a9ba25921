"""Read only what changed since the cursors, and everything again after events that demand it.

An hour of Schoology's clock passes between the steps, so that nothing is seen again by mere overlap.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gradesync.core.district import Match
from gradesync.db import links
from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import ARCHIVED, Cell
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import forget_categories, scores_are_unreadable

HOUR = 3600.0
OVERLAP = 600


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide three assignments and four students, points in every cell, all synced an hour ago."""
    async with environment.open_district(world.build(7, 1, 4, 3, ideal=True)) as harness:
        await sync_checked(harness)
        harness.world.schoology.advance_clock(HOUR)
        yield harness


async def sync_checked(harness: DistrictHarness, **wanted: str | bool | list[str]) -> int:
    """Run one sync that ends well, and return the number of scores that it read."""
    sync = await harness.sync(None, **wanted)
    assert await find_false_claims(harness, sync) == []
    assert sync.status == "complete", sync.error_code
    return int(sync.scores["read"])


async def assert_complete_after_an_hour(harness: DistrictHarness) -> None:
    """Assert that the next sync of changes brings the SIS to what the rules demand."""
    harness.world.schoology.advance_clock(HOUR)
    await sync_checked(harness)
    assert harness.differences() == []


async def test_changes_mode_reads_only_changes(harness: DistrictHarness) -> None:
    harness.grade(harness.items[0], harness.students[0], 3)
    assert await sync_checked(harness) == 2  # the latest cell of before is seen again
    harness.world.schoology.advance_clock(HOUR)
    assert await sync_checked(harness) == 1


async def test_cells_within_the_overlap_are_read_again(harness: DistrictHarness) -> None:
    harness.grade(harness.items[2], harness.students[1], 1)
    await sync_checked(harness)
    section, (item, other_item, _), uid = harness.room.section, harness.items, harness.students[0]
    enrollment, now = section.enrollment_of(uid).id, int(harness.world.schoology.now())
    before = harness.sis_text(other_item, uid)
    points = harness.world.schoology.sections[section.id].cell(item.id, enrollment).grade
    assert points is not None
    section.cells[item.id, enrollment] = Cell(points + 1, timestamp=now - OVERLAP + 30)
    section.cells[other_item.id, enrollment] = Cell(points + 1, timestamp=now - OVERLAP - 300)
    await sync_checked(harness)
    assert harness.sis_text(item, uid) == f"{points + 1}"
    assert harness.sis_text(other_item, uid) == before
    await sync_checked(harness, mode="full")
    assert harness.differences() == []


async def test_R48_a_change_by_a_slow_cell_clock_is_carried(harness: DistrictHarness) -> None:
    harness.grade(harness.items[1], harness.students[1], 2)
    await sync_checked(harness)
    harness.world.schoology.switches.cell_clock_offset = -300
    harness.grade(harness.items[0], harness.students[0], 3)
    await sync_checked(harness)
    assert harness.differences() == []


async def test_R48_a_section_that_nobody_touched_costs_no_more_reads(harness: DistrictHarness) -> None:
    harness.room.section.cells.clear()
    await sync_checked(harness, mode="full")
    harness.forget_calls()
    assert await sync_checked(harness) == 0
    assert harness.world.schoology.log.counts() == {
        "multiget": 1,
        "grading_categories": 1,
        "grading_periods": 1,
    }
    harness.grade(harness.items[0], harness.students[0], 3)
    assert await sync_checked(harness) == 1
    assert harness.sis_text(harness.items[0], harness.students[0]) == "3"


async def test_skipped_assignment_keeps_its_cursor(
    harness: DistrictHarness,
) -> None:
    category = harness.world.schoology.add_category(harness.room.section.id, "Lab work")
    item = harness.add("Skipped at first", category=category.id)
    harness.grade(item, harness.students[0], 7)
    await sync_checked(harness)
    harness.world.schoology.advance_clock(HOUR)
    harness.world.powerschool.add_category(harness.room.sis_teacher, "Lab work")
    await forget_categories(harness)
    await assert_complete_after_an_hour(harness)
    assert harness.sis_text(item, harness.students[0]) == "7"


async def test_failed_assignment_keeps_its_cursor(harness: DistrictHarness) -> None:
    item = harness.add(harness.items[0].title)
    harness.grade(item, harness.students[0], 7)
    assert (await harness.sync()).status == "failed"
    harness.edit(item, title="A name of its own")
    await assert_complete_after_an_hour(harness)
    assert harness.sis_text(item, harness.students[0]) == "7"


async def test_failed_score_stays_owed(harness: DistrictHarness) -> None:
    harness.world.powerschool.lock_term(harness.room.term)
    harness.grade(harness.items[0], harness.students[0], 2)
    assert (await harness.sync()).status == "failed"
    harness.world.powerschool.lock_term(harness.room.term, locked=False)
    await assert_complete_after_an_hour(harness)


async def test_dry_run_moves_no_cursor(harness: DistrictHarness) -> None:
    harness.grade(harness.items[0], harness.students[0], 2)
    before = await harness.ledger()
    await sync_checked(harness, dry_run=True)
    assert await harness.ledger() == before
    await assert_complete_after_an_hour(harness)


async def test_subset_moves_only_the_cursors_of_its_assignments(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    harness.grade(first, harness.students[0], 2)
    harness.grade(second, harness.students[0], 2)
    before = await harness.ledger()
    await sync_checked(harness, assignments=[str(first.id)])
    after = await harness.ledger()
    assert before[str(first.id)].read_through != after[str(first.id)].read_through
    assert before[str(second.id)].read_through == after[str(second.id)].read_through
    assert harness.sis_text(first, harness.students[0]) == "2"
    await assert_complete_after_an_hour(harness)


async def test_stopped_sync_moves_no_cursor(harness: DistrictHarness) -> None:
    harness.grade(harness.items[0], harness.students[0], 2)
    before = await harness.ledger()
    harness.world.powerschool.plugin.granted["assignmentscore", "*"] = "ViewOnly"
    assert (await harness.sync()).error_code == "sis-permission-missing"
    after = await harness.ledger()
    assert [entry.read_through for entry in before.values()] == [e.read_through for e in after.values()]
    harness.world.powerschool.plugin.granted["assignmentscore", "*"] = "FullAccess"
    await assert_complete_after_an_hour(harness)


async def test_new_student_is_read_from_the_beginning(harness: DistrictHarness) -> None:
    school, room, uid = harness.world.schoology, harness.room, harness.students[0]
    school.drop_student(room.section.id, uid, ARCHIVED)
    harness.grade(harness.items[0], uid, 4)
    await sync_checked(harness)
    harness.world.schoology.advance_clock(HOUR)
    school.enroll(room.section.id, uid)
    await assert_complete_after_an_hour(harness)
    assert harness.sis_text(harness.items[0], uid) == "4"


async def test_newly_matched_student_is_read_from_the_beginning(harness: DistrictHarness) -> None:
    uid = harness.students[0]
    user = harness.world.schoology.users[uid]
    code, user.school_uid = user.school_uid, ""
    harness.grade(harness.items[0], uid, 4)
    await sync_checked(harness)
    harness.world.schoology.advance_clock(HOUR)
    user.school_uid = code
    await assert_complete_after_an_hour(harness)


async def test_new_sis_section_gets_everything(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    before = harness.table()
    moved = sis.add_section(sis.schools[min(sis.schools)], room.term, room.sis_teacher)
    for student in room.students.values():
        sis.enroll(student, moved)
    room.section.school_code = str(moved.dcid)
    preview = await harness.outcomes_by_cell(await harness.sync(dry_run=True))
    assert [preview[item.id, None] for item in harness.items] == [("created", None)] * 3
    old, room.sis = room.sis, moved
    await assert_complete_after_an_hour(harness)
    assert sis.gradebook.table(old) == before


async def test_changed_match_reads_everything(harness: DistrictHarness) -> None:
    uid = harness.students[0]
    user = harness.world.schoology.users[uid]
    user.school_uid = user.school_uid.replace("1_", "pupil_")
    harness.grade(harness.items[0], uid, 4)
    assert (await harness.sync()).status == "failed"
    await harness.replace_district(replace(harness.district, match=Match(student=r"^(?:1|pupil)_(\d+)$")))
    await assert_complete_after_an_hour(harness)


async def test_match_by_student_number_finds_the_same_students(harness: DistrictHarness) -> None:
    for uid, student in harness.room.students.items():
        harness.world.schoology.users[uid].school_uid = f"1_{student.student_number}"
    harness.grade(harness.items[0], harness.students[0], 4)
    await harness.replace_district(replace(harness.district, match=Match(student_id="student_number")))
    await assert_complete_after_an_hour(harness)


async def test_changed_policy_reads_everything(harness: DistrictHarness) -> None:
    item = harness.add("N" * 60)
    harness.grade(item, harness.students[0], 4)
    await sync_checked(harness)
    harness.world.schoology.advance_clock(HOUR)
    await harness.change_policy(shorten_titles=True)
    harness.choices = replace(harness.choices, shorten=True)
    await assert_complete_after_an_hour(harness)


@pytest.mark.parametrize("sis_does", ["keep", "scale"])
async def test_changed_points_put_every_score_in_doubt(harness: DistrictHarness, sis_does: str) -> None:
    harness.world.powerschool.switches.update_scores_does = "scale" if sis_does == "scale" else "keep"
    item = harness.items[0]
    harness.edit(item, max_points=item.max_points * 2)
    harness.forget_calls()
    await assert_complete_after_an_hour(harness)
    effects = harness.world.powerschool.log.effects()
    assert effects.get("unchanged", 0) == 0
    assert bool(effects) == (sis_does == "scale")


async def test_changed_points_with_unreadable_scores(harness: DistrictHarness) -> None:
    harness.world.powerschool.switches.update_scores_does = "scale"
    scores_are_unreadable(harness)
    item = harness.items[0]
    harness.edit(item, max_points=item.max_points * 2)
    await assert_complete_after_an_hour(harness)


async def test_everything_is_read_every_seventh_day(harness: DistrictHarness) -> None:
    async with harness.context.database.district(harness.district.id) as db:
        link = await links.get(db, harness.section)
        assert link is not None
        assert link.last_full_read is not None
        await links.save(db, replace(link, last_full_read=link.last_full_read - timedelta(days=7)))
    assert await sync_checked(harness) == 12
    harness.world.schoology.advance_clock(HOUR)
    assert await sync_checked(harness) == 1


async def test_full_mode_reads_everything(harness: DistrictHarness) -> None:
    assert await sync_checked(harness, mode="full") == 12


async def test_restored_assignment_is_read_from_the_beginning(harness: DistrictHarness) -> None:
    item = harness.items[0]
    harness.world.schoology.delete_assignment(harness.room.section.id, item.id)
    harness.grade(item, harness.students[0], 4)
    await sync_checked(harness)
    harness.world.schoology.advance_clock(HOUR)
    harness.world.schoology.restore_assignment(harness.room.section.id, item.id)
    await assert_complete_after_an_hour(harness)


async def test_reenabled_assignment_is_read_from_its_cursor(harness: DistrictHarness) -> None:
    item = harness.items[0]
    await harness.opt_out(item)
    harness.grade(item, harness.students[0], 4)
    await sync_checked(harness)
    harness.world.schoology.advance_clock(HOUR)
    await harness.opt_out(item, opted_out=False)
    await assert_complete_after_an_hour(harness)


async def test_recreated_assignment_is_read_from_the_beginning(harness: DistrictHarness) -> None:
    harness.delete_in_sis(harness.items[0])
    await assert_complete_after_an_hour(harness)


async def test_many_new_assignments_are_read_in_one_response(harness: DistrictHarness) -> None:
    for number in range(5):
        harness.grade(harness.add(f"New {number}"), harness.students[0], number)
    harness.forget_calls()
    await sync_checked(harness)
    kinds = harness.world.schoology.log.counts()
    assert kinds["grades"] == 1
    assert harness.differences() == []
