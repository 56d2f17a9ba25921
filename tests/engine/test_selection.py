"""Syncs of some assignments: what is meant, and what no gradebook holds."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre

UNKNOWN = 8_888_888_888


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Two assignments, three students, all of it synced."""
    async with theatre.stage(world.build(7, 1, 3, 2, ideal=True)) as stage:
        assert (await stage.sync()).status == "complete"
        stage.forget_calls()
        yield stage


@pytest.mark.parametrize("dry_run", [False, True], ids=["sync", "preview"])
async def test_an_assignment_that_the_gradebook_does_not_hold_fails_and_the_others_go(
    stage: Stage, dry_run: bool
) -> None:
    item, uid = stage.items[0], stage.students[0]
    stage.grade(item, uid, 1)
    sync = await stage.sync(assignments=[str(UNKNOWN), str(item.id)], dry_run=dry_run)
    assert await untrue(stage, sync) == []
    assert await stage.told(sync) == {
        (UNKNOWN, None): ("failed", "assignment-unknown"),
        (item.id, uid): ("written", None),
    }
    assert (sync.status, sync.assignments["read"]) == ("failed", 2)


async def test_other_total_points_of_an_assignment_without_scores_need_no_look_at_scores(
    stage: Stage,
) -> None:
    item = stage.add("Not graded yet", 10)
    assert (await stage.sync()).status == "complete"
    stage.edit(item, max_points=20)
    stage.forget_calls()
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    assert (await stage.told(sync))[item.id, None] == ("updated", None)
    assert stage.world.powerschool.log.of("schema.assignmentscore") == []
    assert stage.writes == ["assignment.update"]
