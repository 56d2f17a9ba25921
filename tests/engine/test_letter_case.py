"""Name assignments alike but for letter case, on a SIS that ignores that and on one that does not (R29)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import Item
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import lose_ledger
from harness.previews import compare
from harness.sis_kinds import POWERSCHOOL, STANDARD, Kind, open_kind

IGNORED = pytest.param((POWERSCHOOL, "ignored"), id="ignored")
COMPARED = pytest.param((POWERSCHOOL, "compared"), id="compared")
ROSTER = pytest.param((STANDARD, "ignored"), id="oneroster")
Outcome = tuple[str, str | None]
REFUSED = ("failed", "duplicate-name")


@pytest.fixture(params=[IGNORED, COMPARED, ROSTER])
async def harness(environment: Environment, request: pytest.FixtureRequest) -> AsyncIterator[DistrictHarness]:
    """Provide three assignments of one due date, *Lab report A* to *C*, nothing synced yet."""
    kind: Kind = request.param[0]
    async with open_kind(environment, kind, world.build(7, 1, 3, 3, ideal=True)) as harness:
        harness.world.powerschool.switches.name_case = request.param[1]
        for item, letter in zip(harness.items, "ABC", strict=True):
            harness.edit(item, title=f"Lab report {letter}", due=harness.items[0].due)
        yield harness


def takes_both(harness: DistrictHarness) -> bool:
    """Return True where the SIS takes two names that differ in letter case alone."""
    roster = harness.district.sis.oneroster is not None
    return roster or harness.world.powerschool.switches.name_case == "compared"


def differences(harness: DistrictHarness) -> list[str]:
    """Return what differs from the rules' demands, but for two names of one due date that are alike."""
    return [line for line in harness.differences() if not line.endswith(" stands 2 times")]


async def sync(harness: DistrictHarness, item: Item) -> Outcome:
    return (await harness.outcomes_by_cell(await harness.sync()))[item.id, None]


async def expect(harness: DistrictHarness, item: Item, result: str) -> None:
    """Expect what resembles another one to be refused as announced, or to be taken from then on."""
    if not takes_both(harness):
        done = await harness.outcomes_by_cell(await compare(harness))
        assert done[item.id, None] == REFUSED
    else:
        assert await sync(harness, item) == (result, None)
        await compare(harness)
        assert differences(harness) == []


async def test_R29_R52_a_new_name_in_other_letters_is_foreseen(harness: DistrictHarness) -> None:
    second = harness.items[1]
    harness.edit(second, title="LAB REPORT A")
    await expect(harness, second, "created")


async def test_R29_R52_a_rename_to_other_letters_is_foreseen(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    first = harness.items[0]
    harness.edit(first, title="LAB REPORT C")
    await expect(harness, first, "updated")


async def test_R29_R52_what_is_taken_once_is_foreseen_as_taken(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    harness.edit(second, title="LAB REPORT A")
    await harness.sync()
    harness.edit(first, max_points=first.max_points * 2)
    harness.edit(second, title="LAB report A")
    await compare(harness)


async def test_R29_R52_an_item_changes_the_case_of_its_own_name(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    first, second, _ = harness.items
    harness.edit(first, title="LAB REPORT B")
    harness.edit(second, title="lab report a")
    done = await harness.outcomes_by_cell(await compare(harness))
    assert (done[first.id, None], done[second.id, None]) == (("updated", None), ("updated", None))
    assert harness.differences() == []


async def test_R29_R52_a_sis_column_in_other_letters_is_foreseen(harness: DistrictHarness) -> None:
    first = harness.items[0]
    harness.edit(first, title="LAB REPORT A")
    harness.make_in_sis(first)
    harness.edit(first, title="Lab report A")
    await expect(harness, first, "created")


async def test_R45_a_name_imported_in_other_letters_keeps_its_column(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    await import_louder(harness)
    table = harness.table()
    await assert_synced_well(harness)
    assert harness.table() == table


async def import_louder(harness: DistrictHarness) -> dict[int, Item]:
    """Import all assignments anew, with their names in capitals; expect that each keeps its column."""
    book, columns = harness.room.section, len(harness.table())
    new = harness.world.schoology.reimport_assignments(book.id, None, with_grades=True)
    items = {old: book.items[key] for old, key in new.items()}
    for item in items.values():
        harness.edit(item, title=item.title.upper())
    done = await compare(harness)
    outcomes, warnings = await harness.outcomes_by_cell(done), await harness.warnings(done)
    for item in items.values():
        assert outcomes[item.id, None] == ("adopted", None)
        assert warnings[item.id, None] == ["taken-from-removed"]
    assert set(harness.table()) == {item.title for item in items.values()}
    assert (len(harness.table()), harness.differences()) == (columns, [])
    return items


@pytest.mark.parametrize("harness", [COMPARED, ROSTER], indirect=True)
async def test_R45_what_is_named_to_the_letter_goes_first(harness: DistrictHarness) -> None:
    """Import two that differ in letter case alone, where the SIS holds both."""
    first, second, _ = harness.items
    harness.edit(second, title="LAB REPORT A")
    await harness.sync()
    book, table = harness.room.section, harness.table()
    new = harness.world.schoology.reimport_assignments(book.id, [first.id, second.id], with_grades=True)
    loud = book.items[new[second.id]]
    assert (await sync(harness, loud)) == ("adopted", None)
    assert (harness.table(), differences(harness)) == (table, [])


async def test_R45_one_imported_back_beside_its_successor_is_second(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    olds = harness.items
    items = await import_louder(harness)
    harness.world.schoology.restore_assignment(harness.room.section.id, olds[0].id)
    await expect(harness, olds[0], "created")
    assert all(item.title in harness.table() for item in items.values())


@pytest.mark.parametrize("harness", [IGNORED, COMPARED], indirect=True)
async def test_R44_R45_a_column_in_an_inactive_category_is_kept_too(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis = harness.world.powerschool
    for category in sis.categories_of(harness.room.sis_teacher.dcid):
        sis.set_category_active(category, active=False)
    book = harness.room.section
    new = harness.world.schoology.reimport_assignments(book.id, None, with_grades=True)
    harness.edit(book.items[new[harness.items[0].id]], title="LAB REPORT A")
    columns = len(harness.table())
    await harness.sync()
    assert len(harness.table()) == columns


async def test_R45_a_column_of_ours_that_nobody_knows_is_found_again(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    first = harness.items[0]
    await lose_ledger(harness, first)
    harness.edit(first, title="LAB REPORT A")
    done = await harness.outcomes_by_cell(await compare(harness, mode="full"))
    assert done[first.id, None] == ("adopted", None)
    assert harness.differences() == []


async def test_R29_a_district_that_takes_over_takes_any_letters(harness: DistrictHarness) -> None:
    first = harness.items[0]
    harness.edit(first, title="LAB REPORT A")
    harness.make_in_sis(first)
    harness.edit(first, title="Lab report A")
    await harness.change_policy(take_over=True)
    done = await harness.outcomes_by_cell(await compare(harness))
    assert done[first.id, None] == ("adopted", None)
    assert harness.differences() == []
