"""Lose answers, or parts of them: nothing is written twice, and every outcome is true."""

from typing import Any

import pytest

from gradesync_sandbox.faults import Body, Change, Hold, LoseAfter, RefuseBefore
from harness.assertions import assert_synced_well, find_false_claims, find_miscounts
from harness.contexts import HURRIED, SOON
from harness.district import DistrictHarness
from harness.faults import held_at, scores_are_unreadable

JSON = {"content-type": "application/json"}
EMPTY_LIST = Body("[]", headers=JSON)


# Creates


async def test_refused_create_is_tried_twice_and_fails_alone(harness: DistrictHarness) -> None:
    harness.restart(HURRIED)
    first, second = harness.items
    harness.fault("powerschool", "assignment.create", RefuseBefore(), times=2)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    outcomes = await harness.outcomes_by_cell(sync)
    assert outcomes[first.id, None] == ("failed", "upstream-unavailable")
    assert outcomes[first.id, harness.students[0]] == ("failed", "assignment-failed")
    assert outcomes[second.id, None] == ("created", None)
    await assert_synced_well(harness)
    assert len(harness.table()) == 2


async def test_create_that_lands_before_its_retry_is_ours(
    harness: DistrictHarness,
) -> None:
    """Send a second try that clashes with the first: both have the same name, and both are ours."""

    harness.restart(HURRIED)

    def too_late(listed: bytes) -> bytes:
        harness.faults.release()
        return listed

    harness.fault("powerschool", "assignment.create", Hold("after"))
    harness.fault("powerschool", "assignment.list", Change(too_late), nth=3)  # the last look before that try
    await assert_synced_well(harness)
    assert len(harness.table()) == 2


async def test_lost_create_is_found_in_the_list(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "assignment.create", LoseAfter(), nth=2)
    await assert_synced_well(harness)
    assert harness.created == 2


async def test_R41_create_that_is_not_kept_is_not_claimed(harness: DistrictHarness) -> None:
    first, _ = harness.items
    nowhere = {"location": "/ws/xte/section/assignment/99999"}
    harness.fault("powerschool", "assignment.create", Body("", status=201, headers=nowhere, done=False))
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert (await harness.outcomes_by_cell(sync))[first.id, None] == ("failed", "assignment-gone")
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == []
    await assert_synced_well(harness)


@pytest.mark.parametrize("claim", ["its scores", "itself", "both", "nowhere"])
@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_R41_create_never_goes_to_a_column_it_names_falsely(
    harness: DistrictHarness, claim: str, done: bool
) -> None:
    await assert_synced_well(harness)
    first, table = harness.items[0], harness.table()
    other = harness.part(first)
    book = harness.world.powerschool.gradebook
    named = book.parts[other.assignmentsectionid][0].assignmentid
    made = {"its scores": max(book.assignments) + 1, "nowhere": 99999}.get(claim, named)
    headers = {"location": f"/ws/xte/section/assignment/{made}"}
    if claim in {"its scores", "both"}:
        headers["assignmentsectionids"] = f"[{other.assignmentsectionid}]"
    new = harness.add("Another quiz")
    for uid in harness.students:
        harness.grade(new, uid, 3)
    harness.fault("powerschool", "assignment.create", Body("", status=201, headers=headers, done=done))
    sync = await harness.sync()
    assert {name: harness.table()[name] for name in table} == table
    lost = "assignment-gone" if claim in {"its scores", "nowhere"} else "upstream-unavailable"
    assert (await harness.outcomes_by_cell(sync))[new.id, None] == (
        ("created", None) if done else ("failed", lost)
    )
    assert await find_false_claims(harness, sync) == []
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == []
    await assert_synced_well(harness)
    assert len(harness.table()) == len(table) + 1


async def test_create_never_adopts_what_someone_typed_in(
    harness: DistrictHarness,
) -> None:
    first, second = harness.items
    async with held_at(harness, "assignment.create", harness.sync()) as syncing:
        typed = harness.make_in_sis(first)
    outcomes = await harness.outcomes_by_cell(await syncing)
    assert outcomes[first.id, None] == ("failed", "duplicate-name")
    assert outcomes[second.id, None] == ("created", None)
    assert harness.world.powerschool.gradebook.scores[typed.assignmentsectionid] == {}


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_create_without_an_id_is_found_and_not_repeated(harness: DistrictHarness, done: bool) -> None:
    first, second = harness.items
    harness.fault("powerschool", "assignment.create", Body("", status=201, headers={}, done=done))
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert await find_false_claims(harness, sync) == []
    assert outcomes[first.id, None] == (("created", None) if done else ("failed", "upstream-unavailable"))
    assert outcomes[second.id, None] == ("created", None)
    assert harness.created == 1 + done
    await assert_synced_well(harness)


