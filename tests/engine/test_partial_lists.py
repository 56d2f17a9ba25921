"""Miss nobody and nothing by a list that announces more than it shows (R49)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Change
from harness.district import DistrictHarness
from harness.environment import Environment


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide a class that never synced: two assignments and six students, points in every cell."""
    async with environment.open_district(world.build(7, 1, 6, 2, ideal=True)) as harness:
        yield harness


def shorten(harness: DistrictHarness, key: str, rows: int, *, once: bool = False) -> None:
    """Let Schoology show no more than some rows of a list, and announce all of them."""
    harness.world.schoology.switches.partial_lists = {key: rows}
    harness.world.schoology.switches.partial_once = harness.world.schoology.switches.partial_rest = once


async def assert_recovers(harness: DistrictHarness) -> None:
    """Expect the next sync, of whole lists, to bring everything."""
    harness.world.schoology.switches.partial_lists = {}
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])


async def test_R49_nobody_is_skipped_by_a_partial_roster(harness: DistrictHarness) -> None:
    shorten(harness, "enrollment", 4)
    sync = await harness.sync()
    results = {(str(row.result), row.reason) for row in await harness.outcomes(sync)}
    assert ("failed", "partial-read") in results
    assert not [reason for result, reason in results if result == "skipped"]
    assert (sync.status, sync.warnings["partial-read"]) == ("failed", 2)
    entry = (await harness.ledger())[str(harness.items[0].id)]
    assert (entry.read_through, dict(entry.owed)) == (None, {})
    await assert_recovers(harness)


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_R49_a_later_partial_roster_skips_nobody(harness: DistrictHarness, mode: str) -> None:
    assert (await harness.sync()).status == "complete"
    for uid in harness.students:
        harness.grade(harness.items[0], uid, 1)
    shorten(harness, "enrollment", 3)
    sync = await harness.sync(mode=mode)
    assert (sync.status, sync.scores["skipped"]) == ("failed", 0)
    assert sync.warnings["partial-read"] > 0
    await assert_recovers(harness)


async def test_R49_no_due_date_is_filled_by_a_partial_list(harness: DistrictHarness) -> None:
    """Announce more grading periods than the list shows: that of the assignment is not among them."""
    undated = harness.items[0]
    harness.edit(undated, due=None)
    assert undated.period
    cut = Change(lambda body: body[:-1] + b',"total":"9"}')
    harness.room.section.periods, periods = [], harness.room.section.periods
    fault = harness.fault("schoology", "grading_periods", cut, times=None)
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert fault.seen > 0
    assert outcomes[undated.id, None] == ("failed", "partial-read")
    harness.faults.clear()
    harness.room.section.periods = periods
    await assert_recovers(harness)


async def test_R49_a_list_that_is_whole_when_asked_on_costs_nothing(harness: DistrictHarness) -> None:
    shorten(harness, "enrollment", 3, once=True)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_R49_no_assignment_is_unknown_by_a_partial_list(harness: DistrictHarness) -> None:
    second = harness.items[1]
    assert (await harness.sync()).status == "complete"
    before = (await harness.ledger())[str(second.id)]
    shorten(harness, "assignment", 1)
    sync = await harness.sync(mode="full")
    outcomes = await harness.outcomes_by_cell(sync)
    assert {outcomes[second.id, uid] for uid in harness.students} == {("failed", "partial-read")}
    assert (await harness.ledger())[str(second.id)] == before
    chosen = await harness.sync(assignments=[str(second.id)])
    assert (await harness.outcomes_by_cell(chosen))[second.id, None] == ("failed", "partial-read")
    await assert_recovers(harness)


async def test_R49_no_course_admin_is_missing_by_a_partial_roster(harness: DistrictHarness) -> None:
    admin = harness.room.section.enrollment_of(harness.room.teacher.uid)
    enrollments = harness.room.section.enrollments
    enrollments[admin.id] = enrollments.pop(admin.id)  # listed last
    shorten(harness, "enrollment", 2)
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "partial-read")


async def test_R49_no_category_is_unmapped_by_a_partial_list(harness: DistrictHarness) -> None:
    """Show the first category alone: nothing of the others is skipped, on the first sync and later."""
    first, second = harness.items
    for mode in ("changes", "full"):
        shorten(harness, "grading_category", 1)
        preview = await harness.outcomes_by_cell(await harness.sync(mode=mode, dry_run=True))
        sync = await harness.sync(mode=mode)
        outcomes = await harness.outcomes_by_cell(sync)
        assert outcomes == preview
        assert outcomes[second.id, None] == ("failed", "partial-read")
        assert not [reason for result, reason in outcomes.values() if result == "skipped"]
        assert outcomes.get((first.id, None), ("created", None))[0] in {"created", "unchanged"}
        await assert_recovers(harness)


async def test_R49_pairs_outlive_a_partial_list_of_categories(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    table = harness.table()
    shorten(harness, "grading_category", 1)
    for item in harness.items:
        harness.grade(item, harness.students[0], 1)
    await harness.sync(mode="full")
    await assert_recovers(harness)
    assert harness.table().keys() == table.keys()
