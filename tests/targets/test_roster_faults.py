"""Let calls to a OneRoster SIS fail: nothing is written twice, and no claim is false."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import product

import pytest

from gradesync_sandbox.faults import LoseAfter, RefuseBefore, Status, Truncate
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.powerschool.switches import ScoreFault
from gradesync_sandbox.schoology.model import Item
from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import STANDARD, Kind, face_of

Cells = Mapping[tuple[int, int | None], tuple[str, str | None]]
READS = ("token", "class.get", "term.get", "category.list", "lineItem.list")
WRITES = ("lineItem.put", "result.put")
EFFECTS = (RefuseBefore(), LoseAfter(), Status(500), Status(503, headers={"retry-after": "0"}), Truncate())
BUSY = json.dumps(
    {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_CodeMinor": {
            "imsx_codeMinorField": [
                {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "server_busy"}
            ]
        },
    }
)


@pytest.fixture
def kind() -> Kind:
    """Let the SIS speak OneRoster 1.2."""
    return STANDARD


def calls(harness: DistrictHarness) -> dict[str, int]:
    return harness.world.powerschool.log.counts()


async def assert_done_well(harness: DistrictHarness) -> None:
    done = await harness.sync()
    assert (done.status, done.error_code) == ("complete", None)
    assert await find_false_claims(harness, done) == []
    assert harness.differences() == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("call", [*READS, *WRITES])
async def test_one_failure_of_any_call_is_made_good(harness: DistrictHarness, call: str) -> None:
    for effect in EFFECTS:
        harness.fault("oneroster", call, effect)
    await assert_done_well(harness)
    harness.forget_calls()
    await harness.sync(mode="full")
    assert harness.writes == []


@pytest.mark.parametrize("call", ["lineItem.put", "result.put"])
async def test_lost_answer_costs_one_get(harness: DistrictHarness, call: str) -> None:
    harness.fault("oneroster", call, LoseAfter())
    await assert_done_well(harness)
    counted = calls(harness)
    assert (counted["lineItem.put"], counted["result.put"]) == (2, 6)
    assert counted[call.replace("put", "get")] == 1


async def test_create_that_is_lost_is_sent_again_at_once(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "lineItem.put", Status(500))
    await assert_done_well(harness)
    counted = calls(harness)
    assert (counted["lineItem.put"], counted["lineItem.get"]) == (2, 1)  # the one that failed is in no log
    assert counted["lineItem.list"] == 2  # before the creates, and after them: by its id it needs no other


async def test_lost_delete_costs_one_get(harness: DistrictHarness) -> None:
    await harness.sync()
    harness.clear(harness.items[0], harness.students[0])
    harness.forget_calls()
    harness.fault("oneroster", "result.delete", LoseAfter())
    await assert_done_well(harness)
    assert (calls(harness)["result.delete"], calls(harness)["result.get"]) == (1, 1)


async def test_a_sis_that_is_down_ends_the_sync_and_loses_nothing(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "result.*", Status(500), times=None)
    done = await harness.sync()
    assert (done.status, done.error_code) == ("failed", "upstream-unavailable")
    assert await find_false_claims(harness, done) == []
    await harness.end_faults()
    await assert_done_well(harness)


def poison(harness: DistrictHarness, *items: Item) -> None:
    """Let every score of these items be answered by an error."""
    faults = [ScoreFault("poison", part=harness.part(item).assignmentsectionid, times=None) for item in items]
    harness.world.powerschool.switches.score_faults.extend(faults)


def count_results(cells: Cells, item: Item) -> Counter[tuple[str, str | None]]:
    return Counter(end for (key, uid), end in cells.items() if uid and key == item.id)


@asynccontextmanager
async def open_large(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open two assignments of thirty students, synced once."""
    world = build(7, 1, 30, 2, ideal=True)
    face = open_face(world.powerschool, "standard")
    async with environment.open_district(world, oneroster=face) as harness:
        await assert_done_well(harness)
        yield harness


async def test_R47_an_item_that_fails_at_every_score_costs_few_calls(environment: Environment) -> None:
    async with open_large(environment) as harness:
        first, second = harness.items
        for item, uid in product((first, second), harness.students):
            harness.grade(item, uid, 3)
        poison(harness, first)
        harness.forget_calls()
        done = await harness.sync()
        cells = await harness.outcomes_by_cell(done)
        assert count_results(cells, first) == {("failed", "score-not-accepted"): 30}
        assert count_results(cells, second) == {("written", None): 30}
        assert await find_false_claims(harness, done) == []
        assert calls(harness)["result.put"] <= 30 + 2 * (12 + 8)  # those of other connections are under way
        harness.world.powerschool.switches.score_faults.clear()
        await assert_done_well(harness)


async def test_R47_a_sis_that_fails_at_every_score_is_down(environment: Environment) -> None:
    async with open_large(environment) as harness:
        for item, uid in product(harness.items, harness.students):
            harness.grade(item, uid, 3)
        poison(harness, *harness.items)
        harness.forget_calls()
        done = await harness.sync()
        assert (done.status, done.error_code) == ("failed", "upstream-unavailable")
        assert calls(harness)["result.put"] <= done.attempt * 2 * (24 + 16)
        reasons = {reason for _, reason in (await harness.outcomes_by_cell(done)).values()}
        assert "score-not-accepted" not in reasons
        assert await find_false_claims(harness, done) == []
        harness.world.powerschool.switches.score_faults.clear()
        await assert_done_well(harness)


