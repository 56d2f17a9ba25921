"""Kill, stop and pause workers: another takes over, and nothing is lost or done twice."""

import asyncio
import signal
from dataclasses import replace

import pytest

from gradesync.settings import Settings
from gradesync_sandbox import world
from gradesync_sandbox.faults import Delay, Done, Hold, Kill
from harness.assertions import find_false_claims
from harness.contexts import LIMITS
from harness.crashes import Crash, run_crash, start_worker
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.fault_matrix import Scale, change
from harness.faults import wait_until_held


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "crash",
    [
        Crash("first sync", "schoology", 1, "before"),
        Crash("first sync", "powerschool", 8, "before"),
        Crash("first sync", "powerschool", 9, "after"),
        Crash("first sync", "powerschool", 10, "after"),
        Crash("first sync", "powerschool", 12, "before"),
        Crash("first sync", "powerschool", 12, "after"),
        Crash("change", "powerschool", 4, "after"),
        Crash("recreate", "powerschool", 4, "after"),
        Crash("first sync", "powerschool", 12, "after", signal.SIGTERM),
        Crash("first sync", "powerschool", 9, "before", signal.SIGTERM),
    ],
    ids=str,
)
async def test_killed_worker_leaves_nothing_behind(
    environment: Environment, settings: Settings, crash: Crash
) -> None:
    assert await run_crash(environment, settings, crash, Scale()) == []


@pytest.mark.long
async def test_worker_paused_past_its_lease_writes_nothing(
    environment: Environment, settings: Settings
) -> None:
    short = settings.model_copy(update={"lease_seconds": 3, "call_timeout_seconds": 2})
    limits = replace(LIMITS, call_timeout=5)  # a lapsed lease is taken over that much later
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True), limits=limits) as harness:
        async with start_worker(_explicit(short)) as process:
            harness.fault("powerschool", "assignment.create", Kill(process.pid, signal.SIGSTOP, "after"))
            sync = await harness.request()
            await _until_stopped(process.pid)
            while (await harness.get(sync)).status == "processing":
                await harness.run_queued()
                await asyncio.sleep(0.05)
            assert harness.differences() == []
            before = (await harness.ledger(), await harness.get(sync), harness.table(), len(harness.writes))
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            await process.wait()
        assert (
            await harness.ledger(),
            await harness.get(sync),
            harness.table(),
            len(harness.writes),
        ) == before
        assert await find_false_claims(harness, await harness.get(sync)) == []
        assert (await harness.sync()).status == "complete"
        assert harness.differences() == []


def _explicit(settings: Settings) -> Settings:
    """Return the same settings, with every one of them set explicitly for the worker's environment."""
    return Settings(**{name: getattr(settings, name) for name in settings.model_fields_set} | {
        "lease_seconds": settings.lease_seconds, "call_timeout_seconds": settings.call_timeout_seconds
    })  # fmt: skip


async def _until_stopped(pid: int) -> None:
    """Wait until the kernel reports a process as stopped."""
    while True:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: ASYNC230 - a file of the kernel's, read at once
            if stat.read().rpartition(")")[2].split()[0] == "T":
                return
        await asyncio.sleep(0.02)


async def test_expired_lease_starts_no_call_and_records_nothing(
    harness: DistrictHarness,
) -> None:
    await change(harness)
    harness.fault("schoology", "grading_periods", Hold("before"))
    sync = await harness.request()
    sleeping = asyncio.create_task(harness.run_queued())
    await wait_until_held(harness, sleeping)
    await harness.lose_lease()
    harness.restart()
    await harness.run_queued()
    assert (await harness.get(sync)).status == "complete"
    before = (await harness.ledger(), await harness.get(sync), harness.table(), len(harness.writes))
    harness.faults.release()
    await sleeping
    assert (await harness.ledger(), await harness.get(sync), harness.table(), len(harness.writes)) == before


async def test_racing_workers_do_the_work_once(harness: DistrictHarness) -> None:
    sync, another = await harness.request(), replace(harness)
    another.restart()
    await asyncio.gather(harness.run_queued(), *(another.run_queued() for _ in range(5)))
    assert (await harness.get(sync)).status == "complete"
    assert harness.created == 2
    assert harness.world.powerschool.log.effects() == {"written": 6}


@pytest.mark.sample(4)
@pytest.mark.parametrize("nth", range(1, 13))
@pytest.mark.parametrize("done", ["before", "after"])
async def test_cancelled_worker_releases_its_sync_at_once(
    harness: DistrictHarness, nth: int, done: Done
) -> None:
    harness.fault("powerschool", "*", Hold(done), nth=nth)
    sync = await harness.request()
    running = asyncio.create_task(harness.run_queued())
    await wait_until_held(harness, running)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    released = await harness.get(sync)
    assert (released.status, released.stage, released.lease_token) == ("processing", "queued", None)
    harness.faults.clear()
    harness.restart()
    after = await harness.run_to_end(sync)
    assert await find_false_claims(harness, after) == []
    assert (after.status, harness.differences()) == ("complete", [])


async def test_long_sync_continues_in_slices(environment: Environment) -> None:
    sliced = replace(LIMITS, slice=0, lease=9, call_timeout=6)
    async with environment.open_district(world.build(7, 1, 6, 4, ideal=True), limits=sliced) as harness:
        harness.fault("powerschool", "assignment.create", Delay(3, "before"))  # more than reading takes
        sync = await harness.sync()
        assert sync.attempt > 1
        assert await find_false_claims(harness, sync) == []
        assert (sync.status, harness.differences()) == ("complete", [])
        assert harness.world.powerschool.log.effects() == {"written": 24}


async def test_unclaimed_sync_times_out_and_blocks_nothing(
    harness: DistrictHarness,
) -> None:
    sync = await harness.request()
    await harness.pass_deadline()
    ended = await harness.get(sync)
    assert (ended.status, ended.error_code) == ("failed", "timed-out")
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []
