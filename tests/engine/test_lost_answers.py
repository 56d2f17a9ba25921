"""Answers that never come, or say too little: nothing is done twice, and nothing is said that is not so."""

import pytest

from gradesync_sandbox.faults import Body, Change, Hold, LoseAfter, RefuseBefore
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.faults import held_at, scores_are_unreadable

JSON = {"content-type": "application/json"}
EMPTY_LIST = Body("[]", headers=JSON)


# Creates


async def test_a_create_that_never_comes_is_tried_twice_and_fails_alone(harness: DistrictHarness) -> None:
    one, other = harness.items
    harness.fault("powerschool", "assignment.create", RefuseBefore(), times=2)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    told = await harness.outcomes_by_cell(sync)
    assert told[one.id, None] == ("failed", "upstream-unavailable")
    assert told[one.id, harness.students[0]] == ("failed", "assignment-failed")
    assert told[other.id, None] == ("created", None)
    await assert_synced_well(harness)
    assert len(harness.table()) == 2


async def test_a_create_that_lands_before_its_second_try_is_taken_for_our_own(
    harness: DistrictHarness,
) -> None:
    """The second try clashes with the first: their names are one, and both are ours."""

    def too_late(listed: bytes) -> bytes:
        harness.faults.release()
        return listed

    harness.fault("powerschool", "assignment.create", Hold("after"))
    harness.fault("powerschool", "assignment.list", Change(too_late), nth=3)  # the last look before that try
    await assert_synced_well(harness)
    assert len(harness.table()) == 2


async def test_a_lost_create_is_found_among_others(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "assignment.create", LoseAfter(), nth=2)
    await assert_synced_well(harness)
    assert harness.created == 2


async def test_a_create_that_clashes_with_what_someone_typed_in_meanwhile_takes_nothing(
    harness: DistrictHarness,
) -> None:
    one, other = harness.items
    async with held_at(harness, "assignment.create", harness.sync()) as syncing:
        typed = harness.make_in_sis(one)
    told = await harness.outcomes_by_cell(await syncing)
    assert told[one.id, None] == ("failed", "duplicate-name")
    assert told[other.id, None] == ("created", None)
    assert harness.world.powerschool.gradebook.scores[typed.assignmentsectionid] == {}


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_create_that_is_said_to_be_done_is_looked_for_and_not_repeated(
    harness: DistrictHarness, done: bool
) -> None:
    one, other = harness.items
    harness.fault("powerschool", "assignment.create", Body("", status=201, headers={}, done=done))
    sync = await harness.sync()
    told = await harness.outcomes_by_cell(sync)
    assert await find_false_claims(harness, sync) == []
    assert told[one.id, None] == (("created", None) if done else ("failed", "upstream-unavailable"))
    assert told[other.id, None] == ("created", None)
    assert harness.created == 1 + done
    await assert_synced_well(harness)


async def test_new_assignments_that_the_list_lacks_are_asked_for_by_id(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "assignment.list", EMPTY_LIST, nth=2)
    await assert_synced_well(harness)
    assert harness.created == 2


async def test_a_new_assignment_that_is_deleted_at_once_takes_its_scores_along(
    harness: DistrictHarness,
) -> None:
    one, other = harness.items
    async with held_at(harness, "assignment.list", harness.sync(), nth=2) as syncing:
        harness.delete_in_sis(one)
    told = await harness.outcomes_by_cell(await syncing)
    assert told[one.id, harness.students[0]] == ("failed", "assignment-failed")
    assert told[other.id, harness.students[0]] == ("written", None)
    await assert_synced_well(harness)


# Updates


async def test_an_assignment_that_goes_while_its_update_is_lost_is_made_anew(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    one, _ = harness.items
    harness.fault("powerschool", "assignment.update", LoseAfter())
    before = harness.part(one).assignmentsectionid
    harness.edit(one, title="Another name")
    async with held_at(
        harness, "assignment.get", harness.sync(), nth=2
    ) as syncing:  # the look after the update
        harness.delete_in_sis(one)
    told = await harness.outcomes_by_cell(await syncing)
    assert told[one.id, None] == ("failed", "assignment-gone")
    await assert_synced_well(harness)
    assert harness.part(one).assignmentsectionid != before


# Scores


async def test_scores_that_never_come_are_owed_and_go_with_the_next_sync(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "score.write", RefuseBefore(), times=2)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    told = await harness.outcomes_by_cell(sync)
    assert {told[item.id, uid] for item in harness.items for uid in harness.students} == {
        ("failed", "upstream-unavailable")
    }
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6}


async def test_lost_scores_that_came_are_seen_and_not_sent_again(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "score.write", LoseAfter())
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6}


async def test_lost_scores_are_sent_again_where_nobody_can_look(harness: DistrictHarness) -> None:
    scores_are_unreadable(harness)
    harness.fault("powerschool", "score.write", LoseAfter())
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6, "unchanged": 6}
