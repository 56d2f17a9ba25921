"""Link sections by school code, refuse SIS sections that are linked, follow a change of teacher."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gradesync.core.sis import Ref
from gradesync.db import links
from gradesync.errors import RequestRefused
from gradesync.sync.manual_links import Author, Destination, link_section
from gradesync_sandbox import world
from gradesync_sandbox.district import Classroom
from gradesync_sandbox.faults import Body, Hold, Status
from gradesync_sandbox.powerschool.rows import User
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import held_at, wait_until_held

JSON = {"content-type": "application/json"}


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two classes of two assignments and three students, nothing synced yet."""
    async with environment.open_district(world.build(7, 2, 3, 2, ideal=True)) as harness:
        yield harness


def replace_teacher(harness: DistrictHarness) -> User:
    """Assign another teacher to the section in the SIS, with categories of the same titles."""
    sis, room = harness.world.powerschool, harness.room
    new = sis.add_teacher(sis.schools[min(sis.schools)])
    for category in [c for c in sis.categories.values() if c.usersdcid == room.sis_teacher.dcid]:
        sis.add_category(new, category.name, active=category.isactive)
    sis.assign_teacher(new, room.sis)
    sis.unassign_teacher(room.sis_teacher, room.sis)
    room.sis_teacher = new
    return new


async def acting_teacher(harness: DistrictHarness) -> object:
    """Return the USERS.DCID in whose name the section is written."""
    section = (await harness.link()).sis
    return section and section.ref.value["users_dcid"]


async def test_unmatched_school_code_is_not_guessed(
    harness: DistrictHarness,
) -> None:
    harness.room.section.school_code = "ALG1-PERIOD-2"
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "section-unmatched")
    assert harness.writes == []


@pytest.mark.parametrize("zeros", ["", "0", "00"])
async def test_linked_sis_section_is_not_shared(harness: DistrictHarness, zeros: str) -> None:
    await assert_synced_well(harness)
    harness.forget_calls()
    other_room = harness.world.classrooms[1]
    other_room.section.school_code = f"{zeros}{harness.room.section.school_code}"
    sync = await harness.sync(other_room)
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "sis-section-taken", "none")
    assert harness.writes == []
    await assert_synced_well(harness)


async def test_R40_a_padded_code_leaves_no_sis_section(harness: DistrictHarness) -> None:
    """Let a section write its code with a zero: it goes where it went, and no other takes that."""
    await assert_synced_well(harness)
    room, other_room = harness.world.classrooms
    other_room.section.school_code = room.section.school_code
    room.section.school_code = f"0{room.section.school_code}"
    assert (await harness.sync(other_room)).error_code == "sis-section-taken"
    await assert_synced_well(harness)


async def store_padded(harness: DistrictHarness) -> None:
    """Store the link of the first class as an earlier release did: its key with a zero in front."""
    link = await harness.link()
    assert link.sis is not None
    padded = replace(link.sis, ref=Ref(f"0{link.sis.ref.key}", link.sis.ref.value))
    async with harness.context.database.district(harness.district.id) as db:
        await links.save(db, replace(link, sis=padded, sis_id=padded.ref.key))


async def test_R40_a_link_stored_with_a_zero_holds_its_section(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    await store_padded(harness)
    room, other = harness.world.classrooms
    own, other.section.school_code = other.section.school_code, room.section.school_code
    harness.forget_calls()
    for dry_run in (True, False):
        assert (await harness.sync(other, dry_run=dry_run)).error_code == "sis-section-taken"
    with pytest.raises(RequestRefused, match="linked to only one"):
        await link_manually(harness, other, str(room.sis.dcid))
    other.section.school_code = own
    await assert_synced_well(harness)
    assert harness.writes == []
    assert (await harness.sync(other)).status == "complete"


async def test_R37_a_link_stored_with_a_zero_gives_way(harness: DistrictHarness) -> None:
    """Let the section that is linked go elsewhere by now, so that the other one may take its place."""
    await assert_synced_well(harness)
    await store_padded(harness)
    room, other = harness.world.classrooms
    codes = room.section.school_code, other.section.school_code
    other.section.school_code, room.section.school_code = codes
    assert (await harness.sync(other)).error_code is None
    link = (await harness.link(other)).sis
    assert link is not None
    assert link.ref.key == str(room.sis.dcid)


async def link_manually(harness: DistrictHarness, room: Classroom, key: str) -> None:
    target = harness.context.systems.target(
        harness.district, permit=None, until=harness.context.clock() + timedelta(seconds=10)
    )
    await link_section(
        harness.context.database,
        target=target,
        district=harness.district,
        section_id=str(room.section.id),
        to=Destination(None, key=key),
        by=Author("client:office"),
    )


async def test_move_to_a_linked_sis_section_changes_nothing(harness: DistrictHarness) -> None:
    other_room = harness.world.classrooms[1]
    await assert_synced_well(harness)
    assert (await harness.sync(other_room)).status == "complete"
    own, harness.room.section.school_code = harness.room.section.school_code, other_room.section.school_code
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "sis-section-taken")
    harness.room.section.school_code = own
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


async def test_R37_sections_that_swap_school_codes_follow_them(harness: DistrictHarness) -> None:
    room, other = harness.world.classrooms
    await assert_synced_well(harness)
    assert (await harness.sync(other)).status == "complete"
    room.section.school_code, other.section.school_code = other.section.school_code, room.section.school_code
    preview = await harness.sync(dry_run=True)
    assert preview.error_code is None
    sync = await harness.sync()
    assert sync.error_code is None
    assert (await harness.link()).code == room.section.school_code
    assert (await harness.sync(other)).error_code is None
    assert (await harness.link(other)).code == other.section.school_code


