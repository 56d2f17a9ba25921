"""Test how much goes to a OneRoster SIS at once, whatever becomes of the answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync.sync.spare_calls import SpareTurn
from gradesync_sandbox.faults import Change, Hold, LoseAfter, RefuseBefore, Status, Truncate
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.powerschool.log import Call
from gradesync_sandbox.schoology.model import Mark
from gradesync_sandbox.world import build
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import change_settings, face_of

ITEMS = 6


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open a district of six assignments and two students, whose SIS speaks OneRoster 1.2."""
    world = build(7, 1, 2, ITEMS, ideal=True)
    async with environment.open_district(world, oneroster=open_face(world.powerschool, "standard")) as opened:
        yield opened


@pytest.fixture
async def posting(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open a district of two assignments and three students, whose SIS takes many results in a call."""
    world = build(7, 1, 3, 2, ideal=True)
    face = open_face(world.powerschool, "eschoolplus", "1.2")
    async with environment.open_district(world, oneroster=face) as opened:
        yield opened


def calls(harness: DistrictHarness) -> dict[str, int]:
    return harness.world.powerschool.log.counts()


async def expect_nothing_to_do(harness: DistrictHarness) -> None:
    harness.forget_calls()
    await harness.sync(mode="full")
    assert harness.writes == []


# --- line items


async def test_line_items_are_written_at_once(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "lineItem.put", Hold("before"), times=None)
    syncing = asyncio.create_task(harness.sync())
    await harness.until_assignments(ITEMS)  # none of them is answered yet
    harness.faults.clear()
    assert (await syncing).status == "complete"
    assert harness.differences() == []
    await expect_nothing_to_do(harness)


async def test_no_more_calls_at_once_than_the_district_allows(harness: DistrictHarness) -> None:
    await change_settings(harness, connections=2)
    face_of(harness).demands = replace(face_of(harness).demands, at_once=2)
    harness.world.powerschool.switches.latency = 0.005  # calls overlap
    await assert_synced_well(harness)
    log = harness.world.powerschool.log
    assert log.max_in_flight == 2
    assert {call.status for call in log.calls} == {200, 201}


async def test_a_call_that_lets_syncs_pass_holds_no_connection(environment: Environment) -> None:
    world = build(7, 2, 1, 1, ideal=True)
    face = open_face(world.powerschool, "standard")
    async with environment.open_district(world, oneroster=face) as opened:
        await change_settings(opened, connections=1)
        for room in world.classrooms:
            await opened.request(room)
        context, district_id = opened.context, opened.district.id
        spare = SpareTurn(context, district_id)
        target = context.systems.target(opened.district, permit=spare, until=datetime.max.replace(tzinfo=UTC))
        passed = asyncio.create_task(target.resolve_section(str(opened.room.sis.dcid)))
        claimed = await claim_from(context, district_id)
        assert claimed is not None
        async with asyncio.timeout(30):
            await run_sync(context, claimed)  # another one waits: it is not yet the turn of what may wait
        assert not passed.done()
        await opened.run_queued()
        assert (await passed).ref.key == str(opened.room.sis.dcid)


async def test_a_server_refuses_more_calls_at_once(harness: DistrictHarness) -> None:
    face_of(harness).demands = replace(face_of(harness).demands, at_once=1)
    log, url = (
        harness.world.powerschool.log,
        f"{harness.sandbox.sis_url}/ims/oneroster/gradebook/v1p2/lineItems",
    )
    log.arrive(Call(0.0, "other", "GET", "/", ""))
    assert (await harness.client.get(url)).status_code == 429
    log.leave()
    assert (await harness.client.get(url)).status_code == 401


async def test_lost_answers_at_once_make_no_second_item(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "lineItem.put", LoseAfter(), times=ITEMS)
    harness.fault("oneroster", "lineItem.get", Status(404), times=ITEMS)
    for item in harness.items[1:]:
        harness.edit(item, due=harness.items[0].due)
    await assert_synced_well(harness)
    assert len(harness.table()) == ITEMS
    await expect_nothing_to_do(harness)


async def test_what_was_under_way_at_a_refusal_is_recorded(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "lineItem.put", Status(403))
    harness.fault("oneroster", "lineItem.put", Hold("before"), nth=2)
    syncing = asyncio.create_task(harness.sync())
    await harness.until_assignments(ITEMS - 1)
    harness.faults.clear()
    done = await syncing
    assert done.error_code == "sis-permission-missing"
    assert await find_false_claims(harness, done) == []
    created = [one for one in (await harness.outcomes_by_cell(done)).values() if one == ("created", None)]
    assert len(created) == ITEMS - 1
    await assert_synced_well(harness)


# --- many results in a call


async def test_new_scores_of_an_item_go_in_one_call(posting: DistrictHarness) -> None:
    await assert_synced_well(posting)
    counted = calls(posting)
    assert (counted["result.post"], counted.get("result.put", 0)) == (2, 0)
    await expect_nothing_to_do(posting)


async def test_a_post_is_spelled_as_the_server_wants_writes(posting: DistrictHarness) -> None:
    face_of(posting).demands = replace(face_of(posting).demands, lower_case=True)
    await change_settings(posting, path_case="lower")
    await assert_synced_well(posting)
    assert "result.put" not in calls(posting)  # as after a POST that is refused


async def test_what_the_sis_gave_ids_is_changed_by_them(posting: DistrictHarness) -> None:
    first, (ann, ben, cam) = posting.items[0], posting.students
    await posting.sync()
    posting.forget_calls()
    posting.grade(first, ann, 3)
    posting.clear(first, ben)
    posting.mark(first, cam, Mark.MISSING)
    await assert_synced_well(posting)
    counted = calls(posting)
    assert (counted.get("result.post", 0), counted["result.put"], counted["result.delete"]) == (0, 2, 1)
    await expect_nothing_to_do(posting)


async def test_a_lost_post_is_looked_for_and_not_repeated(posting: DistrictHarness) -> None:
    posting.fault("oneroster", "result.post", LoseAfter(), times=2)
    await assert_synced_well(posting)
    counted = calls(posting)
    assert (counted["result.post"], counted.get("result.put", 0)) == (2, 0)
    await expect_nothing_to_do(posting)


async def test_a_post_that_never_came_is_made_good(posting: DistrictHarness) -> None:
    posting.fault("oneroster", "result.post", Status(500), times=None)
    await assert_synced_well(posting)
    assert calls(posting)["result.put"] == 6


async def test_one_bad_row_of_a_post_costs_only_itself(posting: DistrictHarness) -> None:
    ann, ben, _ = posting.students
    posting.world.powerschool.drop(posting.room.students[ann], posting.room.sis)
    done = await posting.sync()
    cells = await posting.outcomes_by_cell(done)
    for item in posting.items:
        assert cells[item.id, ann] == ("failed", "student-not-in-sis-section")
        assert cells[item.id, ben] == ("written", None)
    assert await find_false_claims(posting, done) == []


async def test_a_post_refused_in_part_is_read_before_it_is_repeated(posting: DistrictHarness) -> None:
    face_of(posting).switches.part_posts = True
    ann, ben, cam = posting.students
    posting.world.powerschool.drop(posting.room.students[cam], posting.room.sis)
    done = await posting.sync()
    cells = await posting.outcomes_by_cell(done)
    for item in posting.items:
        assert [cells[item.id, student] for student in (ann, ben)] == [("written", None)] * 2
        assert cells[item.id, cam] == ("failed", "student-not-in-sis-section")
    assert await find_false_claims(posting, done) == []


def hide_students(body: bytes) -> bytes:
    """Return a list of results without whose they are."""
    content = json.loads(body)
    return json.dumps({"results": [{**row, "student": {}} for row in content["results"]]}).encode()


async def test_a_lost_post_stays_in_doubt_until_it_is_read(posting: DistrictHarness) -> None:
    posting.fault("oneroster", "result.post", LoseAfter(), times=2)
    posting.fault("oneroster", "result.list", Change(hide_students), times=None)
    for reason in ("upstream-unavailable", "sis-unreadable"):
        unread = await posting.sync()
        cells = await posting.outcomes_by_cell(unread)
        assert {cells[item.id, one] for item in posting.items for one in posting.students} == {
            ("failed", reason)
        }
        assert await find_false_claims(posting, unread) == []
    posting.faults.clear()
    await assert_synced_well(posting)
    assert calls(posting).get("result.put", 0) == 0  # each stands under an id of the SIS
    await expect_nothing_to_do(posting)


async def test_a_row_that_a_post_leaves_out_is_read_back(posting: DistrictHarness) -> None:
    posting.fault("oneroster", "result.post", Status(201, '{"sourcedIdPairs": []}'), times=1)
    done = await posting.sync()
    reasons = [reason for _, reason in (await posting.outcomes_by_cell(done)).values()]
    assert reasons.count("score-not-kept") == 3
    assert await find_false_claims(posting, done) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "call",
    ["gradingPeriod.list", "result.post", "student.list", "lineItem.get", "result.list", "result.delete"],
)
async def test_one_failure_of_a_rarer_call_is_made_good(posting: DistrictHarness, call: str) -> None:
    for effect in (RefuseBefore(), LoseAfter(), Status(500), Truncate()):
        posting.fault("oneroster", call, effect)
    await assert_synced_well(posting)
    first, (ann, ben, _) = posting.items[0], posting.students
    posting.grade(first, ann, 3)
    posting.clear(first, ben)
    posting.edit(first, title="Another name")
    assert (await posting.sync(dry_run=True)).status == "complete"
    await assert_synced_well(posting)
    await expect_nothing_to_do(posting)
    assert {struck.kind for struck in posting.faults.struck} == {call}


async def test_a_server_without_posts_gets_each_score_alone(posting: DistrictHarness) -> None:
    face = face_of(posting)
    face.demands = replace(face.demands, bulk_post=False)
    await assert_synced_well(posting)
    assert [call.status for call in posting.world.powerschool.log.of("result.post")] == [405, 405]
    assert calls(posting)["result.put"] == 6


async def test_without_the_scope_to_post_no_token_is_given(posting: DistrictHarness) -> None:
    face_of(posting).scopes.discard("gradebook.createpost")
    until = posting.context.clock().replace(year=2100)
    findings = await posting.context.systems.check(posting.district, until=until)
    (missing,) = (one for one in findings if one.check == "Scope gradebook.createpost")
    assert not missing.ok
    assert "bulk_post = false" in missing.fix
