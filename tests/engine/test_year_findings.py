"""Keep small forms of what the simulated school year (tests/harness/year.py) found."""

from decimal import Decimal

from harness.assertions import assert_synced_well
from harness.district import DistrictHarness


async def close_categories(harness: DistrictHarness) -> None:
    """Sync, and let every category of the SIS be inactive from then on."""
    await harness.sync()
    sis = harness.world.powerschool
    for category in sis.categories_of(harness.room.sis_teacher.dcid):
        sis.set_category_active(category, active=False)


async def assert_named(harness: DistrictHarness) -> None:
    """Expect a sync that names the category of the first assignment as inactive, and writes nothing of it."""
    item = harness.items[0]
    sync = await harness.sync()
    (row,) = [
        one
        for one in await harness.outcomes(sync)
        if one.assignment_id == str(item.id) and not one.student_id
    ]
    title = harness.room.section.categories[item.category].title
    assert (row.result, row.reason, row.detail) == ("skipped", "category-inactive", title)


async def test_R18_equal_scores_are_not_sent_after_new_points(harness: DistrictHarness) -> None:
    await harness.sync()
    item = harness.items[0]
    harness.edit(item, max_points=item.max_points * 2)
    await assert_synced_well(harness)
    entry = (await harness.ledger())[str(item.id)]
    assert set(entry.sent) == {str(student.dcid) for student in harness.room.students.values()}
    assert not entry.doubtful
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.score_rows() == []


async def test_R44_a_renamed_category_outlives_a_split(harness: DistrictHarness) -> None:
    await harness.sync()
    sis, room = harness.world.powerschool, harness.room
    for category in sis.categories_of(room.sis_teacher.dcid):
        sis.rename_category(category, f"{category.name} of ours")
    room.sis = sis.split_section(room.sis, room.students.values())
    harness.world.schoology.recode_section(room.section.id, str(room.sis.dcid))
    await assert_synced_well(harness)


async def test_R44_a_change_in_an_inactive_category_is_named(harness: DistrictHarness) -> None:
    await close_categories(harness)
    harness.edit(harness.items[0], max_points=harness.items[0].max_points * 2)
    await assert_named(harness)


async def test_R44_a_deleted_column_of_an_inactive_category_is_named(harness: DistrictHarness) -> None:
    await close_categories(harness)
    harness.delete_in_sis(harness.items[0])
    await assert_named(harness)


async def test_R44_an_edit_in_an_inactive_category_is_left(harness: DistrictHarness) -> None:
    await close_categories(harness)
    item = harness.items[0]
    part = harness.part(item)
    harness.world.powerschool.gradebook.edit_assignment(part, points=Decimal(3))
    sync = await harness.sync(mode="full")
    assert (sync.status, str(part.scoreentrypoints)) == ("complete", "3")
    assert (await harness.warnings(sync))[item.id, None] == ["edited-in-sis"]


async def test_R44_columns_of_a_deleted_category_take_scores(harness: DistrictHarness) -> None:
    await harness.sync()
    sis, room = harness.world.powerschool, harness.room
    names = [category.name for category in sis.categories_of(room.sis_teacher.dcid)]
    for category in sis.categories_of(room.sis_teacher.dcid):
        sis.delete_category(category)
    first, second = harness.items
    new = harness.add("In no category")
    harness.grade(first, harness.students[0], 4)
    harness.edit(second, title="Renamed since")
    sync = await harness.sync(mode="full")
    own = {row.assignment_id: row for row in await harness.outcomes(sync) if not row.student_id}
    for item in (second, new):
        row, title = own[str(item.id)], room.section.categories[item.category].title
        assert (row.result, row.reason, row.detail) == ("skipped", "category-unmapped", title)
    assert harness.sis_text(first, harness.students[0]) == "4"
    for name in names:
        sis.add_category(room.sis_teacher, name)
    await assert_synced_well(harness)
