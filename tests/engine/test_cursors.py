"""What a sync of changes reads: since when, and which events make it read again what is older.

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
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre
from harness.faults import forget_categories, lose_ledger, scores_are_unreadable

HOUR = 3600.0
OVERLAP = 120


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Three assignments, four students, points in every cell, all of it synced an hour ago."""
    async with theatre.stage(world.build(7, 1, 4, 3, ideal=True)) as stage:
        await synced(stage)
        an_hour_passes(stage)
        yield stage


def an_hour_passes(stage: Stage) -> None:
    stage.world.schoology.switches.clock_skew += HOUR


async def synced(stage: Stage, **wanted: str | bool | list[str]) -> int:
    """One sync that goes well; the number of scores that it read."""
    sync = await stage.sync(None, **wanted)
    assert await untrue(stage, sync) == []
    assert sync.status == "complete", sync.error_code
    return int(sync.scores["read"])


async def all_is_there_after_an_hour(stage: Stage) -> None:
    """The next sync of changes brings the SIS to what the rules demand."""
    an_hour_passes(stage)
    await synced(stage)
    assert stage.differences() == []


async def test_a_sync_of_changes_reads_what_changed(stage: Stage) -> None:
    stage.grade(stage.items[0], stage.students[0], 3)
    assert await synced(stage) == 1
    an_hour_passes(stage)
    await synced(stage)  # the change was as young as the overlap
    an_hour_passes(stage)
    assert await synced(stage) == 0


async def test_cells_as_old_as_the_overlap_are_read_again(stage: Stage) -> None:
    await synced(stage)
    section, (item, other, _), uid = stage.room.section, stage.items, stage.students[0]
    enrollment, now = section.enrollment_of(uid).id, int(stage.world.schoology.now())
    before = stage.held(other, uid)
    points = stage.world.schoology.sections[section.id].cell(item.id, enrollment).grade
    assert points is not None
    section.cells[item.id, enrollment] = Cell(points + 1, timestamp=now - OVERLAP + 30)
    section.cells[other.id, enrollment] = Cell(points + 1, timestamp=now - OVERLAP - 300)
    await synced(stage)
    assert stage.held(item, uid) == f"{points + 1}"
    assert stage.held(other, uid) == before
    await synced(stage, mode="full")
    assert stage.differences() == []


async def test_a_skipped_assignment_keeps_its_cursor_until_its_category_is_mapped(stage: Stage) -> None:
    category = stage.world.schoology.add_category(stage.room.section.id, "Lab work")
    item = stage.add("Skipped at first", category=category.id)
    stage.grade(item, stage.students[0], 7)
    await synced(stage)
    an_hour_passes(stage)
    stage.world.powerschool.add_category(stage.room.sis_teacher, "Lab work")
    await forget_categories(stage)
    await all_is_there_after_an_hour(stage)
    assert stage.held(item, stage.students[0]) == "7"


async def test_a_failed_assignment_keeps_its_cursor(stage: Stage) -> None:
    item = stage.add(stage.items[0].title)
    stage.grade(item, stage.students[0], 7)
    assert (await stage.sync()).status == "failed"
    stage.edit(item, title="A name of its own")
    await all_is_there_after_an_hour(stage)
    assert stage.held(item, stage.students[0]) == "7"


async def test_a_failed_score_is_owed_and_not_forgotten(stage: Stage) -> None:
    stage.world.powerschool.lock_term(stage.room.term)
    stage.grade(stage.items[0], stage.students[0], 2)
    assert (await stage.sync()).status == "failed"
    stage.world.powerschool.lock_term(stage.room.term, locked=False)
    await all_is_there_after_an_hour(stage)


async def test_a_dry_run_moves_no_cursor(stage: Stage) -> None:
    stage.grade(stage.items[0], stage.students[0], 2)
    before = await stage.ledger()
    await synced(stage, dry_run=True)
    assert await stage.ledger() == before
    await all_is_there_after_an_hour(stage)


async def test_a_subset_moves_the_cursors_of_its_assignments_alone(stage: Stage) -> None:
    one, other, _ = stage.items
    stage.grade(one, stage.students[0], 2)
    stage.grade(other, stage.students[0], 2)
    before = await stage.ledger()
    await synced(stage, assignments=[str(one.id)])
    after = await stage.ledger()
    assert before[str(one.id)].read_through != after[str(one.id)].read_through
    assert before[str(other.id)].read_through == after[str(other.id)].read_through
    assert stage.held(one, stage.students[0]) == "2"
    await all_is_there_after_an_hour(stage)


async def test_a_stopped_sync_moves_no_cursor(stage: Stage) -> None:
    stage.grade(stage.items[0], stage.students[0], 2)
    before = await stage.ledger()
    stage.world.powerschool.plugin.granted["assignmentscore", "*"] = "ViewOnly"
    assert (await stage.sync()).error_code == "sis-permission-missing"
    after = await stage.ledger()
    assert [entry.read_through for entry in before.values()] == [e.read_through for e in after.values()]
    stage.world.powerschool.plugin.granted["assignmentscore", "*"] = "FullAccess"
    await all_is_there_after_an_hour(stage)


async def test_a_student_new_to_the_roster_is_read_from_the_beginning(stage: Stage) -> None:
    school, room, uid = stage.world.schoology, stage.room, stage.students[0]
    school.drop_student(room.section.id, uid, ARCHIVED)
    stage.grade(stage.items[0], uid, 4)
    await synced(stage)
    an_hour_passes(stage)
    school.enroll(room.section.id, uid)
    await all_is_there_after_an_hour(stage)
    assert stage.held(stage.items[0], uid) == "4"


