"""Reconcile what a sync counts with the outcomes that can be listed (R54)."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradesync.db.syncs import Sync
from gradesync_sandbox import world
from harness.assertions import find_miscounts
from harness.counted_syncs import REFUSED, STEPS, STOPS, Step
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import kill_worker
from harness.random_changes import change_at_random
from harness.sis_kinds import POWERSCHOOL, ROSTER_KINDS, STANDARD, Kind, open_kind


async def run_step(harness: DistrictHarness, step: Step, number: int) -> Sync:
    """Run one sync, expect that it ends and counts what it lists, and end its faults."""
    sync = await step(harness, number)
    assert sync.status != "processing"
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == [], step.__name__
    await harness.end_faults()
    return sync


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """Return the loop that the environment belongs to."""
    return asyncio.get_running_loop()


@pytest.mark.sample(6)
@pytest.mark.parametrize("kind", [POWERSCHOOL, STANDARD], ids=str)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_R54_counts_are_those_of_outcomes_at_each_end(
    environment: Environment, step: Step, kind: Kind
) -> None:
    async with open_kind(environment, kind, world.build(5, 1, 7, 6)) as harness:
        first = await run_step(harness, step, 9)
        assert first.error_code == STOPS.get(step)
        assert sum(first.scores.values()) > 0
        change_at_random(harness, 5)
        await run_step(harness, step, 1)


def test_R54_counts_are_those_of_outcomes_in_any_history(
    environment: Environment, loop: asyncio.AbstractEventLoop, run_all: bool
) -> None:
    async def run_history(kind: Kind, seed: int, steps: Sequence[tuple[Step, int]]) -> None:
        async with open_kind(environment, kind, world.build(seed, 1, 7, 6)) as harness:
            for step, number in steps:
                await run_step(harness, step, number)
                change_at_random(harness, seed + number)

    @settings(max_examples=12 if run_all else 4, suppress_health_check=list(HealthCheck))
    @given(
        kind=st.sampled_from([POWERSCHOOL, *ROSTER_KINDS]),
        seed=st.integers(0, 999),
        steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 12)), min_size=3, max_size=7),
    )
    def check(kind: Kind, seed: int, steps: list[tuple[Step, int]]) -> None:
        loop.run_until_complete(run_history(kind, seed, steps))

    check()


async def test_R54_a_never_scored_cell_is_not_counted(harness: DistrictHarness) -> None:
    """Refuse a new assignment, of which one score was given: only that one was read, and failed."""
    await harness.sync()
    item, uid = harness.add("New"), harness.students[0]
    harness.grade(item, uid, 5)
    harness.fault("powerschool", "assignment.create", REFUSED)
    sync = await harness.sync(mode="full")
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == []
    scored = len(harness.students) * 2
    assert (sync.scores["unchanged"], sync.scores["failed"], sync.scores["read"]) == (scored, 1, scored + 1)
    assert (await harness.outcomes_by_cell(sync))[item.id, uid] == ("failed", "assignment-failed")


async def test_R54_only_scores_that_exist_fail(environment: Environment) -> None:
    """Refuse three assignments of twenty students, three of whose sixty cells were never scored."""
    async with environment.open_district(world.build(7, 1, 20, 3, ideal=True)) as harness:
        section = harness.room.section
        for item, uid in zip(harness.items, harness.students, strict=False):
            del section.cells[item.id, section.enrollment_of(uid).id]
        harness.fault("powerschool", "assignment.create", REFUSED, times=None)
        for mode in ("changes", "full"):
            sync = await harness.sync(mode=mode)
            assert (sync.assignments["failed"], sync.scores["failed"], sync.scores["read"]) == (3, 57, 57)


async def test_R54_a_continued_sync_counts_nothing_twice(harness: DistrictHarness) -> None:
    """Let the worker die in its second batch: what the first one wrote is unchanged for the next worker."""
    harness.world.powerschool.switches.spanning = False
    begun = await kill_worker(harness, 2, "before", call="score.write")
    sync = await harness.run_to_end(begun)
    assert (sync.attempt, sync.status) == (2, "complete")
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == []
    students = len(harness.students)
    assert (sync.assignments["created"], sync.assignments["read"]) == (2, 2)
    assert sync.scores["written"] == sync.scores["adopted"] == students
    assert sync.scores["read"] == 2 * students


async def test_R54_unchanged_scores_are_one_row_an_assignment(harness: DistrictHarness) -> None:
    await harness.sync()
    sync = await harness.sync(mode="full")
    listed = [(row.kind, row.assignment_id, row.count) for row in await harness.list_outcomes(sync)]
    students = len(harness.students)
    scores = [("score", str(item.id), students) for item in harness.items]
    assert listed == [("assignment", "", 2), *scores]