async def test_preview_after_a_change_of_teacher_stores_nothing(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    before = await acting_teacher(harness)
    harness.grade(harness.items[0], harness.students[0], 5)
    new = replace_teacher(harness)
    harness.forget_calls()
    preview = await harness.sync(dry_run=True)
    assert (preview.status, preview.error_code) == ("complete", None)
    assert (harness.writes, await acting_teacher(harness)) == ([], before)
    sync = await harness.sync()
    assert await harness.outcomes_by_cell(sync) == await harness.outcomes_by_cell(preview)
    assert (sync.status, harness.differences(), await acting_teacher(harness)) == (
        "complete",
        [],
        str(new.dcid),
    )


async def test_assignments_move_to_the_new_teachers_categories(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    item, uid = harness.items[0], harness.students[0]
    new = replace_teacher(harness)
    harness.grade(item, uid, 5)
    sync = await harness.sync()
    assert await harness.warnings(sync) == {}
    outcomes = await harness.outcomes_by_cell(sync)
    assert [outcomes[item.id, None][0] for item in harness.items] == ["updated"] * 2
    assert outcomes[item.id, uid] == ("written", None)
    categories = harness.world.powerschool.categories
    used = [categories[harness.part(item).categories[0].teachercategoryid] for item in harness.items]
    assert {category.usersdcid for category in used} == {new.dcid}
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


async def test_R37_a_code_of_another_teachers_section_is_followed(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis, room = harness.world.powerschool, harness.room
    school = next(one for one in sis.schools.values() if one.school_number == room.sis.schoolid)
    teacher = sis.add_teacher(school)
    sis.copy_categories(room.sis_teacher, teacher)
    room.sis = sis.add_section(school, sis.term_of(room.sis), teacher)
    for student in room.students.values():
        sis.enroll(student, room.sis)
    room.section.school_code = str(room.sis.dcid)
    await assert_synced_well(harness)
    used = {harness.part(item).categories[0].teachercategoryid for item in harness.items}
    assert {sis.categories[key].usersdcid for key in used} == {teacher.dcid}


async def test_new_teachers_categories_are_paired_by_title(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    replace_teacher(harness)
    harness.grade(harness.items[0], harness.students[0], 5)
    harness.add("After the change")
    await assert_synced_well(harness)


async def test_category_without_the_new_teacher_is_unmapped(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    new = replace_teacher(harness)
    for category in harness.world.powerschool.categories.values():
        if category.usersdcid == new.dcid:
            category.name = f"Own {category.name}"
    for title in ("After the change", "A day later"):
        item = harness.add(title)
        outcomes = await harness.outcomes_by_cell(await harness.sync())
        assert outcomes[item.id, None] == ("skipped", "category-unmapped")


async def test_change_of_teacher_keeps_opt_outs_of_unsent_work(
    harness: DistrictHarness,
) -> None:
    item, other_item = harness.items
    await harness.opt_out(item)
    await harness.sync()
    replace_teacher(harness)
    harness.grade(other_item, harness.students[0], 5)
    sync = await harness.sync()
    assert (sync.status, await find_false_claims(harness, sync)) == ("complete", [])
    assert (await harness.outcomes_by_cell(sync))[item.id, None] == ("skipped", "opted-out")
    assert (await harness.ledger())[str(item.id)].opted_out
    await harness.opt_out(item, opted_out=False)
    await assert_synced_well(harness)


@pytest.mark.parametrize(
    ("answer", "error_code"),
    [(Status(404, "{}"), None), (Status(403, "{}"), "sis-section-taken")],
    ids=["deleted", "unreadable"],
)
async def test_R37_a_sis_section_is_free_once_its_section_is_gone(
    harness: DistrictHarness, answer: Status, error_code: str | None
) -> None:
    room, other = harness.world.classrooms
    assert (await harness.sync(other)).status == "complete"
    room.section.school_code = other.section.school_code
    harness.fault("schoology", "section", answer, times=None)
    assert (await harness.sync()).error_code == error_code


async def test_R37_two_sections_cannot_take_one_sis_section(environment: Environment) -> None:
    """Let two sections find that a third one has left a SIS section, and take it at the same time."""
    async with environment.open_district(world.build(7, 3, 2, 1, ideal=True)) as harness:
        first, second, third = harness.world.classrooms
        assert (await harness.sync(third)).status == "complete"
        left = third.section.school_code
        third.section.school_code = "85999"
        first.section.school_code = second.section.school_code = left
        harness.fault("schoology", "section", Hold("after"))
        slow = asyncio.create_task(harness.sync(first))
        await wait_until_held(harness, slow)
        assert (await harness.sync(second)).error_code is None
        harness.faults.release()
        assert (await slow).error_code == "sis-section-taken"


@pytest.mark.parametrize(
    ("sections", "error_code"),
    [(None, "teacher-not-in-sis-section"), ('{"name":"sections","record":[]}', "sis-section-not-found")],
)
async def test_lost_access_is_explained_by_the_section_of_today(
    harness: DistrictHarness, sections: str | None, error_code: str
) -> None:
    await assert_synced_well(harness)
    harness.grade(harness.items[0], harness.students[0], 5)
    async with held_at(harness, "score.write", harness.sync()) as syncing:
        harness.world.powerschool.unassign_teacher(harness.room.sis_teacher, harness.room.sis)
        if sections:
            harness.fault("powerschool", "schema.sections", Body(sections, headers=JSON))
    assert (await syncing).error_code == error_code
