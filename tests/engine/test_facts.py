"""Believe what an earlier sync learned of PowerSchool to go on, and never to refuse (R37, R43, R44)."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from gradesync.core.district import District, Match, SchoologyAccess, SisAccess
from gradesync.core.sis import Policy
from gradesync.sync.link import hash_rules
from gradesync_sandbox.powerschool.rows import User
from harness.assertions import assert_synced_well, sync_checked
from harness.district import DistrictHarness
from harness.gradebooks import PAIRING, SECTION

DAYS_AGO = """
    UPDATE section_link SET sis = sis
        || jsonb_build_object('read_at', now() - interval '2 days', 'term_read_at', now() - interval '2 days')
"""


def call_kinds(harness: DistrictHarness) -> list[str]:
    """Return the kinds of the calls that PowerSchool answered since its log was emptied."""
    return [call.kind for call in harness.world.powerschool.log.calls if call.kind != "token"]


def add_lead(harness: DistrictHarness, *, set_column: bool = True) -> User:
    """Make somebody with a higher staff id the lead from today, with categories of the same titles."""
    sis, room = harness.world.powerschool, harness.room
    new = sis.add_teacher(sis.schools[min(sis.schools)])
    sis.copy_categories(room.sis_teacher, new)
    sis.replace_lead(room.sis, new, set_column=set_column)
    return new


async def acting_teacher(harness: DistrictHarness) -> object:
    section = (await harness.link()).sis
    return section and section.ref.value["users_dcid"]


async def test_R43_new_lead_acts_from_the_first_day(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    new = add_lead(harness)
    harness.world.powerschool.switches.teacher_dates = "checked"
    harness.grade(harness.items[0], harness.students[0], 5)
    await assert_synced_well(harness)
    assert await acting_teacher(harness) == str(new.dcid)


async def test_R43_departed_lead_does_not_act(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    new = add_lead(harness, set_column=False)
    await harness.change_rows(DAYS_AGO)
    harness.add("Quiz 9")
    await assert_synced_well(harness)
    assert await acting_teacher(harness) == str(new.dcid)


async def test_R43_nobody_acts_after_the_last_day(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    sis.end_teaching(room.sis_teacher, room.sis, sis.today() - timedelta(days=1))
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "teacher-not-in-sis-section")


async def test_R43_co_teacher_leaves_the_lead_acting(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    sis.assign_teacher(sis.add_teacher(sis.schools[min(sis.schools)]), room.sis)
    await assert_synced_well(harness)
    assert await acting_teacher(harness) == str(room.sis_teacher.dcid)


async def test_R43_lead_acts_up_to_the_last_day(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis, room = harness.world.powerschool, harness.room
    sis.switches.teacher_dates = "checked"
    new = sis.add_teacher(sis.schools[min(sis.schools)])
    sis.replace_lead(room.sis, new, sis.today() + timedelta(days=1))
    harness.grade(harness.items[0], harness.students[0], 4)
    assert await sync_checked(harness, mode="full") != {}
    assert (await acting_teacher(harness), harness.differences()) == (str(room.sis_teacher.dcid), [])


async def test_R37_extended_term_takes_a_later_due_date(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    term, late = harness.room.term, harness.add("Late work")
    after = term.lastday + timedelta(days=4)
    assert late.due is not None
    harness.edit(late, due=late.due.replace(year=after.year, month=after.month, day=after.day))
    refused = await sync_checked(harness)
    assert refused[late.id, None] == ("failed", "due-date-outside-term")
    harness.world.powerschool.move_term(term, last=term.lastday + timedelta(days=5))
    assert (await sync_checked(harness))[late.id, None] == ("created", None)


async def test_R37_unchanged_sync_asks_once_more_once_a_day(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    await harness.change_rows(DAYS_AGO)
    harness.forget_calls()
    await assert_synced_well(harness)
    assert sorted(call_kinds(harness)) == ["assignment.list", "schema.sectionteacher"]
    harness.forget_calls()
    await assert_synced_well(harness)
    assert call_kinds(harness) == ["assignment.list"]


async def test_R37_several_teachers_are_one_more_call(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis, room = harness.world.powerschool, harness.room
    second = sis.add_teacher(sis.schools[min(sis.schools)])
    sis.assign_teacher(second, room.sis)
    await harness.change_rows(DAYS_AGO)
    harness.forget_calls()
    await assert_synced_well(harness)
    assert sorted(call_kinds(harness)) == ["assignment.list", "schema.sections", "schema.sectionteacher"]
    sis.copy_categories(room.sis_teacher, second)
    sis.set_section_teacher(room.sis, second)  # the roles stay as they are
    await harness.change_rows(DAYS_AGO)
    await assert_synced_well(harness)
    assert await acting_teacher(harness) == str(second.dcid)


async def test_R37_section_in_another_term_takes_its_due_dates(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis, room = harness.world.powerschool, harness.room
    school = sis.schools[min(sis.schools)]
    longer = sis.add_term(school, "Year", room.term.firstday, room.term.lastday + timedelta(days=90))
    item = harness.add("Of the next term")
    assert item.due is not None
    day = room.term.lastday + timedelta(days=30)
    harness.edit(item, due=item.due.replace(year=day.year, month=day.month, day=day.day))
    sis.move_section(room.sis, longer)
    assert (await sync_checked(harness))[item.id, None] == ("created", None)


async def test_R37_scores_follow_the_section_into_another_term(harness: DistrictHarness) -> None:
    """Let PowerSchool refuse the scores for the term that they are sent with: the section left it."""
    await assert_synced_well(harness)
    sis, room = harness.world.powerschool, harness.room
    school = sis.schools[min(sis.schools)]
    sis.move_section(room.sis, sis.add_term(school, "Year", room.term.firstday, room.term.lastday))
    harness.grade(harness.items[0], harness.students[0], 3)
    await assert_synced_well(harness)
    harness.forget_calls()
    harness.grade(harness.items[0], harness.students[0], 4)
    await assert_synced_well(harness)
    assert call_kinds(harness).count("score.write") == 1


async def test_R37_corrected_section_pattern_leads_elsewhere(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    await assert_synced_well(harness)
    other = sis.split_section(room.sis, list(room.students.values()))
    code = room.section.school_code
    room.section.school_code = f"{code}-{other.dcid}"
    await harness.replace_district(replace(harness.district, match=Match(section=r"-(\d+)$")))
    room.sis = other
    await assert_synced_well(harness)
    assert len(harness.table()) == len(harness.items)


async def test_R37_recoded_sis_section_is_found_again(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    await assert_synced_well(harness)
    sis.recode_section(room.sis, room.sis.dcid + 7000)
    room.section.school_code = str(room.sis.dcid)
    await assert_synced_well(harness)


def remake_sis_categories(harness: DistrictHarness) -> None:
    """Delete the acting teacher's categories in the SIS, and make each anew."""
    sis = harness.world.powerschool
    for category in sis.categories_of(harness.room.sis_teacher.dcid):
        sis.remake_category(category, move=False)


