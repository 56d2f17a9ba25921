"""Fail batches of scores without a word: the rows that break them are found, and only they fail (R47)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import RefuseBefore, Status
from gradesync_sandbox.powerschool.switches import ScoreFault
from gradesync_sandbox.schoology.model import Item
from harness.assertions import assert_synced_well, find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import roster_is_unreadable, scores_are_unreadable

REFUSED = ("failed", "score-not-accepted")
WRITTEN = ("written", None)


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments of twelve students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 12, 2, ideal=True)) as harness:
        await assert_synced_well(harness)
        harness.forget_calls()
        yield harness


def poison(harness: DistrictHarness, *uids: int, item: Item | None = None) -> None:
    """Let every batch with one of these students fail."""
    part = harness.part(item).assignmentsectionid if item else None
    for uid in uids:
        fault = ScoreFault("poison", student=harness.room.students[uid].dcid, part=part, times=None)
        harness.world.powerschool.switches.score_faults.append(fault)


def grade_all(harness: DistrictHarness, points: int) -> None:
    for item in harness.items:
        for uid in harness.students:
            harness.grade(item, uid, points)


async def fail_alone(harness: DistrictHarness) -> None:
    """Poison one cell of a class that changes as a whole: it fails alone, as often as it is sent."""
    first, bad = harness.items[0], harness.students[4]
    poison(harness, bad, item=first)
    # Where each score is a call, the bad one is sent twice in each sync.
    most = 16 if harness.sandbox.oneroster is None else 25
    for points in (3, 4):
        grade_all(harness, points)
        harness.forget_calls()
        outcomes = await sync_checked(harness)
        assert [key for key, outcome in outcomes.items() if outcome == REFUSED] == [(first.id, bad)]
        assert sum(outcome == WRITTEN for outcome in outcomes.values()) == 23
        assert len(harness.writes) <= most
    harness.world.powerschool.switches.score_faults.clear()
    await assert_synced_well(harness)


async def test_R47_a_row_that_breaks_every_batch_fails_alone(harness: DistrictHarness) -> None:
    await fail_alone(harness)


async def test_R47_a_row_that_cannot_be_read_back_fails_alone(harness: DistrictHarness) -> None:
    scores_are_unreadable(harness)
    await fail_alone(harness)


async def test_R47_a_few_rows_that_break_batches_are_all_found(harness: DistrictHarness) -> None:
    bad = harness.students[:3]
    poison(harness, *bad)
    grade_all(harness, 3)
    outcomes = await sync_checked(harness)
    assert {key for key, outcome in outcomes.items() if outcome == REFUSED} == {
        (item.id, uid) for item in harness.items for uid in bad
    }


async def test_R47_a_lone_row_fails_as_it_did_in_its_batch(harness: DistrictHarness) -> None:
    first, bad = harness.items[0], harness.students[0]
    poison(harness, bad)
    harness.grade(first, bad, 3)
    assert await sync_checked(harness) == {(first.id, bad): REFUSED}


@pytest.mark.parametrize("rows", [1, 2, 12])
async def test_R47_a_sis_that_fails_at_everything_is_down(harness: DistrictHarness, rows: int) -> None:
    for uid in harness.students[:rows]:
        harness.grade(harness.items[0], uid, 3)
    harness.fault("powerschool", "score.write", Status(503), times=None)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    outcomes = await harness.outcomes_by_cell(sync)
    assert {end for (_, uid), end in outcomes.items() if uid} == {("failed", "upstream-unavailable")}
    assert len(harness.faults.struck) <= 10
    await harness.end_faults()
    await assert_synced_well(harness)


async def test_R47_a_sis_that_goes_down_meanwhile_costs_few_calls(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 40, 1, ideal=True)) as harness:
        await assert_synced_well(harness)
        for uid in harness.students:
            harness.grade(harness.items[0], uid, 3)
        poison(harness, harness.students[0])
        harness.fault("powerschool", "score.write", Status(500), nth=5, times=None)
        outcomes = (await harness.outcomes_by_cell(await harness.sync())).values()
        assert {("failed", "upstream-unavailable"), WRITTEN} <= set(outcomes)
        assert len(harness.faults.struck) <= 40


async def test_R47_connections_that_break_are_no_poison(harness: DistrictHarness) -> None:
    grade_all(harness, 3)
    harness.fault("powerschool", "score.write", RefuseBefore(), times=None)
    sync = await harness.sync()
    assert sync.status == "failed"
    assert REFUSED not in (await harness.outcomes_by_cell(sync)).values()


async def test_R42_an_assignment_that_refuses_all_costs_few_calls(harness: DistrictHarness) -> None:
    roster_is_unreadable(harness)
    grade_all(harness, 3)
    harness.fault("powerschool", "score.write", Status(409, '{"message":"Locked Term"}'), times=None)
    outcomes = await sync_checked(harness)
    assert {end for (_, uid), end in outcomes.items() if uid} == {("failed", "term-locked")}
    assert len(harness.faults.struck) == 6


async def test_R42_one_assignment_may_refuse_every_score(harness: DistrictHarness) -> None:
    """Take the first assignment, and refuse all of the second, its halves and three of its rows."""
    first, second = harness.items
    grade_all(harness, 3)
    locked = Status(409, '{"message":"Locked Term"}')
    harness.fault("powerschool", "score.write", locked)
    harness.fault("powerschool", "score.write", locked, nth=3, times=None)
    outcomes = await sync_checked(harness)
    assert {outcomes[first.id, uid] for uid in harness.students} == {WRITTEN}
    assert {outcomes[second.id, uid] for uid in harness.students} == {("failed", "term-locked")}
    assert len(harness.faults.struck) == 7


async def test_R42_absent_students_are_found_by_the_roster(harness: DistrictHarness) -> None:
    grade_all(harness, 3)
    gone = harness.students[5]
    harness.world.powerschool.drop(harness.room.students[gone], harness.room.sis)
    harness.fault("powerschool", "score.write", Status(409, '{"message":"no"}'))
    outcomes = await sync_checked(harness)
    assert {outcomes[item.id, gone] for item in harness.items} == {("failed", "student-not-in-sis-section")}
    assert sum(outcome == WRITTEN for outcome in outcomes.values()) == 22


async def test_R42_rows_that_pass_alone_are_written(harness: DistrictHarness) -> None:
    """Refuse two rows together and in turn; sent once more to see whether anything passes, both do."""
    roster_is_unreadable(harness)
    for item in harness.items:
        harness.grade(item, harness.students[0], 3)
    harness.fault("powerschool", "score.write", Status(409, '{"message":"no"}'), times=3)
    assert set((await sync_checked(harness)).values()) == {WRITTEN}
