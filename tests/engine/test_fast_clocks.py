"""Carry every change after the clock that stamps cells ran ahead of Schoology's own (R48)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from harness.district import DistrictHarness
from harness.environment import Environment

HOUR = 3600.0


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide three assignments and four students, points in every cell, all synced an hour ago."""
    async with environment.open_district(world.build(7, 1, 4, 3, ideal=True)) as harness:
        await read_in_sync(harness)
        harness.world.schoology.advance_clock(HOUR)
        yield harness


async def read_in_sync(harness: DistrictHarness) -> int:
    """Run one sync that leaves nothing to send, and return the number of scores that it read."""
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])
    return int(sync.scores["read"])


@pytest.mark.parametrize("ahead", [660, 1800, HOUR])
async def test_R48_a_change_after_a_fast_cell_clock_is_carried(
    harness: DistrictHarness, ahead: float
) -> None:
    schoology, (first, second, _), uids = harness.world.schoology, harness.items, harness.students
    schoology.switches.cell_clock_offset = ahead
    for uid in uids:
        harness.grade(first, uid, 2)
    await read_in_sync(harness)
    schoology.switches.cell_clock_offset = 0
    harness.world.schoology.advance_clock(1)
    harness.grade(second, uids[1], 3)
    assert await read_in_sync(harness) <= len(uids) + 2  # those ahead, and the latest one of before
    harness.world.schoology.advance_clock(2 * HOUR)
    await read_in_sync(harness)
    harness.grade(second, uids[0], 4)
    assert await read_in_sync(harness) <= len(uids) + 1


async def test_R48_one_cell_from_the_future_hides_no_other(harness: DistrictHarness) -> None:
    section, (item, other, _), uids = harness.room.section, harness.items, harness.students
    harness.grade(item, uids[0], 2)
    section.cells[item.id, section.enrollment_of(uids[0]).id].timestamp = 2**31 - 1
    await read_in_sync(harness)
    for number in range(3):
        harness.world.schoology.advance_clock(HOUR)
        harness.grade(other, uids[number], number)
        assert await read_in_sync(harness) == 3  # the one ahead, and the latest one of before


async def test_R48_a_first_sync_by_a_fast_cell_clock_hides_nothing(environment: Environment) -> None:
    built = world.build(7, 1, 4, 1, ideal=True)
    built.schoology.switches.cell_clock_offset = HOUR
    async with environment.open_district(built) as harness:
        for uid in harness.students:
            harness.grade(harness.items[0], uid, 2)
        await read_in_sync(harness)
        built.schoology.switches.cell_clock_offset = 0
        harness.world.schoology.advance_clock(1)
        harness.grade(harness.items[0], harness.students[0], 3)
        await read_in_sync(harness)
