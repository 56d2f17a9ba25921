"""Keep small forms of what the simulated school year (tests/harness/year.py) found."""

from harness.assertions import assert_synced_well
from harness.district import DistrictHarness


async def test_R18_equal_scores_are_not_sent_after_new_points(harness: DistrictHarness) -> None:
    await harness.sync()
    item = harness.items[0]
    harness.edit(item, max_points=item.max_points * 2)
    await assert_synced_well(harness)
    entry = (await harness.ledger())[str(item.id)]
    assert (entry.sent.keys(), entry.doubtful) == (
        {str(s.dcid) for s in harness.room.students.values()},
        {},
    )
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