async def test_unlisted_new_assignments_are_read_by_id(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "assignment.list", EMPTY_LIST, nth=2)
    await assert_synced_well(harness)
    assert harness.created == 2


async def test_deleted_new_assignment_fails_its_scores(
    harness: DistrictHarness,
) -> None:
    first, second = harness.items
    async with held_at(harness, "assignment.list", harness.sync(), nth=2) as syncing:
        harness.delete_in_sis(first)
    outcomes = await harness.outcomes_by_cell(await syncing)
    assert outcomes[first.id, harness.students[0]] == ("failed", "assignment-failed")
    assert outcomes[second.id, harness.students[0]] == ("written", None)
    await assert_synced_well(harness)


# Updates


async def test_assignment_deleted_during_a_lost_update_is_recreated(
    harness: DistrictHarness,
) -> None:
    await assert_synced_well(harness)
    first, _ = harness.items
    harness.fault("powerschool", "assignment.update", LoseAfter())
    before = harness.part(first).assignmentsectionid
    harness.edit(first, title="Another name")
    async with held_at(
        harness, "assignment.get", harness.sync(), nth=2
    ) as syncing:  # the look after the update
        harness.delete_in_sis(first)
    outcomes = await harness.outcomes_by_cell(await syncing)
    assert outcomes[first.id, None] == ("failed", "assignment-gone")
    await assert_synced_well(harness)
    assert harness.part(first).assignmentsectionid != before


@pytest.mark.parametrize("changed", ["title", "max_points"])
async def test_R41_update_that_is_not_kept_fails_and_is_sent_again(
    harness: DistrictHarness, changed: str
) -> None:
    await assert_synced_well(harness)
    first, _ = harness.items
    harness.fault("powerschool", "assignment.update", Body("", status=201, headers={}, done=False))
    harness.edit(first, **{changed: {"title": "Another name", "max_points": 50}[changed]})
    harness.grade(first, harness.students[0], 3)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert outcomes[first.id, None] == ("failed", "assignment-not-accepted")
    assert outcomes[first.id, harness.students[0]] == ("failed", "assignment-failed")
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == []
    await assert_synced_well(harness)


@pytest.mark.parametrize("lost", ["twice", "before a look"])
@pytest.mark.parametrize("changed", [{"title": "Another name"}, {"max_points": 50}], ids=["name", "points"])
async def test_R51_lost_update_that_is_taken_back_is_no_edit(
    harness: DistrictHarness, lost: str, changed: dict[str, Any]
) -> None:
    await assert_synced_well(harness)
    first, _ = harness.items
    before = {name: getattr(first, name) for name in changed}
    harness.edit(first, **changed)
    if lost == "twice":
        harness.fault("powerschool", "assignment.update", RefuseBefore())
    else:
        harness.fault("powerschool", "assignment.get", RefuseBefore(), nth=2, times=None)
    harness.fault("powerschool", "assignment.update", LoseAfter(), nth=2 if lost == "twice" else 1)
    assert (await harness.sync()).status == "failed"
    await harness.end_faults()
    harness.edit(first, **before)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[first.id, None] == ("updated", None)
    assert (sync.status, "edited-in-sis" in sync.warnings, harness.differences()) == ("complete", False, [])


# Scores


async def test_unsent_scores_are_owed_to_the_next_sync(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "score.write", RefuseBefore(), times=2)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    outcomes = await harness.outcomes_by_cell(sync)
    assert {outcomes[item.id, uid] for item in harness.items for uid in harness.students} == {
        ("failed", "upstream-unavailable")
    }
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6}


async def test_lost_scores_that_arrived_are_not_sent_again(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "score.write", LoseAfter())
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6}


async def test_lost_unreadable_scores_are_sent_again(harness: DistrictHarness) -> None:
    scores_are_unreadable(harness)
    harness.fault("powerschool", "score.write", LoseAfter())
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6, "unchanged": 6}


@pytest.mark.parametrize("answer", [Body("", status=500), Body("", headers=JSON)], ids=["failed", "empty"])
async def test_scores_that_were_not_read_back_are_not_sent_again(
    harness: DistrictHarness, answer: Body
) -> None:
    harness.fault("powerschool", "score.write", answer)
    harness.fault("powerschool", "schema.assignmentscore", RefuseBefore(), times=SOON.attempts)
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert await find_false_claims(harness, sync) == []
    assert (sync.error_code, outcomes[harness.items[0].id, harness.students[0]]) == (
        "upstream-unavailable",
        ("failed", "upstream-unavailable"),
    )
    await harness.pass_time()
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6}
