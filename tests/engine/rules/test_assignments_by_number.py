"""Test the rules about assignments by their numbers, each through a whole sync between both systems."""

import re
from datetime import date, datetime, time
from decimal import Decimal

import pytest

from gradesync_sandbox.faults import Change, Status
from harness.assertions import sync_checked
from harness.district import DistrictHarness


async def test_R1_name_points_due_date_category_and_scores_arrive(harness: DistrictHarness) -> None:
    outcomes = await sync_checked(harness)
    assert harness.differences() == []
    assert [outcomes[item.id, None] for item in harness.items] == [("created", None)] * 3
    assert all(
        outcomes[item.id, uid] == ("written", None) for item in harness.items for uid in harness.students
    )


async def test_R8_a_factor_is_a_warning_and_a_comment_is_no_change(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    harness.edit(item, factor=Decimal(2))
    assert (await harness.warnings(await harness.sync()))[item.id, None] == ["factor-not-sent"]
    harness.world.schoology.comment(harness.room.section.id, item.id, uid, "well done")
    harness.forget_calls()
    await sync_checked(harness)
    assert harness.writes == []


async def test_R9_without_a_category_an_assignment_is_ungraded(harness: DistrictHarness) -> None:
    item = harness.add("No category", category=0)
    harness.grade(item, harness.students[0], 5)
    outcomes = await sync_checked(harness)
    assert outcomes[item.id, None] == ("skipped", "ungraded")
    assert outcomes[item.id, harness.students[0]] == ("skipped", "assignment-skipped")
    assert harness.differences() == []


async def test_R10_only_mapped_categories_sync(harness: DistrictHarness) -> None:
    category = harness.world.schoology.add_category(harness.room.section.id, "Nowhere else")
    item = harness.add("Unmapped", category=category.id)
    assert (await sync_checked(harness))[item.id, None] == ("skipped", "category-unmapped")
    assert "Unmapped" not in harness.table()


async def test_R11_a_pair_is_kept_by_id_through_renaming_on_both_sides(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    item = harness.add("After the renaming")
    harness.world.schoology.rename_category(harness.room.section.id, item.category, "Hausaufgaben")
    for category in harness.world.powerschool.categories.values():
        category.name = f"Renamed {category.name}"
    assert (await sync_checked(harness))[item.id, None] == ("created", None)


async def test_R12_a_long_name_is_skipped_or_shortened_with_a_warning(harness: DistrictHarness) -> None:
    item = harness.add("N" * 51)
    assert (await sync_checked(harness))[item.id, None] == ("skipped", "title-too-long")
    await harness.change_policy(shorten_titles=True)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, None] == ("created", None)
    assert (await harness.warnings(sync))[item.id, None] == ["title-shortened"]
    assert "N" * 50 in harness.table()


def _garble_end(body: bytes) -> bytes:
    return re.sub(rb'"end":\s*"[^"]*"', b'"end":"2026-10-16T00:00:00Z"', body)


@pytest.mark.parametrize("shown", ["nothing", "another", "garbled"])
async def test_R13_a_period_that_is_not_shown_moves_no_due_date(harness: DistrictHarness, shown: str) -> None:
    section = harness.room.section
    periods, period = section.periods, min(section.periods, key=lambda p: p.last)
    item, uid = harness.add("No due date", due=None, period=period.id), harness.students[0]
    harness.grade(item, uid, 3)
    await sync_checked(harness)
    assert harness.part(item).duedate == period.last
    harness.grade(item, uid, 4)
    harness.forget_calls()
    if shown == "garbled":
        harness.fault("schoology", "grading_periods", Change(_garble_end), times=None)
    else:
        section.periods = [] if shown == "nothing" else [each for each in periods if each is not period]
    preview = await harness.outcomes_by_cell(await harness.sync(dry_run=True))
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert (outcomes, sync.result) == (preview, "needs-attention")
    assert outcomes[item.id, None] == ("failed", "row-unreadable")
    assert outcomes[item.id, uid] == ("failed", "assignment-failed")
    assert (harness.part(item).duedate, harness.sis_text(item, uid)) == (period.last, "3")
    harness.faults.clear()
    section.periods = periods
    await sync_checked(harness)
    assert (harness.part(item).duedate, harness.sis_text(item, uid)) == (period.last, "4")


async def test_R13_a_deleted_period_is_mended_by_a_due_date(harness: DistrictHarness) -> None:
    section = harness.room.section
    period = min(section.periods, key=lambda p: p.last)
    item = harness.add("No due date", due=None, period=period.id)
    await sync_checked(harness)
    section.periods = [each for each in section.periods if each is not period]
    assert (await harness.sync(mode="full")).result == "needs-attention"
    harness.edit(item, period=0)
    await sync_checked(harness)
    assert harness.part(item).duedate == harness.room.term.lastday


async def test_R13_a_due_date_is_local_and_a_missing_one_is_filled(harness: DistrictHarness) -> None:
    school, room = harness.world.schoology, harness.room
    period = min(room.section.periods, key=lambda p: p.last)
    lasts = harness.add("Last second", due=datetime.combine(date(2026, 11, 1), time(23, 59, 59)))
    by_period = harness.add("No due date", due=None, period=period.id)
    by_term = harness.add("Nor a period", due=None, period=0)
    sync = await harness.sync()
    warnings = await harness.warnings(sync)
    assert harness.part(lasts).duedate == date(2026, 11, 1)
    assert harness.part(by_period).duedate == min(period.last, room.term.lastday)
    assert harness.part(by_term).duedate == room.term.lastday
    assert warnings[by_period.id, None] == warnings[by_term.id, None] == ["due-date-filled"]
    assert (lasts.id, None) not in warnings
    assert school.sections[room.section.id].items[by_term.id].due is None


@pytest.mark.parametrize("side", ["before", "after"])
async def test_R14_a_due_date_outside_the_term_is_not_sent(harness: DistrictHarness, side: str) -> None:
    term = harness.room.term
    out = {"before": datetime(2026, 8, 16, 23, 59, 59), "after": datetime(2027, 6, 12)}[side]  # noqa: DTZ001
    assert not term.firstday <= out.date() <= term.lastday
    item = harness.add("Out of term", due=out)
    first = harness.add("First day", due=datetime.combine(term.firstday, time(0)))
    last = harness.add("Last day", due=datetime.combine(term.lastday, time(23, 59, 59)))
    outcomes = await sync_checked(harness)
    assert outcomes[item.id, None] == ("failed", "due-date-outside-term")
    assert outcomes[first.id, None] == outcomes[last.id, None] == ("created", None)
    assert [call.status for call in harness.world.powerschool.log.of("assignment.create")] == [201] * 5


async def test_R15_unpublished_assignments_sync(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], published=False)
    await sync_checked(harness)
    assert harness.differences() == []


