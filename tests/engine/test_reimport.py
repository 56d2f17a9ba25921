"""Continue in the columns of removed assignments after a re-import, which gives every item a new id (R45)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import RefuseBefore, Status
from gradesync_sandbox.schoology.model import Item
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.environment import Environment

TAKEN = "taken-from-removed"


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide a class of three assignments and four students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 4, 3, ideal=True)) as harness:
        await assert_synced_well(harness)
        harness.forget_calls()
        yield harness


def reimport(harness: DistrictHarness, *items: Item, with_grades: bool = True) -> dict[int, Item]:
    """Import items (all where none is named) anew; return the new ones by the old ids."""
    chosen = [item.id for item in items] or None
    book = harness.room.section
    new = harness.world.schoology.reimport_assignments(book.id, chosen, with_grades=with_grades)
    return {before: book.items[after] for before, after in new.items()}


async def assert_adopts(harness: DistrictHarness, new: dict[int, Item]) -> None:
    """Expect a sync that continues in the columns of removed assignments, and reports that once."""
    before = await harness.ledger()
    sync = await harness.sync()
    outcomes, warnings = await harness.outcomes_by_cell(sync), await harness.warnings(sync)
    ledger = await harness.ledger()
    assert (sync.status, harness.created) == ("complete", 0)
    for old, item in new.items():
        assert outcomes[item.id, None] == ("adopted", None)
        assert TAKEN in warnings[item.id, None]
        assert ledger[str(item.id)].ref == before[str(old)].ref
        assert ledger[str(old)].ref is None
    again = await harness.sync()
    assert (again.status, again.warnings.get(TAKEN)) == ("complete", None)


async def test_R45_a_class_imported_anew_goes_on_in_its_columns(harness: DistrictHarness) -> None:
    table = harness.table()
    await assert_adopts(harness, reimport(harness))
    assert (harness.writes, harness.table(), harness.differences()) == ([], table, [])


async def test_R45_only_what_differs_from_what_was_sent_is_written(harness: DistrictHarness) -> None:
    new = reimport(harness)
    changed, uid = next(iter(new.values())), harness.students[0]
    points = next(p for p in (1, 2) if harness.sis_text(changed, uid) != str(p))
    harness.grade(changed, uid, points)
    await assert_adopts(harness, new)
    assert (len(harness.world.powerschool.log.score_rows()), harness.sis_text(changed, uid)) == (
        1,
        str(points),
    )
    assert harness.differences() == []
    harness.grade(changed, uid, 0)
    await assert_synced_well(harness)


async def test_R45_new_cells_that_nobody_scored_clear_nothing(harness: DistrictHarness) -> None:
    table = harness.table()
    await assert_adopts(harness, reimport(harness, harness.items[0], with_grades=False))
    assert (harness.writes, harness.table()) == ([], table)


async def test_R45_total_points_changed_by_the_import_are_sent(harness: DistrictHarness) -> None:
    new = reimport(harness, harness.items[0])
    (item,) = new.values()
    harness.edit(item, max_points=item.max_points * 2)
    await assert_adopts(harness, new)
    assert harness.differences() == []


async def test_R45_restored_assignments_are_second_of_their_name(harness: DistrictHarness) -> None:
    old = harness.items
    new = reimport(harness)
    await assert_adopts(harness, new)
    harness.forget_calls()
    for item in old:
        harness.world.schoology.restore_assignment(harness.room.section.id, item.id)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert {outcomes[item.id, None] for item in old} == {("failed", "duplicate-name")}
    assert {outcomes.get((item.id, None)) for item in new.values()} == {None}
    assert (harness.writes, len(harness.table())) == ([], len(old))


async def test_R45_a_preview_and_a_failed_attempt_take_nothing(harness: DistrictHarness) -> None:
    before = await harness.ledger()
    new = reimport(harness)
    preview = await harness.sync(dry_run=True)
    assert (await harness.outcomes_by_cell(preview))[next(iter(new.values())).id, None] == ("adopted", None)
    assert await harness.ledger() == before
    harness.fault("powerschool", "assignment.list", Status(503), times=None)
    assert (await harness.sync()).status == "failed"
    await harness.end_faults()
    await assert_adopts(harness, new)


async def test_R45_a_refused_change_leaves_the_successors_column(harness: DistrictHarness) -> None:
    new = reimport(harness, harness.items[0])
    (item,) = new.values()
    harness.edit(item, max_points=item.max_points * 2)
    refusal = Status(400, '{"message":"no","errors":[{"field":"assignmentcategoryassocid"}]}')
    harness.fault("powerschool", "assignment.update", refusal)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, None] == ("failed", "assignment-not-accepted")
    assert await harness.warnings(sync) == {(item.id, None): [TAKEN]}
    await assert_synced_well(harness)
    assert harness.created == 0


async def test_R45_a_partial_list_takes_nothing_over(harness: DistrictHarness) -> None:
    new = reimport(harness)
    switches = harness.world.schoology.switches
    switches.partial_lists, switches.partial_once, switches.partial_rest = {"assignment": 2}, False, False
    assert TAKEN not in (await harness.sync()).warnings
    switches.partial_lists = {}
    await assert_adopts(harness, new)


@pytest.mark.parametrize("known", [False, True], ids=["new", "known before"])
async def test_R17_R45_a_switched_off_column_stays_as_it_is(harness: DistrictHarness, known: bool) -> None:
    first, table = harness.items[0], harness.table()
    await harness.opt_out(first)
    new = reimport(harness, first)[first.id]
    if known:  # its switch was off, and is on again
        await harness.opt_out(new)
        await harness.opt_out(new, opted_out=False)
    harness.grade(new, harness.students[0], 1 if harness.sis_text(first, harness.students[0]) != "1" else 2)
    preview = await harness.outcomes_by_cell(await harness.sync(dry_run=True))
    for mode in ("changes", "full"):
        sync = await harness.sync(mode=mode)
        assert (await harness.outcomes_by_cell(sync))[new.id, None] == ("skipped", "opted-out")
        assert (harness.writes, harness.table()) == ([], table)
    assert preview[new.id, None] == ("skipped", "opted-out")
    await harness.opt_out(new, opted_out=False)
    await assert_synced_well(harness)
    assert harness.created == 0


async def test_R45_enrollments_renumbered_by_the_import_change_nothing(harness: DistrictHarness) -> None:
    table = harness.table()
    new = reimport(harness)
    harness.world.schoology.renumber_enrollments(harness.room.section.id)
    await assert_adopts(harness, new)
    assert (harness.writes, harness.table()) == ([], table)


async def test_R44_R45_categories_made_anew_by_the_import_pair_again(harness: DistrictHarness) -> None:
    new = reimport(harness)
    for category in list(harness.room.section.categories):
        harness.world.schoology.remake_category(harness.room.section.id, category)
    await assert_adopts(harness, new)


async def test_R45_R51_a_write_lost_before_the_import_is_no_edit(harness: DistrictHarness) -> None:
    harness.grade(harness.items[0], harness.students[0], 1)
    harness.fault("powerschool", "score.write", RefuseBefore(), times=None)
    assert (await harness.sync()).status == "failed"
    await harness.end_faults()
    reimport(harness)
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])
    assert "edited-in-sis" not in sync.warnings


def close_categories(harness: DistrictHarness, *, active: bool = False) -> None:
    """Make the teacher's SIS categories inactive, or active again."""
    sis = harness.world.powerschool
    for category in sis.categories_of(harness.room.sis_teacher.dcid):
        sis.set_category_active(category, active=active)