async def test_R44_category_made_anew_in_schoology_pairs_again(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    item = harness.items[0]
    harness.world.schoology.remake_category(harness.room.section.id, item.category)
    harness.add("After the remake")
    harness.grade(item, harness.students[0], 3)
    await assert_synced_well(harness)


async def test_R44_category_made_anew_in_the_sis_takes_new_items(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    remake_sis_categories(harness)
    item = harness.add("After the remake")
    assert (await sync_checked(harness))[item.id, None] == ("created", None)


async def test_R44_category_made_anew_in_the_sis_takes_updates(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    item = harness.items[0]
    remake_sis_categories(harness)
    harness.edit(item, title="Renamed after the remake")
    assert (await sync_checked(harness))[item.id, None] == ("updated", None)


async def test_R44_inactive_category_is_named(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis = harness.world.powerschool
    for category in sis.categories_of(harness.room.sis_teacher.dcid):
        sis.set_category_active(category, active=False)
    item = harness.add("Into an inactive category")
    harness.grade(harness.items[0], harness.students[0], 4)
    sync = await harness.sync()
    rows = [row for row in await harness.outcomes(sync) if row.assignment_id == str(item.id)]
    (outcome,) = [row for row in rows if not row.student_id]
    title = harness.room.section.categories[item.category].title
    assert (outcome.result, outcome.reason, outcome.detail) == ("skipped", "category-inactive", title)
    assert harness.sis_text(harness.items[0], harness.students[0]) == "4"


async def test_R44_category_made_anew_on_both_sides_pairs_again(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    section = harness.room.section
    remake_sis_categories(harness)
    for key in list(section.categories):
        harness.world.schoology.remake_category(section.id, key)
    harness.add("After both remakes")
    harness.edit(harness.items[1], title="Renamed after both remakes")
    await assert_synced_well(harness)


async def test_R44_active_category_takes_the_place_of_its_namesake(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis = harness.world.powerschool
    for category in sis.categories_of(harness.room.sis_teacher.dcid):
        sis.set_category_active(category, active=False)
        sis.add_category(harness.room.sis_teacher, category.name)
    harness.add("Into the active one")
    harness.edit(harness.items[1], title="Renamed since")
    await assert_synced_well(harness)


async def test_R44_titles_pair_in_any_unicode_form(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    category = harness.items[0].category
    title = "Évaluations  du trimestre"
    former = room.section.categories[category].title.strip().casefold()
    harness.world.schoology.rename_category(room.section.id, category, unicodedata.normalize("NFC", title))
    (theirs,) = [c for c in sis.categories_of(room.sis_teacher.dcid) if c.name.strip().casefold() == former]
    sis.rename_category(theirs, unicodedata.normalize("NFD", title.replace("  ", " ")))
    await assert_synced_well(harness)


def test_rules_are_the_same_however_numbers_are_written() -> None:
    district = District(
        "one", "One", "UTC", SchoologyAccess("", "", ""), SisAccess("powerschool", "", "", "")
    )
    longer = replace(district, policy=Policy(mean_shift=Decimal("15.0")))
    hashed = hash_rules(longer, SECTION, PAIRING)
    for number in range(2000):  # more districts than a worker remembers
        hash_rules(replace(district, timezone=f"{number}"), SECTION, PAIRING)
    shorter = replace(district, policy=Policy(mean_shift=Decimal("15")))
    assert hash_rules(shorter, SECTION, PAIRING) == hashed
