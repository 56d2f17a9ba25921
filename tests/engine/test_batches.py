"""Send batches of scores that the SIS refuses: smaller ones are taken, and a bad row fails alone."""

from decimal import Decimal

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import held_at


async def test_spanning_batch_is_given_up_after_a_refusal(
    harness: DistrictHarness,
) -> None:
    harness.world.powerschool.switches.spanning = False
    await assert_synced_well(harness)
    for uid in harness.students:
        for item in harness.items:
            harness.grade(item, uid, 3)
    harness.forget_calls()
    await assert_synced_well(harness)
    assert [call.status for call in harness.world.powerschool.log.of("score.write")] == [200, 200]


@pytest.mark.parametrize("status", [400, 413])
async def test_batch_that_is_too_large_is_halved(environment: Environment, status: int) -> None:
    async with environment.open_district(world.build(7, 1, 9, 3, ideal=True)) as harness:
        harness.world.powerschool.switches.batch_limit = 7
        harness.world.powerschool.switches.batch_status = 413 if status == 413 else 400
        await assert_synced_well(harness)


async def test_assignment_deleted_during_the_write_is_set_aside(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    first, second = harness.items
    for item in harness.items:
        harness.grade(item, harness.students[0], 1)
    async with held_at(harness, "score.write", harness.sync()) as syncing:
        harness.delete_in_sis(first)
    outcomes = await harness.outcomes_by_cell(await syncing)
    assert outcomes[first.id, harness.students[0]] == ("failed", "assignment-gone")
    assert outcomes[second.id, harness.students[0]] == ("written", None)
    await assert_synced_well(harness)


async def test_refused_score_fails_alone(harness: DistrictHarness) -> None:
    harness.world.powerschool.switches.inferred.add("negative_score")
    harness.grade(harness.items[0], harness.students[0], Decimal(-1))
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert outcomes[harness.items[0].id, harness.students[0]] == ("failed", "score-not-accepted")
    assert sum(result == "written" for result, _ in outcomes.values()) == 5


async def test_unexplained_refusal_is_narrowed_to_one_score(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    for item in harness.items:
        for uid in harness.students:
            harness.grade(item, uid, 4)
    harness.fault("powerschool", "score.write", Status(409, '{"message":"no"}'), times=4)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    await assert_synced_well(harness)
