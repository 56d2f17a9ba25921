"""Answers that never come, or say too little: nothing is done twice, and nothing is said that is not so."""

import pytest

from gradesync_sandbox.faults import Body, Change, Hold, LoseAfter, RefuseBefore
from harness.assertions import untrue, well
from harness.district import Stage
from harness.faults import held_at, scores_are_unreadable

JSON = {"content-type": "application/json"}
EMPTY_LIST = Body("[]", headers=JSON)


# Creates


async def test_a_create_that_never_comes_is_tried_twice_and_fails_alone(stage: Stage) -> None:
    one, other = stage.items
    stage.fault("powerschool", "assignment.create", RefuseBefore(), times=2)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    told = await stage.told(sync)
    assert told[one.id, None] == ("failed", "upstream-unavailable")
    assert told[one.id, stage.students[0]] == ("failed", "assignment-failed")
    assert told[other.id, None] == ("created", None)
    await well(stage)
    assert len(stage.table()) == 2


async def test_a_create_that_lands_before_its_second_try_is_taken_for_our_own(stage: Stage) -> None:
    """The second try clashes with the first: their names are one, and both are ours."""

    def too_late(listed: bytes) -> bytes:
        stage.faults.release()
        return listed

    stage.fault("powerschool", "assignment.create", Hold("after"))
    stage.fault("powerschool", "assignment.list", Change(too_late), nth=3)  # the last look before that try
    await well(stage)
    assert len(stage.table()) == 2


async def test_a_lost_create_is_found_among_others(stage: Stage) -> None:
    stage.fault("powerschool", "assignment.create", LoseAfter(), nth=2)
    await well(stage)
    assert stage.created == 2


async def test_a_create_that_clashes_with_what_someone_typed_in_meanwhile_takes_nothing(stage: Stage) -> None:
    one, other = stage.items
    async with held_at(stage, "assignment.create", stage.sync()) as syncing:
        typed = stage.make_in_sis(one)
    told = await stage.told(await syncing)
    assert told[one.id, None] == ("failed", "duplicate-name")
    assert told[other.id, None] == ("created", None)
    assert stage.world.powerschool.gradebook.scores[typed.assignmentsectionid] == {}


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_create_that_is_said_to_be_done_is_looked_for_and_not_repeated(
    stage: Stage, done: bool
) -> None:
    one, other = stage.items
    stage.fault("powerschool", "assignment.create", Body("", status=201, headers={}, done=done))
    sync = await stage.sync()
    told = await stage.told(sync)
    assert await untrue(stage, sync) == []
    assert told[one.id, None] == (("created", None) if done else ("failed", "upstream-unavailable"))
    assert told[other.id, None] == ("created", None)
    assert stage.created == 1 + done
    await well(stage)


async def test_new_assignments_that_the_list_lacks_are_asked_for_by_id(stage: Stage) -> None:
    stage.fault("powerschool", "assignment.list", EMPTY_LIST, nth=2)
    await well(stage)
    assert stage.created == 2


async def test_a_new_assignment_that_is_deleted_at_once_takes_its_scores_along(stage: Stage) -> None:
    one, other = stage.items
    async with held_at(stage, "assignment.list", stage.sync(), nth=2) as syncing:
        stage.delete_in_sis(one)
    told = await stage.told(await syncing)
    assert told[one.id, stage.students[0]] == ("failed", "assignment-failed")
    assert told[other.id, stage.students[0]] == ("written", None)
    await well(stage)


# Updates


async def test_an_assignment_that_goes_while_its_update_is_lost_is_made_anew(stage: Stage) -> None:
    await well(stage)
    one, _ = stage.items
    stage.fault("powerschool", "assignment.update", LoseAfter())
    before = stage.part(one).assignmentsectionid
    stage.edit(one, title="Another name")
    async with held_at(stage, "assignment.get", stage.sync(), nth=2) as syncing:  # the look after the update
        stage.delete_in_sis(one)
    told = await stage.told(await syncing)
    assert told[one.id, None] == ("failed", "assignment-gone")
    await well(stage)
    assert stage.part(one).assignmentsectionid != before


# Scores


async def test_scores_that_never_come_are_owed_and_go_with_the_next_sync(stage: Stage) -> None:
    stage.fault("powerschool", "score.write", RefuseBefore(), times=2)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    told = await stage.told(sync)
    assert {told[item.id, uid] for item in stage.items for uid in stage.students} == {
        ("failed", "upstream-unavailable")
    }
    await well(stage)
    assert stage.world.powerschool.log.effects() == {"written": 6}


async def test_lost_scores_that_came_are_seen_and_not_sent_again(stage: Stage) -> None:
    stage.fault("powerschool", "score.write", LoseAfter())
    await well(stage)
    assert stage.world.powerschool.log.effects() == {"written": 6}


async def test_lost_scores_are_sent_again_where_nobody_can_look(stage: Stage) -> None:
    scores_are_unreadable(stage)
    stage.fault("powerschool", "score.write", LoseAfter())
    await well(stage)
    assert stage.world.powerschool.log.effects() == {"written": 6, "unchanged": 6}