async def test_R25_discussions_tests_and_quizzes_sync(harness: DistrictHarness) -> None:
    for kind in ("discussion", "assessment"):
        item = harness.add(f"A {kind}", type=kind)
        harness.grade(item, harness.students[0], 8)
    await sync_checked(harness)
    assert harness.differences() == []


@pytest.mark.parametrize("points", [0, 10_000])
async def test_R28_total_points_outside_the_sis_range_fail(harness: DistrictHarness, points: int) -> None:
    item = harness.add("Odd points", points)
    assert (await sync_checked(harness))[item.id, None] == ("failed", "points-not-accepted")
    assert "Odd points" not in harness.table()


async def test_R30_a_refusal_is_named_in_its_outcome(
    harness: DistrictHarness,
) -> None:
    item = harness.add("Refused")
    harness.fault("powerschool", "assignment.create", Status(409, '{"message":"weight of Ada is refused"}'))
    sync = await harness.sync()
    (row,) = [row for row in await harness.outcomes(sync) if row.detail]
    detail = "PowerSchool answered 409 and named weight"
    assert (row.result, row.reason, row.detail) == ("failed", "points-not-accepted", detail)
    assert int(row.assignment_id) in {one.id for one in harness.items}
    assert item.title not in detail


async def test_R29_of_two_alike_the_first_goes_and_the_second_fails(harness: DistrictHarness) -> None:
    first, second = harness.add("Twins"), harness.add("Twins")
    outcomes = await sync_checked(harness)
    assert outcomes[first.id, None] == ("created", None)
    assert outcomes[second.id, None] == ("failed", "duplicate-name")


