"""Read back what may have happened in the SIS: adopt it, or send it again where it cannot be read."""

import asyncio

import pytest

from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync_sandbox import world
from gradesync_sandbox.faults import Body, Hold, LoseAfter
from harness.assertions import assert_synced_well
from harness.contexts import HURRIED
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import lose_ledger, scores_are_unreadable, spoil_ledger, wait_until_held


async def kill_worker_at(harness: DistrictHarness, kind: str, *, done: bool) -> None:
    """Run a sync whose worker dies while it waits for the answer to a call, before or after its effect.

    Nobody releases the sync: its lease lapses.
    """
    harness.fault("powerschool", kind, Hold("before" if done else "after"))
    await harness.request()
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    working = asyncio.create_task(run_sync(harness.context, claimed))
    await wait_until_held(harness, working)
    await harness.lose_lease()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    if done:
        harness.faults.release()


async def test_unrecorded_create_is_adopted(harness: DistrictHarness) -> None:
    await kill_worker_at(harness, "assignment.create", done=True)
    assert harness.created == 1
    await harness.pass_time()
    await harness.run_queued()
    assert harness.differences() == []
    assert harness.created == 2


async def test_unrecorded_scores_are_read_back_and_adopted(harness: DistrictHarness) -> None:
    await kill_worker_at(harness, "score.write", done=True)
    await harness.pass_time()
    await harness.run_queued()
    assert harness.differences() == []
    assert harness.world.powerschool.log.effects() == {"written": 6}


async def test_unrecorded_unreadable_scores_are_sent_again(
    harness: DistrictHarness,
) -> None:
    scores_are_unreadable(harness)
    await kill_worker_at(harness, "score.write", done=True)
    await harness.pass_time()
    await harness.run_queued()
    assert harness.differences() == []


async def test_late_create_is_found_by_its_clash_and_adopted(
    harness: DistrictHarness,
) -> None:
    harness.fault("powerschool", "assignment.create", LoseAfter())
    await assert_synced_well(harness)
    assert harness.created == 2


async def test_very_late_create_is_reported_and_never_deleted(harness: DistrictHarness) -> None:
    harness.restart(HURRIED)
    harness.world.powerschool.switches.inferred.discard("duplicate")
    harness.fault("powerschool", "assignment.create", Hold("after"))
    sync = await harness.sync()
    assert sync.status == "complete"
    harness.faults.release()
    await harness.until_assignments(3)
    after = await harness.sync()
    assert [list(codes) for codes in (await harness.warnings(after)).values()] == [["duplicate-in-sis"]]
    assert len(harness.table()) == 3
    assert "assignment.delete" not in harness.writes


async def test_score_overwritten_by_a_dead_worker_is_corrected(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    item, uid = harness.items[0], harness.students[0]
    harness.grade(item, uid, 1)
    await kill_worker_at(harness, "score.write", done=False)
    harness.grade(item, uid, 2)
    await harness.pass_time()
    await harness.run_queued()
    assert harness.sis_text(item, uid) == "2"
    before = len(harness.world.powerschool.log.score_rows())
    harness.faults.clear()
    await harness.until_score_rows(before + 1)
    assert harness.sis_text(item, uid) == "1"
    await assert_synced_well(harness)
    assert harness.sis_text(item, uid) == "2"


async def test_lost_update_is_read_back_before_it_is_repeated(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    harness.edit(harness.items[0], title="Another name")
    harness.fault("powerschool", "assignment.update", LoseAfter())
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes.count("assignment.update") <= 2


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_wrong_empty_list_recreates_nothing(environment: Environment, mode: str) -> None:
    async with environment.open_district(world.build(7, 1, 3, 8, ideal=True)) as harness:
        await assert_synced_well(harness)
        harness.forget_calls()
        harness.fault(
            "powerschool",
            "assignment.list",
            Body("[]", headers={"content-type": "application/json"}),
            times=None,
        )
        sync = await harness.sync(mode=mode)
        assert (sync.status, harness.writes) == ("complete", [])


@pytest.mark.parametrize("status", [200, 403, 404, 500])
async def test_unclear_response_about_a_missing_assignment_stops(
    harness: DistrictHarness, status: int
) -> None:
    await assert_synced_well(harness)
    harness.forget_calls()
    for assignment in harness.world.powerschool.gradebook.of_section(harness.room.sis):
        harness.world.powerschool.gradebook.hide_from_lists(assignment)
    page = Body("<html>maintenance</html>", status=status, done=False)
    harness.fault("powerschool", "assignment.get", page, times=None)
    sync = await harness.sync()
    assert sync.status == "failed"
    assert sync.error_code in {"sis-unreadable", "upstream-unavailable", "sis-permission-missing"}
    assert harness.writes == []


async def test_unreadable_ledger_ends_the_sync_at_once(harness: DistrictHarness) -> None:
    await harness.sync()
    await spoil_ledger(harness)
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "internal-error")


async def test_lost_ledger_rows_are_adopted_without_a_write(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    await lose_ledger(harness, harness.items[0])
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []
