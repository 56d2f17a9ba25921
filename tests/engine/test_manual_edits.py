"""Keep what people made and changed in the SIS by hand, and send the scores all the same."""

from decimal import Decimal

from harness.assertions import assert_synced_well
from harness.district import DistrictHarness


async def test_update_changes_only_our_fields(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    part = harness.part(harness.items[0])
    part.description, part.publishoption, part.maxretakeallowed = "<p>by hand</p>", "Never", 3
    part.weight, part.extracreditpoints = Decimal(2), Decimal(1)
    harness.edit(harness.items[0], title="Another name", max_points=40)
    await assert_synced_well(harness)
    after = harness.part(harness.items[0])
    assert (after.description, after.publishoption, after.maxretakeallowed) == ("<p>by hand</p>", "Never", 3)
    assert (after.weight, after.extracreditpoints, after.totalpointvalue) == (
        Decimal(2),
        Decimal(1),
        Decimal(80),
    )


async def test_shared_assignment_is_not_edited_but_gets_scores(
    harness: DistrictHarness,
) -> None:
    sis, room = harness.world.powerschool, harness.room
    await assert_synced_well(harness)
    item, uid = harness.items[0], harness.students[0]
    other_section = sis.add_section(sis.schools[min(sis.schools)], room.term, room.sis_teacher)
    assignment, part = sis.gradebook.parts[harness.part(item).assignmentsectionid]
    category = sis.categories[part.categories[0].teachercategoryid]
    shared = sis.gradebook.add_assignment(
        other_section, part.name, category, due=part.duedate, points=part.scoreentrypoints
    )
    assignment.sections.append(shared.sections[0])
    sis.gradebook.add(assignment)
    harness.grade(item, uid, 5)
    await assert_synced_well(harness)
    harness.edit(item, title="Renamed")
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert outcomes[item.id, None] == ("failed", "sis-assignment-shared")
    assert assignment.sections[0].name == assignment.sections[1].name != "Renamed"


async def test_take_over_clears_excused_scores(
    harness: DistrictHarness,
) -> None:
    await harness.change_policy(take_over=True)
    item, (excused, blank, _) = harness.items[0], harness.students
    harness.make_in_sis(item)
    for uid in harness.students:
        harness.type_in_sis(item, uid, 9)
    harness.mark(item, excused, 1)
    harness.clear(item, blank)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, None] == ("adopted", None)
    assert (harness.sis_text(item, excused), harness.sis_text(item, blank)) == (None, "9")
