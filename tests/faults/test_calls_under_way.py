"""End syncs while a call is on its way: what arrives late is found, and nothing is sent a second time."""

import asyncio

import pytest

from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync_sandbox.faults import Delay, Hold, LoseAfter, RefuseBefore
from harness.assertions import assert_synced_well
from harness.contexts import HURRIED
from harness.district import DistrictHarness
from harness.faults import wait_until_held

LATE = Delay(HURRIED.call_timeout * 1.6, "after")  # given up by then, and not yet past all doubt
ENDS_SOON = "UPDATE sync SET settles_by = now() + interval '39 seconds'"  # less than two call timeouts


def count_calls(harness: DistrictHarness, kind: str) -> int:
    return sum(call.kind == kind for call in harness.world.powerschool.log.calls)


@pytest.mark.parametrize("kind", ["assignment.create", "score.write"])
async def test_canceled_sync_waits_for_its_call(harness: DistrictHarness, kind: str) -> None:
    harness.fault("powerschool", kind, Hold())
    sync = await harness.request()
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    working = asyncio.create_task(run_sync(harness.context, claimed))
    await wait_until_held(harness, working)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    released = await harness.get(sync)
    assert (released.stage, released.lease_token) == ("queued", None)
    assert await claim_from(harness.context, harness.district.id) is None
    await harness.end_faults()
    await harness.run_to_end(sync)
    await assert_synced_well(harness)
    assert count_calls(harness, "assignment.create") == len(harness.items)
    assert harness.world.powerschool.log.effects() == {"written": 6}


async def test_no_call_begins_that_may_outlast_its_sync(harness: DistrictHarness) -> None:
    sync = await harness.request()
    await harness.change_rows(ENDS_SOON)
    ended = await harness.run_to_end(sync)
    assert (ended.status, ended.error_code) == ("failed", "timed-out")
    assert {call.kind for call in harness.world.powerschool.log.calls} <= {"token"}
    await assert_synced_well(harness)


async def test_late_scores_are_not_sent_again(harness: DistrictHarness) -> None:
    harness.restart(HURRIED)
    harness.fault("powerschool", "score.write", LATE)
    await assert_synced_well(harness)
    assert harness.world.powerschool.log.effects() == {"written": 6}


@pytest.mark.parametrize("refused_looks", [0, 4])
async def test_late_create_is_not_sent_again(harness: DistrictHarness, refused_looks: int) -> None:
    harness.restart(HURRIED)
    harness.fault("powerschool", "assignment.create", LATE)
    if refused_looks:
        harness.fault("powerschool", "assignment.list", RefuseBefore(), nth=2, times=refused_looks)
    await assert_synced_well(harness)
    assert count_calls(harness, "assignment.create") == len(harness.items)


async def test_next_sync_waits_for_a_write_that_was_given_up(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "score.write", LoseAfter(), times=2)
    harness.fault("powerschool", "schema.assignmentscore", RefuseBefore(), times=None)
    ended = await harness.sync()
    assert (ended.status, ended.error_code) == ("failed", "upstream-unavailable")
    harness.faults.clear()
    sync = await harness.request()
    assert sync.not_before > sync.requested_at
    await harness.run_queued()
    assert (await harness.get(sync)).stage == "queued"
    await harness.run_to_end(sync)
    await assert_synced_well(harness)
