"""Batches of scores that the SIS does not take as they are: smaller ones go, and one bad row costs itself."""

from decimal import Decimal

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from harness.assertions import untrue, well
from harness.district import Stage
from harness.environment import Theatre
from harness.faults import held_at


async def test_a_batch_over_several_assignments_is_given_up_where_the_sis_refuses_it(stage: Stage) -> None:
    stage.world.powerschool.switches.spanning = False
    await well(stage)
    for uid in stage.students:
        for item in stage.items:
            stage.grade(item, uid, 3)
    stage.forget_calls()
    await well(stage)
    assert [call.status for call in stage.world.powerschool.log.of("score.write")] == [200, 200]


@pytest.mark.parametrize("status", [400, 413])
async def test_a_batch_that_is_too_large_is_halved(theatre: Theatre, status: int) -> None:
    async with theatre.stage(world.build(7, 1, 9, 3, ideal=True)) as stage:
        stage.world.powerschool.switches.batch_limit = 7
        stage.world.powerschool.switches.batch_status = 413 if status == 413 else 400
        await well(stage)


async def test_an_assignment_deleted_while_scores_are_sent_sets_itself_aside(stage: Stage) -> None:
    await well(stage)
    one, other = stage.items
    for item in stage.items:
        stage.grade(item, stage.students[0], 1)
    async with held_at(stage, "score.write", stage.sync()) as syncing:
        stage.delete_in_sis(one)
    told = await stage.told(await syncing)
    assert told[one.id, stage.students[0]] == ("failed", "assignment-gone")
    assert told[other.id, stage.students[0]] == ("written", None)
    await well(stage)


async def test_one_refused_score_costs_itself_alone(stage: Stage) -> None:
    stage.world.powerschool.switches.inferred.add("negative_score")
    stage.grade(stage.items[0], stage.students[0], Decimal(-1))
    told = await stage.told(await stage.sync())
    assert told[stage.items[0].id, stage.students[0]] == ("failed", "score-not-accepted")
    assert sum(result == "written" for result, _ in told.values()) == 5


async def test_an_unexplained_refusal_is_narrowed_down_to_one_score(stage: Stage) -> None:
    await well(stage)
    for item in stage.items:
        for uid in stage.students:
            stage.grade(item, uid, 4)
    stage.fault("powerschool", "score.write", Status(409, '{"message":"no"}'), times=4)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    await well(stage)