async def test_R47_a_few_scores_that_all_fail_are_named(harness: DistrictHarness) -> None:
    await harness.sync()
    first, (ann, ben, _) = harness.items[0], harness.students
    poison(harness, first)
    for uid in (ann, ben):
        harness.grade(first, uid, 3)
    done = await harness.sync()
    assert count_results(await harness.outcomes_by_cell(done), first) == {("failed", "score-not-accepted"): 2}
    assert await find_false_claims(harness, done) == []


async def test_server_busy_is_waited_for_whatever_its_status(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "result.put", Status(400, BUSY))
    await assert_done_well(harness)
    assert "result.get" not in calls(harness)


async def test_a_200_that_reports_a_failure_is_one(harness: DistrictHarness) -> None:
    face_of(harness).switches.ok_failures = True
    harness.world.powerschool.drop(harness.room.students[harness.students[0]], harness.room.sis)
    done = await harness.sync()
    cells = await harness.outcomes_by_cell(done)
    for item in harness.items:
        assert cells[item.id, harness.students[0]] == ("failed", "student-not-in-sis-section")
        assert cells[item.id, harness.students[1]] == ("written", None)
    assert await find_false_claims(harness, done) == []


async def test_an_empty_object_as_a_set_never_clears(harness: DistrictHarness) -> None:
    await harness.sync()
    harness.forget_calls()
    for call in ("lineItem.list", "result.list"):
        harness.fault("oneroster", call, Status(200, "{}"), times=None)
    done = await harness.sync(mode="full")
    assert (done.status, done.error_code) == ("failed", "sis-unreadable")
    assert harness.writes == []


async def test_a_part_of_a_list_is_never_taken_for_all(harness: DistrictHarness) -> None:
    await harness.sync()
    harness.forget_calls()
    harness.fault(
        "oneroster", "lineItem.list", Status(200, '{"lineItems":[]}', {"x-total-count": "2"}), times=None
    )
    done = await harness.sync()
    assert done.error_code == "sis-unreadable"
    assert harness.writes == []


async def test_pages_are_followed_to_their_end(harness: DistrictHarness) -> None:
    face = face_of(harness)
    object.__setattr__(face.demands, "page_cap", 1)
    face.switches.totals = False
    await assert_done_well(harness)
    harness.forget_calls()
    await harness.sync(mode="full")
    assert harness.writes == []
    object.__setattr__(face.demands, "page_cap", 3000)


async def test_live_scores_cost_one_read_of_the_class(harness: DistrictHarness) -> None:
    await harness.sync()
    harness.forget_calls()
    await harness.sync(mode="full")
    assert calls(harness)["result.list"] == 1


async def test_comments_of_the_sis_are_carried_over(harness: DistrictHarness) -> None:
    await harness.sync()
    face, first = face_of(harness), harness.items[0]
    pair = harness.part(first).assignmentsectionid, harness.room.students[harness.students[0]].dcid
    face.result_fields[pair] |= {"comment": "See me", "late": "true"}
    harness.grade(first, harness.students[0], 3)
    await assert_done_well(harness)
    kept = face.result_fields[pair]
    assert (kept["comment"], kept["late"], kept["score"]) == ("See me", "true", 3)


async def test_a_kept_deleted_id_is_not_used_again(harness: DistrictHarness) -> None:
    face_of(harness).switches.deleted = "tobedeleted"
    await harness.sync()
    harness.delete_in_sis(harness.items[0])
    await assert_done_well(harness)
    harness.forget_calls()
    await harness.sync(mode="full")
    assert harness.writes == []


async def test_R6_without_the_right_to_delete_a_clear_is_skipped(harness: DistrictHarness) -> None:
    await harness.sync()
    face_of(harness).scopes -= {"gradebook.delete"}
    harness.clear(harness.items[0], harness.students[0])
    cells = await harness.outcomes_by_cell(await harness.sync())
    assert cells[harness.items[0].id, harness.students[0]] == ("skipped", "cannot-clear")


async def test_R52_a_refused_clear_is_announced_as_refused(harness: DistrictHarness) -> None:
    first, ann = harness.items[0], harness.students[0]
    await harness.sync()
    face_of(harness).scopes -= {"gradebook.delete"}
    harness.clear(first, ann)
    await harness.sync()
    for _ in range(2):
        harness.forget_calls()
        announced = await harness.sync(dry_run=True)
        assert harness.writes == []
        done = await harness.sync()
        assert harness.writes == ["result.delete"]
        cells = [await harness.outcomes_by_cell(sync) for sync in (announced, done)]
        assert cells[0] == cells[1] == {(first.id, ann): ("skipped", "cannot-clear")}
        assert (announced.status, done.status) == ("complete", "complete")
    face_of(harness).scopes.add("gradebook.delete")
    cells = [await harness.outcomes_by_cell(await harness.sync(dry_run=dry)) for dry in (False, True)]
    assert cells == [{(first.id, ann): ("cleared", None)}, {}]


async def test_without_the_right_to_write_a_sync_names_it(harness: DistrictHarness) -> None:
    await harness.sync()
    face_of(harness).scopes -= {"gradebook.createput"}
    harness.grade(harness.items[0], harness.students[0], 2)
    assert (await harness.sync()).error_code == "sis-permission-missing"


async def test_check_names_the_scope_that_is_missing(harness: DistrictHarness) -> None:
    face_of(harness).scopes.discard("gradebook.delete")
    until = harness.context.clock().replace(year=2100)
    findings = await harness.context.systems.check(harness.district, until=until)
    failed = [finding.check for finding in findings if not finding.ok]
    assert "Scope gradebook.delete" in failed
    assert "Scope gradebook.createput" not in failed