async def test_R29_the_one_that_stands_in_the_sis_keeps_the_name(harness: DistrictHarness) -> None:
    late = harness.add("Holder")
    await sync_checked(harness)
    early = harness.items[0]
    harness.edit(early, title="Holder", due=late.due)
    outcomes = await sync_checked(harness)
    assert outcomes[early.id, None] == ("failed", "duplicate-name")
    assert (late.id, None) not in outcomes


async def test_R29_a_clash_with_a_teachers_sis_assignment_fails(harness: DistrictHarness) -> None:
    item = harness.add("Made by hand")
    harness.make_in_sis(item)
    assert (await sync_checked(harness))[item.id, None] == ("failed", "duplicate-name")
    await harness.change_policy(take_over=True)
    assert (await sync_checked(harness))[item.id, None] == ("adopted", None)
    assert harness.differences() == []


async def test_R31_what_does_not_count_goes_with_counts_off(harness: DistrictHarness) -> None:
    item = harness.add("Practice", count_in_grade=False)
    await sync_checked(harness)
    assert harness.part(item).iscountedinfinalgrade is False
    assert harness.differences() == []


async def test_R32_collected_only_is_not_sent(harness: DistrictHarness) -> None:
    item = harness.add("Slip", collected_only=True)
    assert (await sync_checked(harness))[item.id, None] == ("skipped", "collected-only")


async def test_R33_midterms_and_finals_sync(harness: DistrictHarness) -> None:
    item = harness.add("Midterm", 150, is_final=True)
    harness.grade(item, harness.students[0], 120)
    await sync_checked(harness)
    assert harness.differences() == []


@pytest.mark.parametrize("side", ["schoology", "sis"])
async def test_R34_equal_titles_are_not_paired_by_guess(harness: DistrictHarness, side: str) -> None:
    item = harness.items[0]
    title = harness.room.section.categories[item.category].title
    if side == "schoology":
        harness.world.schoology.add_category(harness.room.section.id, f" {title.upper()} ")
    else:
        harness.world.powerschool.add_category(harness.room.sis_teacher, title.upper())
    assert (await sync_checked(harness))[item.id, None] == ("skipped", "category-ambiguous")


@pytest.mark.parametrize("score_type", ["PERCENT", "GRADESCALE", "COLLECTED"])
async def test_R46_a_column_without_points_takes_none(harness: DistrictHarness, score_type: str) -> None:
    await sync_checked(harness)
    item, uid = harness.items[0], harness.students[0]
    before = harness.sis_text(item, uid)
    harness.part(item).scoretype = score_type
    harness.grade(item, uid, 3)
    for mode in ("changes", "full"):
        outcomes = await sync_checked(harness, mode=mode)
        assert outcomes[item.id, None] == ("failed", "sis-score-type")
        assert outcomes[item.id, uid] == ("failed", "assignment-failed")
        assert harness.sis_text(item, uid) == before
    harness.part(item).scoretype = "POINTS"
    harness.type_in_sis(item, harness.students[1], 1)
    await sync_checked(harness)
    assert harness.differences() == []


async def test_R46_a_percent_column_is_not_taken_over(harness: DistrictHarness) -> None:
    await harness.change_policy(take_over=True)
    item = harness.items[0]
    part = harness.make_in_sis(item)
    part.scoretype = "PERCENT"
    for mode in ("changes", "full"):
        assert (await sync_checked(harness, mode=mode))[item.id, None] == ("failed", "sis-score-type")
        assert harness.world.powerschool.gradebook.scores[part.assignmentsectionid] == {}
