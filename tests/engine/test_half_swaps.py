"""Swap names of which one half alone can be done: none stands twice, and a block names its cause (R29)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gradesync_sandbox.faults import LoseAfter, RefuseBefore, Status, System
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.name_swaps import WAITS, columns, find_holder, open_named, rename, sync
from harness.previews import compare
from harness.sis_kinds import POWERSCHOOL, STANDARD

CALLS = {"powerschool": "assignment.update", "oneroster": "lineItem.put"}


@pytest.fixture(params=[POWERSCHOOL, STANDARD], ids=str)
async def harness(environment: Environment, request: pytest.FixtureRequest) -> AsyncIterator[DistrictHarness]:
    """Provide assignments A, B and C of one due date, all of it synced."""
    async with open_named(environment, request.param) as harness:
        yield harness


@pytest.mark.parametrize("half", [0, 1])
async def test_R29_half_of_a_swap_waits_for_the_other_half(harness: DistrictHarness, half: int) -> None:
    table = harness.table()
    rename(harness, "BA")
    item, other = harness.items[half], harness.items[1 - half]
    chosen = [str(item.id)]
    preview = await sync(harness, assignments=chosen, dry_run=True)
    assert await sync(harness, assignments=chosen) == preview == {item.id: WAITS}
    assert (harness.writes, harness.table(), columns(harness)) == ([], table, ["A", "B", "C"])
    assert (await sync(harness, assignments=chosen))[item.id] == WAITS
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]
    assert harness.part(other).name == other.title


@pytest.mark.parametrize("chosen", [[0], [0, 1], [1, 2]])
async def test_R29_part_of_a_circle_waits_for_the_whole(harness: DistrictHarness, chosen: list[int]) -> None:
    table, items = harness.table(), harness.items
    rename(harness, "BCA")
    done = await sync(harness, assignments=[str(items[place].id) for place in chosen])
    assert done == {items[place].id: WAITS for place in chosen}
    assert (harness.writes, harness.table()) == ([], table)
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C"]


async def test_R29_half_of_swapped_due_dates_waits(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    assert first.due is not None
    today, tomorrow = first.due, first.due + timedelta(days=1)
    harness.edit(second, title="A", due=tomorrow)
    await assert_synced_well(harness)
    table = columns(harness)
    harness.edit(first, due=tomorrow)
    harness.edit(second, due=today)
    assert await sync(harness, assignments=[str(first.id)]) == {first.id: WAITS}
    assert columns(harness) == table
    await assert_synced_well(harness)


async def test_R29_a_line_of_names_goes_as_far_as_it_can(harness: DistrictHarness) -> None:
    first, second, third = harness.items
    rename(harness, "BCD")
    done = await sync(harness, assignments=[str(first.id), str(third.id)])
    assert done == {first.id: WAITS, third.id: ("updated", None)}
    assert columns(harness) == ["A", "B", "D"]
    assert (await sync(harness, assignments=[str(second.id)]))[second.id] == ("updated", None)
    await assert_synced_well(harness)
    assert columns(harness) == ["B", "C", "D"]


async def test_R29_a_new_assignment_waits_for_the_name(harness: DistrictHarness) -> None:
    rename(harness, "D")
    new = harness.add("A")
    assert await sync(harness, assignments=[str(new.id)]) == {new.id: WAITS}
    assert columns(harness) == ["A", "B", "C"]
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "B", "C", "D"]


async def test_R29_a_swap_taken_back_leaves_nothing(harness: DistrictHarness) -> None:
    table, first = harness.table(), harness.items[0]
    rename(harness, "BA")
    await sync(harness, assignments=[str(first.id)])
    rename(harness, "AB")
    await assert_synced_well(harness)
    assert (harness.writes, harness.table()) == ([], table)


async def test_R17_R29_a_swap_with_one_switched_off_waits(harness: DistrictHarness) -> None:
    table = harness.table()
    first, second, _ = harness.items
    rename(harness, "BA")
    await harness.opt_out(second)
    for mode in ("changes", "full"):
        done = await sync(harness, mode=mode)
        assert (done[first.id], done[second.id]) == (WAITS, ("skipped", "opted-out"))
    assert (harness.writes, harness.table()) == ([], table)
    assert await find_holder(harness, first) == "A"
    await harness.opt_out(second, False)
    await assert_synced_well(harness)


async def test_R29_a_swap_onto_a_name_made_in_the_sis_stays(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    harness.edit(first, title="D")
    harness.make_in_sis(first)
    harness.edit(second, title="A")
    done = await sync(harness)
    assert (done[first.id], done[second.id]) == (("failed", "duplicate-name"), WAITS)
    assert columns(harness) == ["A", "B", "C", "D"]
    harness.edit(first, title="E")
    await assert_synced_well(harness)
    assert columns(harness) == ["A", "C", "D", "E"]


async def test_R29_half_of_a_swap_in_other_letters_waits(harness: DistrictHarness) -> None:
    rename(harness, "ba")
    first = harness.items[0]
    done = await sync(harness, assignments=[str(first.id)])
    roster = harness.district.sis.oneroster is not None
    assert done[first.id] == (("updated", None) if roster else ("failed", "duplicate-name"))
    assert columns(harness) == (["B", "C", "b"] if roster else ["A", "B", "C"])
    await assert_synced_well(harness)
    assert columns(harness) == ["C", "a", "b"]


async def test_R12_R29_half_of_a_swap_of_shortened_names_waits(harness: DistrictHarness) -> None:
    await harness.change_policy(shorten_titles=True)
    first, second, _ = harness.items
    one, two = "Essay one " * 40, "Essay two " * 40
    harness.edit(first, title=one)
    harness.edit(second, title=two)
    assert (await harness.sync()).status == "complete"
    names = columns(harness)
    harness.edit(first, title=two)
    harness.edit(second, title=one)
    assert await sync(harness, assignments=[str(first.id)]) == {first.id: WAITS}
    assert columns(harness) == names
    assert set((await sync(harness)).values()) == {("updated", None)}
    assert columns(harness) == names


NOT_ACCEPTED = Status(400, '{"message":"no","errors":[{"field":"assignmentcategoryassocid"}]}')


@pytest.mark.parametrize("titles", ["BA", "BCA", "DA"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "effect", [NOT_ACCEPTED, RefuseBefore(), LoseAfter()], ids=["refused", "not done", "done"]
)
async def test_R29_a_write_that_fails_doubles_no_name(
    harness: DistrictHarness, titles: str, nth: int, effect: Status | RefuseBefore | LoseAfter
) -> None:
    rename(harness, titles)
    system: System = "powerschool" if harness.district.sis.oneroster is None else "oneroster"
    times = 1 if isinstance(effect, Status) else 2
    harness.fault(system, CALLS[system], effect, nth=nth, times=times)
    done = await harness.sync()
    assert await find_false_claims(harness, done) == []
    assert len(set(columns(harness))) == 3
    await harness.end_faults()
    await assert_synced_well(harness)


async def test_R29_R52_what_waits_for_a_refused_name_is_foreseen(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    rename(harness, "cA")
    done = await harness.outcomes_by_cell(await compare(harness))
    if harness.district.sis.oneroster is None:
        assert (done[first.id, None], done[second.id, None]) == (("failed", "duplicate-name"), WAITS)
        assert columns(harness) == ["A", "B", "C"]


async def test_R29_a_longer_name_in_schoology_is_another(harness: DistrictHarness) -> None:
    """Let a switched-off assignment go from “A” to a name that begins with it: nobody is named “A” now."""
    first, second, _ = harness.items
    harness.edit(first, title="A10")
    harness.edit(second, title="A")
    await harness.opt_out(first)
    assert (await sync(harness))[second.id] == WAITS


async def test_R29_a_name_of_another_due_date_is_another(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    harness.edit(first, due=None, period=0)
    harness.edit(second, title="A")
    await harness.opt_out(first)
    assert (await sync(harness))[second.id] == WAITS
