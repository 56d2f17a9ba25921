"""Sync only some assignments, among them some that no gradebook contains."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment

UNKNOWN = 8_888_888_888


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments and three students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.forget_calls()
        yield harness


@pytest.mark.parametrize("dry_run", [False, True], ids=["sync", "preview"])
async def test_unknown_assignment_fails_alone(harness: DistrictHarness, dry_run: bool) -> None:
    item, uid = harness.items[0], harness.students[0]
    harness.grade(item, uid, 1)
    sync = await harness.sync(assignments=[str(UNKNOWN), str(item.id)], dry_run=dry_run)
    assert await find_false_claims(harness, sync) == []
    assert await harness.outcomes_by_cell(sync) == {
        (UNKNOWN, None): ("failed", "assignment-unknown"),
        (item.id, uid): ("written", None),
    }
    assert (sync.status, sync.assignments["read"]) == ("failed", 2)


async def test_changed_points_without_scores_need_no_read_back(
    harness: DistrictHarness,
) -> None:
    item = harness.add("Not graded yet", 10)
    assert (await harness.sync()).status == "complete"
    harness.edit(item, max_points=20)
    harness.forget_calls()
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert (await harness.outcomes_by_cell(sync))[item.id, None] == ("updated", None)
    assert harness.world.powerschool.log.of("schema.assignmentscore") == []
    assert harness.writes == ["assignment.update"]
