"""Move names from one assignment to another: the SIS takes no name twice on one due date (R29)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import LoseAfter, RefuseBefore, Status
from gradesync_sandbox.schoology.model import Item
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide assignments A, B and C of one due date and three students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 3, 3, ideal=True)) as harness:
        for item, title in zip(harness.items, "ABC", strict=True):
            harness.edit(item, title=title, due=harness.items[0].due)
        await assert_synced_well(harness)
        harness.forget_calls()
        yield harness


def rename(items: list[Item], harness: DistrictHarness, titles: str) -> None:
    for item, title in zip(items, titles, strict=True):
        harness.edit(item, title=title)


def ids(harness: DistrictHarness) -> dict[str, int]:
    """Return the SIS assignments as name -> ASSIGNMENTID."""
    dcid, assignments = (
        harness.room.sis.dcid,
        harness.world.powerschool.gradebook.of_section(harness.room.sis),
    )
    return {assignment.section(dcid).name: assignment.assignmentid for assignment in assignments}


@pytest.mark.parametrize("titles", ["BCD", "DAB"])
async def test_names_moved_along_a_line_cost_no_refusal(harness: DistrictHarness, titles: str) -> None:
    rename(harness.items, harness, titles)
    await assert_synced_well(harness)
    assert harness.writes == ["assignment.update"] * 3


@pytest.mark.parametrize("titles", ["BAC", "BCA", "CAB"])
async def test_swapped_names_end_as_planned(harness: DistrictHarness, titles: str) -> None:
    before = ids(harness)
    rename(harness.items, harness, titles)
    await assert_synced_well(harness)
    assert ids(harness) == {after: before[name] for name, after in zip("ABC", titles, strict=True)}
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


@pytest.mark.parametrize("days", [1, 2], ids=["swapped", "moved on"])
async def test_swapped_due_dates_of_one_name_end_as_planned(harness: DistrictHarness, days: int) -> None:
    first, second, _ = harness.items
    assert first.due is not None
    today, tomorrow = first.due, first.due + timedelta(days=1)
    harness.edit(second, title="A", due=tomorrow)
    await assert_synced_well(harness)
    harness.edit(first, due=today + timedelta(days=days))
    harness.edit(second, due=today)
    await assert_synced_well(harness)


async def test_new_assignment_takes_a_name_that_becomes_free(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], title="D")
    harness.add("A")
    await assert_synced_well(harness)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("effect", [RefuseBefore(), LoseAfter()], ids=["not done", "done"])
async def test_swapped_names_survive_any_lost_answer(
    harness: DistrictHarness, nth: int, effect: RefuseBefore | LoseAfter
) -> None:
    rename(harness.items, harness, "BAC")
    harness.fault("powerschool", "assignment.update", effect, nth=nth)
    await assert_synced_well(harness)


async def test_half_swapped_names_are_corrected_by_the_next_sync(harness: DistrictHarness) -> None:
    rename(harness.items, harness, "BAC")
    harness.fault("powerschool", "assignment.update", Status(503), nth=2, times=None)
    stopped = await harness.sync()
    assert stopped.status == "failed"
    assert await harness.warnings(stopped) == {(harness.items[0].id, None): ["name-set-aside"]}
    assert len(harness.table()) == 3
    harness.faults.clear()
    await harness.pass_time()
    sync = await harness.sync()
    assert (sync.status, await harness.warnings(sync), harness.differences()) == ("complete", {}, [])


async def test_swap_without_a_temporary_name_fails_both(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    rename(harness.items, harness, "BAC")
    no = Status(409, '{"message":"no","errors":[{"field":"name"}]}')
    harness.fault("powerschool", "assignment.update", no)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert outcomes[first.id, None] == outcomes[second.id, None] == ("failed", "name-not-free")
    assert (set(ids(harness)), await harness.warnings(sync)) == ({"A", "B", "C"}, {})
    await assert_synced_well(harness)


NOT_ACCEPTED = Status(400, '{"message":"no","errors":[{"field":"assignmentcategoryassocid"}]}')


@pytest.mark.parametrize(("titles", "turns"), [("BAC", 2), ("BCA", 3)])
async def test_name_set_aside_for_nothing_is_restored(
    harness: DistrictHarness, titles: str, turns: int
) -> None:
    before = ids(harness)
    rename(harness.items, harness, titles)
    harness.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert sorted(outcomes[item.id, None] for item in harness.items[:turns]) == [
        ("failed", "assignment-not-accepted"),
        *[("failed", "name-not-free")] * (turns - 1),
    ]
    assert (ids(harness), await harness.warnings(sync)) == (before, {})
    # Set aside and restored: the fault struck the one between, and what waits for that is not sent.
    assert harness.writes == ["assignment.update"] * 2
    await assert_synced_well(harness)


@pytest.mark.parametrize("effect", [RefuseBefore(), LoseAfter()], ids=["not done", "done"])
async def test_name_is_restored_though_an_answer_is_lost(
    harness: DistrictHarness, effect: RefuseBefore | LoseAfter
) -> None:
    before = ids(harness)
    rename(harness.items, harness, "BAC")
    harness.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    harness.fault("powerschool", "assignment.update", effect, nth=3)
    sync = await harness.sync()
    assert (ids(harness), await harness.warnings(sync)) == (before, {})
    await assert_synced_well(harness)


@pytest.mark.parametrize(("titles", "nth"), [("BAC", 3), ("BCA", 3), ("BCA", 4)])
async def test_name_taken_meanwhile_leaves_a_warning(harness: DistrictHarness, titles: str, nth: int) -> None:
    first = harness.items[0]
    before = ids(harness)
    rename(harness.items, harness, titles)
    harness.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=nth)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert ids(harness)[f"A ({first.id})"] == before["A"]
    assert await harness.warnings(sync) == {(first.id, None): ["name-set-aside"]}
    await assert_synced_well(harness)


async def test_a_restore_that_stops_the_sync_hides_no_refusal(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    rename(harness.items, harness, "BAC")
    harness.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    harness.fault("powerschool", "assignment.update", Status(401, "{}"), nth=3, times=None)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert (sync.error_code, outcomes[second.id, None], outcomes[first.id, None]) == (
        "sis-credentials-refused",
        ("failed", "assignment-not-accepted"),
        ("failed", "name-not-free"),
    )
    assert await harness.warnings(sync) == {(first.id, None): ["name-set-aside"]}


async def test_name_set_aside_warns_in_every_sync(harness: DistrictHarness) -> None:
    first, second, _ = harness.items
    rename(harness.items, harness, "BAC")
    harness.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    harness.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=3)
    warnings = {(first.id, None): ["name-set-aside"]}
    assert await harness.warnings(await harness.sync()) == warnings
    await harness.opt_out(first)
    assert await harness.warnings(await harness.sync()) == warnings
    await harness.opt_out(first, False)
    await assert_synced_well(harness)
    assert harness.part(second).name == "A"