async def test_a_newly_matched_student_is_read_from_the_beginning(stage: Stage) -> None:
    uid = stage.students[0]
    user = stage.world.schoology.users[uid]
    code, user.school_uid = user.school_uid, ""
    stage.grade(stage.items[0], uid, 4)
    await synced(stage)
    an_hour_passes(stage)
    user.school_uid = code
    await all_is_there_after_an_hour(stage)


async def test_another_sis_section_gets_everything(stage: Stage) -> None:
    sis, room = stage.world.powerschool, stage.room
    before = stage.table()
    moved = sis.add_section(sis.schools[min(sis.schools)], room.term, room.sis_teacher)
    for student in room.students.values():
        sis.enroll(student, moved)
    room.section.school_code = str(moved.dcid)
    preview = await stage.told(await stage.sync(dry_run=True))
    assert [preview[item.id, None] for item in stage.items] == [("created", None)] * 3
    old, room.sis = room.sis, moved
    await all_is_there_after_an_hour(stage)
    assert sis.gradebook.table(old) == before


async def test_another_match_reads_everything(stage: Stage) -> None:
    uid = stage.students[0]
    user = stage.world.schoology.users[uid]
    user.school_uid = user.school_uid.replace("1_", "pupil_")
    stage.grade(stage.items[0], uid, 4)
    assert (await stage.sync()).status == "failed"
    await stage.become(replace(stage.district, match=Match(student=r"^(?:1|pupil)_(\d+)$")))
    await all_is_there_after_an_hour(stage)


async def test_a_match_by_student_number_finds_the_same_students(stage: Stage) -> None:
    for uid, student in stage.room.students.items():
        stage.world.schoology.users[uid].school_uid = f"1_{student.student_number}"
    stage.grade(stage.items[0], stage.students[0], 4)
    await stage.become(replace(stage.district, match=Match(student_id="student_number")))
    await all_is_there_after_an_hour(stage)


async def test_another_policy_reads_everything(stage: Stage) -> None:
    item = stage.add("N" * 60)
    stage.grade(item, stage.students[0], 4)
    await synced(stage)
    an_hour_passes(stage)
    await stage.choose(shorten_titles=True)
    stage.choices = replace(stage.choices, shorten=True)
    await all_is_there_after_an_hour(stage)


@pytest.mark.parametrize("sis_does", ["keep", "scale"])
async def test_other_total_points_put_every_score_in_doubt(stage: Stage, sis_does: str) -> None:
    stage.world.powerschool.switches.update_scores_does = "scale" if sis_does == "scale" else "keep"
    item = stage.items[0]
    stage.edit(item, max_points=item.max_points * 2)
    stage.forget_calls()
    await all_is_there_after_an_hour(stage)
    effects = stage.world.powerschool.log.effects()
    assert effects.get("unchanged", 0) == 0
    assert bool(effects) == (sis_does == "scale")


async def test_other_total_points_where_scores_cannot_be_read(stage: Stage) -> None:
    stage.world.powerschool.switches.update_scores_does = "scale"
    scores_are_unreadable(stage)
    item = stage.items[0]
    stage.edit(item, max_points=item.max_points * 2)
    await all_is_there_after_an_hour(stage)


async def test_every_seventh_day_everything_is_read(stage: Stage) -> None:
    async with stage.engine.database.district(stage.district.id) as db:
        link = await links.get(db, stage.section)
        assert link is not None
        assert link.last_full_read is not None
        await links.save(db, replace(link, last_full_read=link.last_full_read - timedelta(days=7)))
    assert await synced(stage) == 12
    an_hour_passes(stage)
    assert await synced(stage) == 0


async def test_mode_full_reads_everything(stage: Stage) -> None:
    assert await synced(stage, mode="full") == 12


async def test_restored_after_deletion_it_is_read_from_the_beginning(stage: Stage) -> None:
    item = stage.items[0]
    stage.world.schoology.delete_assignment(stage.room.section.id, item.id)
    stage.grade(item, stage.students[0], 4)
    await synced(stage)
    an_hour_passes(stage)
    stage.world.schoology.restore_assignment(stage.room.section.id, item.id)
    await all_is_there_after_an_hour(stage)


async def test_switched_on_again_it_is_read_from_where_it_stopped(stage: Stage) -> None:
    item = stage.items[0]
    await stage.opt_out(item)
    stage.grade(item, stage.students[0], 4)
    await synced(stage)
    an_hour_passes(stage)
    await stage.opt_out(item, opted_out=False)
    await all_is_there_after_an_hour(stage)


async def test_recreated_it_is_read_from_the_beginning(stage: Stage) -> None:
    stage.delete_in_sis(stage.items[0])
    await all_is_there_after_an_hour(stage)


@pytest.mark.parametrize("minutes", [-7, 7])
async def test_clocks_that_differ_by_minutes_lose_nothing(stage: Stage, minutes: int) -> None:
    stage.world.schoology.switches.clock_skew += minutes * 60
    stage.grade(stage.items[0], stage.students[0], 2)
    await synced(stage)
    stage.grade(stage.items[1], stage.students[1], 2)
    await synced(stage)
    assert stage.differences() == []


async def test_many_assignments_that_are_behind_are_read_in_one_answer(stage: Stage) -> None:
    for number in range(5):
        stage.grade(stage.add(f"New {number}"), stage.students[0], number)
    stage.forget_calls()
    await synced(stage)
    kinds = stage.world.schoology.log.counts()
    assert kinds["grades"] == 1
    assert stage.differences() == []


async def test_lost_ledger_rows_are_adopted_again_without_a_write(stage: Stage) -> None:
    await lose_ledger(stage, stage.items[0])
    stage.forget_calls()
    await all_is_there_after_an_hour(stage)
    assert stage.writes == []
