"""The rules by their numbers, each through a whole sync between both systems."""

from collections.abc import AsyncIterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from gradesync_sandbox.schoology.model import ARCHIVED, Mark
from oracle import demands
from stage import Stage, Theatre, untrue

LATE, UNHEARD_OF = 4, 7


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Three assignments, four students, and points in every cell."""
    async with theatre.stage(world.build(7, 1, 4, 3, ideal=True)) as stage:
        yield stage


async def synced(stage: Stage, **wanted: Any) -> dict[tuple[int, int | None], tuple[str, str | None]]:
    """One sync that tells the truth, and what it told."""
    sync = await stage.sync(**wanted)
    assert await untrue(stage, sync) == []
    assert sync.error_code is None
    return await stage.told(sync)


async def test_all_rules_at_once_in_a_troubled_district(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 3, 24, 36)) as stage:
        for room in stage.world.classrooms:
            sync = await stage.sync(room)
            assert await untrue(stage, sync) == []
            assert stage.differences(room) == []
            told = await stage.told(sync)
            wanted = demands(stage.world, room)
            for item, reason in wanted.left_out.items():
                assert told[item, None][1] == reason
            assert {
                item for (item, uid), (result, _) in told.items() if uid is None and result == "created"
            } == (wanted.columns.keys())


async def test_R1_name_points_due_date_category_and_scores_arrive(stage: Stage) -> None:
    told = await synced(stage)
    assert stage.differences() == []
    assert [told[item.id, None] for item in stage.items] == [("created", None)] * 3
    assert all(told[item.id, uid] == ("written", None) for item in stage.items for uid in stage.students)


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


async def test_R8_a_factor_is_a_warning_and_a_comment_is_no_change(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    stage.edit(item, factor=Decimal(2))
    assert (await stage.warnings(await stage.sync()))[item.id, None] == ["factor-not-sent"]
    stage.world.schoology.comment(stage.room.section.id, item.id, uid, "well done")
    stage.forget_calls()
    await synced(stage)
    assert stage.writes == []


async def test_R9_without_a_category_an_assignment_is_ungraded(stage: Stage) -> None:
    item = stage.add("No category", category=0)
    stage.grade(item, stage.students[0], 5)
    told = await synced(stage)
    assert told[item.id, None] == ("skipped", "ungraded")
    assert told[item.id, stage.students[0]] == ("skipped", "assignment-skipped")
    assert stage.differences() == []


async def test_R10_only_mapped_categories_sync(stage: Stage) -> None:
    category = stage.world.schoology.add_category(stage.room.section.id, "Nowhere else")
    item = stage.add("Unmapped", category=category.id)
    assert (await synced(stage))[item.id, None] == ("skipped", "category-unmapped")
    assert "Unmapped" not in stage.table()


async def test_R11_a_pair_is_kept_by_id_through_renaming_on_both_sides(stage: Stage) -> None:
    await synced(stage)
    item = stage.add("After the renaming")
    stage.world.schoology.rename_category(stage.room.section.id, item.category, "Hausaufgaben")
    for category in stage.world.powerschool.categories.values():
        category.name = f"Renamed {category.name}"
    assert (await synced(stage))[item.id, None] == ("created", None)


async def test_R12_a_long_name_is_skipped_or_shortened_with_a_warning(stage: Stage) -> None:
    item = stage.add("N" * 51)
    assert (await synced(stage))[item.id, None] == ("skipped", "title-too-long")
    await stage.choose(shorten_titles=True)
    sync = await stage.sync()
    assert (await stage.told(sync))[item.id, None] == ("created", None)
    assert (await stage.warnings(sync))[item.id, None] == ["title-shortened"]
    assert "N" * 50 in stage.table()


async def test_R13_a_due_date_is_local_and_a_missing_one_is_filled(stage: Stage) -> None:
    school, room = stage.world.schoology, stage.room
    period = min(room.section.periods, key=lambda p: p.last)
    lasts = stage.add("Last second", due=datetime.combine(date(2026, 11, 1), time(23, 59, 59)))
    by_period = stage.add("No due date", due=None, period=period.id)
    by_term = stage.add("Nor a period", due=None, period=0)
    sync = await stage.sync()
    warnings = await stage.warnings(sync)
    assert stage.part(lasts).duedate == date(2026, 11, 1)
    assert stage.part(by_period).duedate == min(period.last, room.term.lastday)
    assert stage.part(by_term).duedate == room.term.lastday
    assert warnings[by_period.id, None] == warnings[by_term.id, None] == ["due-date-filled"]
    assert (lasts.id, None) not in warnings
    assert school.sections[room.section.id].items[by_term.id].due is None


@pytest.mark.parametrize("side", ["before", "after"])
async def test_R14_a_due_date_outside_the_term_fails_before_anything_is_sent(stage: Stage, side: str) -> None:
    term = stage.room.term
    out = {"before": datetime(2026, 8, 16, 23, 59, 59), "after": datetime(2027, 6, 12)}[side]  # noqa: DTZ001
    assert not term.firstday <= out.date() <= term.lastday
    item = stage.add("Out of term", due=out)
    first = stage.add("First day", due=datetime.combine(term.firstday, time(0)))
    last = stage.add("Last day", due=datetime.combine(term.lastday, time(23, 59, 59)))
    told = await synced(stage)
    assert told[item.id, None] == ("failed", "due-date-outside-term")
    assert told[first.id, None] == told[last.id, None] == ("created", None)
    assert [call.status for call in stage.world.powerschool.log.of("assignment.create")] == [201] * 5


async def test_R15_unpublished_assignments_sync(stage: Stage) -> None:
    stage.edit(stage.items[0], published=False)
    await synced(stage)
    assert stage.differences() == []


async def test_R16_only_sections_of_the_sis_sync(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 1, 4, 3)) as stage:
        manual = stage.world.manual
        assert manual is not None
        room = stage.room
        room.section, room.teacher = manual, stage.room.teacher
        sync = await stage.sync(room)
        assert (sync.status, sync.error_code) == ("failed", "section-not-from-sis")
        assert stage.writes == []


async def test_R17_an_assignment_switched_off_stays_as_it_is_in_the_sis(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.held(item, uid)
    await stage.opt_out(item)
    stage.grade(item, uid, "1.5")
    told = await synced(stage)
    assert told[item.id, None] == ("skipped", "opted-out")
    assert stage.held(item, uid) == before
    await stage.opt_out(item, opted_out=False)
    await synced(stage)
    assert stage.held(item, uid) == "1.5"


async def test_R18_a_second_sync_writes_nothing_and_a_third_only_changes(stage: Stage) -> None:
    await synced(stage)
    stage.forget_calls()
    sync = await stage.sync()
    assert (sync.status, stage.writes) == ("complete", [])
    item, uid = stage.items[1], stage.students[2]
    stage.grade(item, uid, "0.1")
    await synced(stage)
    assert [(row.value, row.effect) for row in stage.world.powerschool.log.score_rows()] == [
        ("0.1", "written")
    ]


async def test_R19_deleting_deletes_nothing_and_restoring_goes_on(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.table()
    stage.world.schoology.delete_assignment(stage.room.section.id, item.id)
    await synced(stage)
    assert stage.table() == before
    stage.grade(item, uid, 4)
    stage.world.schoology.restore_assignment(stage.room.section.id, item.id)
    stage.forget_calls()
    await synced(stage)
    assert stage.created == 0
    assert stage.differences() == []


async def test_R20_deleted_in_the_sis_is_created_again_with_all_scores(stage: Stage) -> None:
    item = stage.items[0]
    await synced(stage)
    stage.delete_in_sis(item)
    told = await synced(stage)
    assert told[item.id, None] == ("recreated", None)
    assert [told[item.id, uid] for uid in stage.students] == [("written", None)] * 4
    assert stage.differences() == []


async def test_R20_missing_from_the_list_alone_proves_nothing(stage: Stage) -> None:
    await synced(stage)
    gradebook = stage.world.powerschool.gradebook
    for assignment in gradebook.of_section(stage.room.sis):
        gradebook.hide_from_lists(assignment)
    stage.grade(stage.items[0], stage.students[0], 6)
    stage.forget_calls()
    await synced(stage)
    assert stage.writes == ["score.write"]
    assert stage.differences() == []


@pytest.mark.parametrize("status", [404, 500])
async def test_R20_both_ways_of_saying_deleted_are_understood(stage: Stage, status: int) -> None:
    stage.world.powerschool.switches.gone_status = 404 if status == 404 else 500
    await synced(stage)
    stage.delete_in_sis(stage.items[2])
    assert (await synced(stage))[stage.items[2].id, None] == ("recreated", None)


async def test_R21_nothing_flows_to_schoology(stage: Stage) -> None:
    await synced(stage)
    stage.type_in_sis(stage.items[0], stage.students[0], 2)
    await synced(stage, mode="full")
    asked = {(call.method, call.kind) for call in stage.world.schoology.log.calls}
    assert {kind for method, kind in asked if method != "GET"} <= {"multiget"}


async def test_R21_a_full_sync_puts_right_what_was_edited_in_the_sis_and_says_so(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.held(item, uid)
    stage.type_in_sis(item, uid, 2)
    await synced(stage)
    assert stage.held(item, uid) == "2"
    sync = await stage.sync(mode="full")
    assert stage.held(item, uid) == before
    assert (await stage.warnings(sync))[item.id, uid] == ["edited-in-sis"]


async def test_R22_only_a_course_admin_of_the_section_syncs(stage: Stage) -> None:
    stranger = await stage.settled(await stage.request(asker=str(stage.world.admin.uid)))
    assert (stranger.status, stranger.error_code) == ("failed", "not-course-admin")
    student = await stage.settled(await stage.request(asker=str(stage.students[0])))
    assert (student.status, student.error_code) == ("failed", "not-course-admin")
    assert stage.writes == []


async def test_R25_discussions_tests_and_quizzes_sync(stage: Stage) -> None:
    for kind in ("discussion", "assessment"):
        item = stage.add(f"A {kind}", type=kind)
        stage.grade(item, stage.students[0], 8)
    await synced(stage)
    assert stage.differences() == []


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
        sis.plugin.v1_access = "NONE"
        sis.plugin.deny("cc", "studentid")
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


@pytest.mark.parametrize("points", [0, 10_000])
async def test_R28_total_points_outside_the_sis_range_fail(stage: Stage, points: int) -> None:
    item = stage.add("Odd points", points)
    assert (await synced(stage))[item.id, None] == ("failed", "points-not-accepted")
    assert "Odd points" not in stage.table()


async def test_R30_what_the_sis_says_of_a_refused_assignment_stays_with_its_outcome(stage: Stage) -> None:
    item = stage.add("Refused")
    stage.fault("powerschool", "assignment.create", Status(409, '{"message":"weight of Ada is refused"}'))
    sync = await stage.sync()
    (row,) = [row for row in await stage.outcomes(sync) if row.detail]
    said = "PowerSchool answered 409 and named weight"
    assert (row.result, row.reason, row.detail) == ("failed", "points-not-accepted", said)
    assert int(row.assignment_id) in {one.id for one in stage.items}
    assert item.title not in said


async def test_R29_of_two_alike_the_first_goes_and_the_second_fails(stage: Stage) -> None:
    first, second = stage.add("Twins"), stage.add("Twins")
    told = await synced(stage)
    assert told[first.id, None] == ("created", None)
    assert told[second.id, None] == ("failed", "duplicate-name")


async def test_R29_the_one_that_stands_in_the_sis_keeps_the_name(stage: Stage) -> None:
    late = stage.add("Holder")
    await synced(stage)
    early = stage.items[0]
    stage.edit(early, title="Holder", due=late.due)
    told = await synced(stage)
    assert told[early.id, None] == ("failed", "duplicate-name")
    assert (late.id, None) not in told


async def test_R29_a_clash_with_an_assignment_of_a_teacher_in_the_sis_fails(stage: Stage) -> None:
    item = stage.add("Made by hand")
    assert item.due is not None
    category = next(iter(stage.world.powerschool.categories.values()))
    stage.world.powerschool.gradebook.add_assignment(
        stage.room.sis, "Made by hand", category, due=item.due.date()
    )
    assert (await synced(stage))[item.id, None] == ("failed", "duplicate-name")
    await stage.choose(take_over=True)
    assert (await synced(stage))[item.id, None] == ("adopted", None)
    assert stage.differences() == []


async def test_R30_a_locked_term_is_said_in_those_words(stage: Stage) -> None:
    await synced(stage)
    stage.world.powerschool.lock_term(stage.room.term)
    item, uid = stage.items[0], stage.students[0]
    stage.grade(item, uid, 5)
    new = stage.add("In a locked term")
    told = await synced(stage)
    assert told[new.id, None] == ("failed", "term-locked")
    assert told[item.id, uid] == ("failed", "term-locked")
    stage.world.powerschool.lock_term(stage.room.term, locked=False)
    await synced(stage)
    assert stage.differences() == []


async def test_R30_a_teacher_who_does_not_teach_there_is_said_in_those_words(stage: Stage) -> None:
    await synced(stage)
    stage.world.powerschool.unassign_teacher(stage.room.sis_teacher, stage.room.sis)
    stage.grade(stage.items[0], stage.students[0], 5)
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "teacher-not-in-sis-section")


async def test_R30_a_refused_field_is_named(stage: Stage) -> None:
    stage.world.powerschool.plugin.granted["assignmentscore", "*"] = "ViewOnly"
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "sis-permission-missing")
    assert "ASSIGNMENTSCORE" in sync.error_detail
    assert await untrue(stage, sync) == []


async def test_R31_what_does_not_count_goes_with_counts_off(stage: Stage) -> None:
    item = stage.add("Practice", count_in_grade=False)
    await synced(stage)
    assert stage.part(item).iscountedinfinalgrade is False
    assert stage.differences() == []


async def test_R32_collected_only_is_not_sent(stage: Stage) -> None:
    item = stage.add("Slip", collected_only=True)
    assert (await synced(stage))[item.id, None] == ("skipped", "collected-only")


async def test_R33_midterms_and_finals_sync(stage: Stage) -> None:
    item = stage.add("Midterm", 150, is_final=True)
    stage.grade(item, stage.students[0], 120)
    await synced(stage)
    assert stage.differences() == []


@pytest.mark.parametrize("side", ["schoology", "sis"])
async def test_R34_equal_titles_are_not_paired_by_guess(stage: Stage, side: str) -> None:
    item = stage.items[0]
    title = stage.room.section.categories[item.category].title
    if side == "schoology":
        stage.world.schoology.add_category(stage.room.section.id, f" {title.upper()} ")
    else:
        stage.world.powerschool.add_category(stage.room.sis_teacher, title.upper())
    assert (await synced(stage))[item.id, None] == ("skipped", "category-ambiguous")


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