async def test_R44_R45_a_column_in_an_inactive_category_is_taken_over(harness: DistrictHarness) -> None:
    close_categories(harness)
    await assert_adopts(harness, reimport(harness))
    assert harness.writes == []


async def test_R44_R45_a_lost_column_in_an_inactive_category_is_named(harness: DistrictHarness) -> None:
    close_categories(harness)
    lost = harness.items[0]
    harness.delete_in_sis(lost)
    new = reimport(harness, lost)
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert outcomes[new[lost.id].id, None] == ("skipped", "category-inactive")
    assert harness.writes == []


async def test_R44_restored_assignments_go_on_in_an_inactive_category(harness: DistrictHarness) -> None:
    first = harness.items[0]
    harness.world.schoology.delete_assignment(harness.room.section.id, first.id)
    assert (await harness.sync()).status == "complete"
    close_categories(harness)
    harness.world.schoology.restore_assignment(harness.room.section.id, first.id)
    harness.grade(first, harness.students[0], 0)
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.sis_text(first, harness.students[0]) == "0"


async def test_R44_inactive_category_gets_no_recreated_column(
    harness: DistrictHarness,
) -> None:
    close_categories(harness)
    lost = harness.items[0]
    harness.delete_in_sis(lost)
    outcomes = await harness.outcomes_by_cell(await harness.sync(mode="full"))
    assert outcomes[lost.id, None] == ("skipped", "category-inactive")
    close_categories(harness, active=True)
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert outcomes[lost.id, None] == ("recreated", None)
