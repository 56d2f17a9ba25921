"""Miss nobody and nothing by a list that announces more than it shows (R49)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
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
