"""The rules about assignments by their numbers, each through a whole sync between both systems."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from gradesync_sandbox.faults import Status
from harness.assertions import synced
from harness.district import Stage


async def test_R1_name_points_due_date_category_and_scores_arrive(stage: Stage) -> None:
    told = await synced(stage)
    assert stage.differences() == []
    assert [told[item.id, None] for item in stage.items] == [("created", None)] * 3
    assert all(told[item.id, uid] == ("written", None) for item in stage.items for uid in stage.students)


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


async def test_R25_discussions_tests_and_quizzes_sync(stage: Stage) -> None:
    for kind in ("discussion", "assessment"):
        item = stage.add(f"A {kind}", type=kind)
        stage.grade(item, stage.students[0], 8)
    await synced(stage)
    assert stage.differences() == []


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
    stage.make_in_sis(item)
    assert (await synced(stage))[item.id, None] == ("failed", "duplicate-name")
    await stage.choose(take_over=True)
    assert (await synced(stage))[item.id, None] == ("adopted", None)
    assert stage.differences() == []


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
