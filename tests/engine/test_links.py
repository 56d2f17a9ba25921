"""Where a section goes: school codes, SIS sections that others have, teachers that change."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.powerschool.rows import User
from harness.assertions import untrue, well
from harness.district import Stage
from harness.environment import Theatre


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Two classes of two assignments and three students, nothing synced yet."""
    async with theatre.stage(world.build(7, 2, 3, 2, ideal=True)) as stage:
        yield stage


def successor(stage: Stage) -> User:
    """Another teacher takes the section over in the SIS, with categories of the same titles."""
    sis, room = stage.world.powerschool, stage.room
    new = sis.add_teacher(sis.schools[min(sis.schools)])
    for category in [c for c in sis.categories.values() if c.usersdcid == room.sis_teacher.dcid]:
        sis.add_category(new, category.name, active=category.isactive)
    sis.assign_teacher(new, room.sis)
    sis.unassign_teacher(room.sis_teacher, room.sis)
    room.sis_teacher = new
    return new


async def acting(stage: Stage) -> object:
    """The USERS.DCID in whose name the section is written."""
    section = (await stage.link()).sis
    return section and section.ref.value["users_dcid"]


async def test_a_school_code_that_does_not_fit_the_districts_pattern_is_not_guessed(stage: Stage) -> None:
    stage.room.section.school_code = "ALG1-PERIOD-2"
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "section-unmatched")
    assert stage.writes == []


async def test_a_sis_section_that_another_section_has_is_not_shared(stage: Stage) -> None:
    await well(stage)
    stage.forget_calls()
    other = stage.world.classrooms[1]
    other.section.school_code = stage.room.section.school_code
    sync = await stage.sync(other)
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "sis-section-taken", "none")
    assert stage.writes == []
    await well(stage)


async def test_a_section_that_moves_to_one_that_is_taken_stays_as_it_was(stage: Stage) -> None:
    other = stage.world.classrooms[1]
    await well(stage)
    assert (await stage.sync(other)).status == "complete"
    own, stage.room.section.school_code = stage.room.section.school_code, other.section.school_code
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "sis-section-taken")
    stage.room.section.school_code = own
    stage.forget_calls()
    await well(stage)
    assert stage.writes == []


async def test_a_preview_after_a_change_of_teacher_tells_what_would_be_and_keeps_nothing(
    stage: Stage,
) -> None:
    await well(stage)
    before = await acting(stage)
    stage.grade(stage.items[0], stage.students[0], 5)
    new = successor(stage)
    stage.forget_calls()
    preview = await stage.sync(dry_run=True)
    assert (preview.status, preview.error_code) == ("complete", None)
    assert (stage.writes, await acting(stage)) == ([], before)
    sync = await stage.sync()
    assert await stage.told(sync) == await stage.told(preview)
    assert (sync.status, stage.differences(), await acting(stage)) == ("complete", [], str(new.dcid))


async def test_assignments_follow_a_change_of_teacher_into_the_new_ones_categories(stage: Stage) -> None:
    await well(stage)
    item, uid = stage.items[0], stage.students[0]
    new = successor(stage)
    stage.grade(item, uid, 5)
    sync = await stage.sync()
    assert await stage.warnings(sync) == {}
    told = await stage.told(sync)
    assert [told[one.id, None][0] for one in stage.items] == ["updated"] * 2
    assert told[item.id, uid] == ("written", None)
    categories = stage.world.powerschool.categories
    held = [categories[stage.part(one).categories[0].teachercategoryid] for one in stage.items]
    assert {category.usersdcid for category in held} == {new.dcid}
    stage.forget_calls()
    await well(stage)
    assert stage.writes == []


async def test_another_teacher_takes_over_and_categories_are_paired_by_their_titles(stage: Stage) -> None:
    await well(stage)
    successor(stage)
    stage.grade(stage.items[0], stage.students[0], 5)
    stage.add("After the change")
    await well(stage)


async def test_a_category_that_the_new_teacher_does_not_have_is_unmapped_from_then_on(stage: Stage) -> None:
    await well(stage)
    new = successor(stage)
    for category in stage.world.powerschool.categories.values():
        if category.usersdcid == new.dcid:
            category.name = f"Own {category.name}"
    for title in ("After the change", "A day later"):
        item = stage.add(title)
        told = await stage.told(await stage.sync())
        assert told[item.id, None] == ("skipped", "category-unmapped")


async def test_a_change_of_teacher_keeps_switches_of_assignments_that_never_went(stage: Stage) -> None:
    item, other = stage.items
    await stage.opt_out(item)
    await stage.sync()
    successor(stage)
    stage.grade(other, stage.students[0], 5)
    sync = await stage.sync()
    assert (sync.status, await untrue(stage, sync)) == ("complete", [])
    assert (await stage.told(sync))[item.id, None] == ("skipped", "opted-out")
    assert (await stage.ledger())[str(item.id)].opted_out
    await stage.opt_out(item, opted_out=False)
    await well(stage)
