"""Delete categories in Schoology that assignments still name, and make them anew (R44)."""

from gradesync_sandbox.schoology.model import Item
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.previews import compare


async def test_R44_remade_category_takes_the_pair_of_one_in_use(harness: DistrictHarness) -> None:
    """Delete a category that an assignment still names, and make one of the same title."""
    await assert_synced_well(harness)
    schoology, section = harness.world.schoology, harness.room.section
    left = harness.items[0]
    other = schoology.add_category(section.id, section.categories[left.category].title)
    del section.categories[left.category]
    new = harness.add("After the remake", category=other.id)
    for item, points in ((left, 3), (new, 4)):
        harness.grade(item, harness.students[0], points)
    done = await harness.outcomes_by_cell(await compare(harness))
    assert done[new.id, None] == ("created", None)
    assert [harness.sis_text(item, harness.students[0]) for item in (left, new)] == ["3", "4"]
    assert _category_of(harness, new) == _category_of(harness, left)
    harness.grade(left, harness.students[0], 5)
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.sis_text(left, harness.students[0]) == "5"
    harness.forget_calls()
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.writes == []


async def test_R44_R49_a_partial_list_frees_no_category(harness: DistrictHarness) -> None:
    """Show only the category of the same title, which no pair has, of those that there are."""
    await assert_synced_well(harness)
    schoology, section = harness.world.schoology, harness.room.section
    used = harness.items[0].category
    other = schoology.add_category(section.id, section.categories[used].title)
    schoology.reorder_categories(section.id, [other.id])
    new = harness.add("In the second", category=other.id)
    switches = schoology.switches
    switches.partial_lists, switches.partial_once, switches.partial_rest = (
        {"grading_category": 1},
        False,
        False,
    )
    for mode in ("changes", "full"):
        done = await harness.outcomes_by_cell(await harness.sync(mode=mode))
        assert done[new.id, None] == ("skipped", "category-taken")


def _category_of(harness: DistrictHarness, item: Item) -> list[int]:
    return [one.teachercategoryid for one in harness.part(item).categories]
