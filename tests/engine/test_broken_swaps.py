"""Swap names of which one is imported anew or deleted before the sync (R29, R45)."""

from collections.abc import AsyncIterator

import pytest

from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.name_swaps import LEFT, WAITS, columns, delete, open_named, reimport, rename, sync
from harness.previews import compare
from harness.sis_kinds import POWERSCHOOL, STANDARD


@pytest.fixture(params=[POWERSCHOOL, STANDARD], ids=str)
async def harness(environment: Environment, request: pytest.FixtureRequest) -> AsyncIterator[DistrictHarness]:
    """Provide assignments A, B and C of one due date, all of it synced."""
    async with open_named(environment, request.param) as harness:
        yield harness


@pytest.mark.parametrize("anew", [0, 1])
async def test_R29_R45_a_swap_with_one_imported_anew_ends_as_planned(
    harness: DistrictHarness, anew: int
) -> None:
    before = await harness.ledger()
    old = harness.items[anew]
    rename(harness, "BA")
    (new,) = reimport(harness, old)
    done = await harness.outcomes_by_cell(await compare(harness))
    assert done[new.id, None] == ("adopted", None)
    assert done[harness.items[1 - anew].id, None] == ("updated", None)
    assert (columns(harness), harness.differences()) == (["A", "B", "C"], [])
    assert harness.world.powerschool.log.score_rows() == []
    after = await harness.ledger()
    assert (after[str(new.id)].ref, after[str(old.id)].ref) == (before[str(old.id)].ref, None)
    await assert_synced_well(harness)


@pytest.mark.parametrize("anew", [0, 1, 2])
async def test_R45_a_circle_with_one_imported_anew_ends_as_planned(
    harness: DistrictHarness, anew: int
) -> None:
    rename(harness, "BCA")
    reimport(harness, harness.items[anew])
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]
    assert harness.world.powerschool.log.score_rows() == []


@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_R45_a_circle_with_two_imported_anew_ends_as_planned(
    harness: DistrictHarness, kept: int
) -> None:
    rename(harness, "BCA")
    reimport(harness, *[item for place, item in enumerate(harness.items) if place != kept])
    await compare(harness)
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]
    assert harness.world.powerschool.log.score_rows() == []


async def test_R45_a_swap_with_both_imported_anew_ends_as_planned(harness: DistrictHarness) -> None:
    rename(harness, "BA")
    reimport(harness, *harness.items[:2])
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]


async def test_R45_half_of_a_swap_with_one_imported_anew_waits(harness: DistrictHarness) -> None:
    table, first = harness.table(), harness.items[0]
    rename(harness, "BA")
    (new,) = reimport(harness, harness.items[1])
    for item in (first, new):
        assert await sync(harness, assignments=[str(item.id)]) == {item.id: WAITS}
        assert (harness.writes, harness.table()) == ([], table)
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]


@pytest.mark.parametrize("grades", ["none", "others"])
async def test_R45_a_new_assignment_takes_no_column_of_other_scores(
    harness: DistrictHarness, grades: str
) -> None:
    """Delete one, give its name to the other, and add a new one by the name that this one leaves."""
    table = harness.table()
    first, second, _ = harness.items
    rename(harness, "BX")
    delete(harness, second)
    new = harness.add("A")
    if grades == "others":
        for uid in harness.students:
            harness.grade(new, uid, 9)
    for mode in ("changes", "full"):
        done = await sync(harness, mode=mode)
        assert (done[first.id], done[new.id]) == (LEFT, WAITS)
    assert (harness.writes, harness.table()) == ([], table)
    harness.edit(second, title="B")
    harness.delete_in_sis(second)
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]


@pytest.mark.parametrize("way", ["deleted in the SIS", "restored", "renamed"])
async def test_R19_R29_a_swap_with_one_deleted_names_what_is_left(harness: DistrictHarness, way: str) -> None:
    table = harness.table()
    first, second, _ = harness.items
    rename(harness, "BA")
    delete(harness, second)
    for mode in ("changes", "full"):
        assert (await sync(harness, mode=mode))[first.id] == LEFT
    assert (harness.writes, harness.table()) == ([], table)
    if way == "deleted in the SIS":
        harness.edit(second, title="B")
        harness.delete_in_sis(second)
    elif way == "restored":
        harness.world.schoology.restore_assignment(harness.room.section.id, second.id)
    else:
        rename(harness, "D")
    await assert_synced_well(harness)
    assert (
        columns(harness)
        == {
            "deleted in the SIS": ["B", "C"],
            "restored": ["A", "B", "C"],
            "renamed": ["B", "C", "D"],
        }[way]
    )


async def test_R45_a_swap_in_other_letters_with_one_imported_anew_ends(harness: DistrictHarness) -> None:
    rename(harness, "ba")
    reimport(harness, harness.items[1])
    await assert_synced_well(harness)
    assert columns(harness) == ["C", "a", "b"]
