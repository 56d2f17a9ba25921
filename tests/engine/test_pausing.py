"""Pause while a sync runs: it stops at its next checkpoint, and goes on without loss."""

from dataclasses import replace

import pytest

from gradesync.db.pauses import Where
from gradesync.db.queue import Pause
from gradesync.errors import RequestRefused
from gradesync.sync.manual_links import Author
from gradesync.sync.pauses import pause, resume
from gradesync.sync.sweep import SweepCounts, sweep
from gradesync_sandbox.faults import RefuseBefore
from harness.assertions import assert_synced_well, find_false_claims
from harness.contexts import LIMITS
from harness.district import DistrictHarness
from harness.faults import held_at

BY = Author("client:office")
OVERDUE = "UPDATE sync SET settles_by = now() - interval '1 second'"


async def pause_here(harness: DistrictHarness, where: Where) -> Pause:
    return await pause(harness.context, harness.district.id, where, "PowerSchool is being upgraded.", BY)


async def resume_here(harness: DistrictHarness, paused: Pause) -> None:
    assert await resume(harness.context, harness.district.id, str(paused.id), BY, least_seconds=900)


async def test_running_sync_stops_and_goes_on_where_it_was(harness: DistrictHarness) -> None:
    sync = await harness.request()
    async with held_at(harness, "assignment.create", harness.run_queued(), nth=1):
        paused = await pause_here(harness, Where(section=harness.section))
    assert "score.write" not in harness.writes  # that comes after a checkpoint
    stopped = await harness.get(sync)
    assert (stopped.status, stopped.stage, stopped.lease_token) == ("processing", "queued", None)
    await harness.change_rows(OVERDUE)
    assert await sweep(harness.context) == SweepCounts(notified=0, settled=0)
    await harness.run_queued()
    assert (await harness.get(sync)).attempt == stopped.attempt
    with pytest.raises(RequestRefused, match="syncs-paused: PowerSchool is being upgraded"):
        await harness.request()

    await resume_here(harness, paused)
    await harness.run_queued()
    settled = await harness.get(sync)
    assert (settled.status, settled.result) == ("complete", "all-sent")
    assert await find_false_claims(harness, settled) == []
    assert harness.differences() == []
    assert harness.writes.count("assignment.create") == 2
    rows = harness.world.powerschool.log.score_rows()
    assert len(rows) == 6
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


async def test_system_that_goes_down_after_the_pause_fails_nothing(harness: DistrictHarness) -> None:
    harness.restart(replace(LIMITS, call_timeout=2))  # a lost call is waited for that long
    sync = await harness.request()
    async with held_at(harness, "assignment.create", harness.run_queued(), nth=1):
        paused = await pause_here(harness, Where())
        harness.fault("powerschool", "*", RefuseBefore(), times=None)
    assert (await harness.get(sync)).status == "processing"
    await harness.end_faults()
    await resume_here(harness, paused)
    settled = await harness.run_to_end(sync)
    assert await find_false_claims(harness, settled) == []
    assert harness.differences() == []
    assert settled.status == "complete"


async def test_first_sync_of_a_paused_school_writes_nothing(harness: DistrictHarness) -> None:
    school = str(harness.room.section.course.building)
    paused = await pause_here(harness, Where(school=school))
    sync = await harness.request()  # nobody knows its school yet
    await harness.run_queued()
    held = await harness.get(sync)
    assert (held.status, held.pause_reason) == ("processing", "PowerSchool is being upgraded.")
    assert harness.writes == []
    await resume_here(harness, paused)
    assert (await harness.run_to_end(sync)).status == "complete"
    assert harness.differences() == []
