"""What people made and changed in the SIS by hand: it stays theirs, and scores go all the same."""

from decimal import Decimal

from harness.assertions import well
from harness.district import Stage


async def test_an_update_changes_only_what_is_ours(stage: Stage) -> None:
    await well(stage)
    part = stage.part(stage.items[0])
    part.description, part.publishoption, part.maxretakeallowed = "<p>by hand</p>", "Never", 3
    part.weight, part.extracreditpoints = Decimal(2), Decimal(1)
    stage.edit(stage.items[0], title="Another name", max_points=40)
    await well(stage)
    after = stage.part(stage.items[0])
    assert (after.description, after.publishoption, after.maxretakeallowed) == ("<p>by hand</p>", "Never", 3)
    assert (after.weight, after.extracreditpoints, after.totalpointvalue) == (
        Decimal(2),
        Decimal(1),
        Decimal(80),
    )


async def test_an_assignment_shared_with_another_section_is_not_edited_and_its_scores_go(
    stage: Stage,
) -> None:
    sis, room = stage.world.powerschool, stage.room
    await well(stage)
    item, uid = stage.items[0], stage.students[0]
    other = sis.add_section(sis.schools[min(sis.schools)], room.term, room.sis_teacher)
    assignment, part = sis.gradebook.parts[stage.part(item).assignmentsectionid]
    category = sis.categories[part.categories[0].teachercategoryid]
    shared = sis.gradebook.add_assignment(
        other, part.name, category, due=part.duedate, points=part.scoreentrypoints
    )
    assignment.sections.append(shared.sections[0])
    sis.gradebook.add(assignment)
    stage.grade(item, uid, 5)
    await well(stage)
    stage.edit(item, title="Renamed")
    told = await stage.told(await stage.sync())
    assert told[item.id, None] == ("failed", "sis-assignment-shared")
    assert assignment.sections[0].name == assignment.sections[1].name != "Renamed"


async def test_take_over_of_an_adopted_assignment_clears_what_the_teacher_excused(stage: Stage) -> None:
    await stage.choose(take_over=True)
    item, (excused, blank, _) = stage.items[0], stage.students
    stage.make_in_sis(item)
    for uid in stage.students:
        stage.type_in_sis(item, uid, 9)
    stage.mark(item, excused, 1)
    stage.clear(item, blank)
    sync = await stage.sync()
    assert (await stage.told(sync))[item.id, None] == ("adopted", None)
    assert (stage.held(item, excused), stage.held(item, blank)) == (None, "9")
