"""Where a section goes: school codes, SIS sections that others have, teachers that change."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.powerschool.rows import User
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Two classes of two assignments and three students, nothing synced yet."""
    async with environment.open_district(world.build(7, 2, 3, 2, ideal=True)) as harness:
        yield harness


def successor(harness: DistrictHarness) -> User:
    """Another teacher takes the section over in the SIS, with categories of the same titles."""
    sis, room = harness.world.powerschool, harness.room
    new = sis.add_teacher(sis.schools[min(sis.schools)])
    for category in [c for c in sis.categories.values() if c.usersdcid == room.sis_teacher.dcid]:
        sis.add_category(new, category.name, active=category.isactive)
    sis.assign_teacher(new, room.sis)
    sis.unassign_teacher(room.sis_teacher, room.sis)
    room.sis_teacher = new
    return new


async def acting(harness: DistrictHarness) -> object:
    """The USERS.DCID in whose name the section is written."""
    section = (await harness.link()).sis
    return section and section.ref.value["users_dcid"]


async def test_a_school_code_that_does_not_fit_the_districts_pattern_is_not_guessed(
    harness: DistrictHarness,
) -> None:
    harness.room.section.school_code = "ALG1-PERIOD-2"
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "section-unmatched")
    assert harness.writes == []


async def test_a_sis_section_that_another_section_has_is_not_shared(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    harness.forget_calls()
    other = harness.world.classrooms[1]
    other.section.school_code = harness.room.section.school_code
    sync = await harness.sync(other)
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "sis-section-taken", "none")
    assert harness.writes == []
    await assert_synced_well(harness)


async def test_a_section_that_moves_to_one_that_is_taken_stays_as_it_was(harness: DistrictHarness) -> None:
    other = harness.world.classrooms[1]
    await assert_synced_well(harness)
    assert (await harness.sync(other)).status == "complete"
    own, harness.room.section.school_code = harness.room.section.school_code, other.section.school_code
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "sis-section-taken")
    harness.room.section.school_code = own
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


async def test_a_preview_after_a_change_of_teacher_tells_what_would_be_and_keeps_nothing(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    before = await acting(harness)
    harness.grade(harness.items[0], harness.students[0], 5)
    new = successor(harness)
    harness.forget_calls()
    preview = await harness.sync(dry_run=True)
    assert (preview.status, preview.error_code) == ("complete", None)
    assert (harness.writes, await acting(harness)) == ([], before)
    sync = await harness.sync()
    assert await harness.outcomes_by_cell(sync) == await harness.outcomes_by_cell(preview)
    assert (sync.status, harness.differences(), await acting(harness)) == ("complete", [], str(new.dcid))


async def test_assignments_follow_a_change_of_teacher_into_the_new_ones_categories(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    item, uid = harness.items[0], harness.students[0]
    new = successor(harness)
    harness.grade(item, uid, 5)
    sync = await harness.sync()
    assert await harness.warnings(sync) == {}
    told = await harness.outcomes_by_cell(sync)
    assert [told[one.id, None][0] for one in harness.items] == ["updated"] * 2
    assert told[item.id, uid] == ("written", None)
    categories = harness.world.powerschool.categories
    held = [categories[harness.part(one).categories[0].teachercategoryid] for one in harness.items]
    assert {category.usersdcid for category in held} == {new.dcid}
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


async def test_another_teacher_takes_over_and_categories_are_paired_by_their_titles(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    successor(harness)
    harness.grade(harness.items[0], harness.students[0], 5)
    harness.add("After the change")
    await assert_synced_well(harness)


async def test_a_category_that_the_new_teacher_does_not_have_is_unmapped_from_then_on(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    new = successor(harness)
    for category in harness.world.powerschool.categories.values():
        if category.usersdcid == new.dcid:
            category.name = f"Own {category.name}"
    for title in ("After the change", "A day later"):
        item = harness.add(title)
        told = await harness.outcomes_by_cell(await harness.sync())
        assert told[item.id, None] == ("skipped", "category-unmapped")


async def test_a_change_of_teacher_keeps_switches_of_assignments_that_never_went(
    harness: DistrictHarness,
) -> None:
    item, other = harness.items
    await harness.opt_out(item)
    await harness.sync()
    successor(harness)
    harness.grade(other, harness.students[0], 5)
    sync = await harness.sync()
    assert (sync.status, await find_false_claims(harness, sync)) == ("complete", [])
    assert (await harness.outcomes_by_cell(sync))[item.id, None] == ("skipped", "opted-out")
    assert (await harness.ledger())[str(item.id)].opted_out
    await harness.opt_out(item, opted_out=False)
    await assert_synced_well(harness)
