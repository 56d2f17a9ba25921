"""Workers that die, go or oversleep: another takes over, and nothing is lost or done twice."""

import asyncio
import signal
from dataclasses import replace

import pytest

from gradesync.settings import Settings
from gradesync_sandbox import world
from gradesync_sandbox.faults import Delay, Done, Hold, Kill
from harness.assertions import untrue
from harness.contexts import BOUNDS
from harness.crashes import Crash, worker, wrong_after
from harness.district import Stage
from harness.environment import Theatre
from harness.fault_matrix import Scale, change


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
async def test_a_worker_that_dies_leaves_nothing_behind(
    theatre: Theatre, settings: Settings, crash: Crash
) -> None:
    assert await wrong_after(theatre, settings, crash, Scale()) == []


async def test_a_worker_that_slept_past_its_lease_writes_nothing_when_it_wakes(
    theatre: Theatre, settings: Settings
) -> None:
    short = settings.model_copy(update={"lease_seconds": 1.5, "call_timeout_seconds": 0.5})
    async with theatre.stage(world.build(7, 1, 3, 2, ideal=True)) as stage:
        async with worker(_told(short)) as process:
            stage.fault("powerschool", "assignment.create", Kill(process.pid, signal.SIGSTOP, "after"))
            sync = await stage.request()
            await _until_stopped(process.pid)
            while (await stage.get(sync)).status == "processing":
                await stage.carry()
                await asyncio.sleep(0.05)
            assert stage.differences() == []
            before = (await stage.ledger(), await stage.get(sync), stage.table(), len(stage.writes))
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            await process.wait()
        assert (await stage.ledger(), await stage.get(sync), stage.table(), len(stage.writes)) == before
        assert await untrue(stage, await stage.get(sync)) == []
        assert (await stage.sync()).status == "complete"
        assert stage.differences() == []


def _told(settings: Settings) -> Settings:
    """The same settings, all of them said aloud in the environment."""
    return Settings(**{name: getattr(settings, name) for name in settings.model_fields_set} | {
        "lease_seconds": settings.lease_seconds, "call_timeout_seconds": settings.call_timeout_seconds
    })  # fmt: skip


async def _until_stopped(pid: int) -> None:
    """Wait until the kernel says that a process is stopped."""
    while True:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: ASYNC230 - a file of the kernel's, there at once
            if stat.read().rpartition(")")[2].split()[0] == "T":
                return
        await asyncio.sleep(0.02)


async def test_an_expired_holder_that_wakes_starts_no_call_and_records_nothing(stage: Stage) -> None:
    await change(stage)
    stage.fault("schoology", "grading_periods", Hold("before"))
    sync = await stage.request()
    sleeping = asyncio.create_task(stage.carry())
    await stage.faults.until_held()
    await stage.lose_lease()
    stage.restart()
    await stage.carry()
    assert (await stage.get(sync)).status == "complete"
    before = (await stage.ledger(), await stage.get(sync), stage.table(), len(stage.writes))
    stage.faults.release()
    await sleeping
    assert (await stage.ledger(), await stage.get(sync), stage.table(), len(stage.writes)) == before


async def test_two_workers_that_race_for_one_section_do_its_work_once(stage: Stage) -> None:
    sync, another = await stage.request(), replace(stage)
    another.restart()
    await asyncio.gather(stage.carry(), *(another.carry() for _ in range(5)))
    assert (await stage.get(sync)).status == "complete"
    assert stage.created == 2
    assert stage.world.powerschool.log.effects() == {"written": 6}


@pytest.mark.parametrize("nth", range(1, 13))
@pytest.mark.parametrize("done", ["before", "after"])
async def test_a_cancelled_worker_gives_its_sync_back_at_once(stage: Stage, nth: int, done: Done) -> None:
    stage.fault("powerschool", "*", Hold(done), nth=nth)
    sync = await stage.request()
    carrying = asyncio.create_task(stage.carry())
    await stage.faults.until_held()
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)
    given_back = await stage.get(sync)
    assert (given_back.status, given_back.stage, given_back.lease_token) == ("processing", "queued", None)
    stage.faults.clear()
    stage.restart()
    after = await stage.settled(sync)
    assert await untrue(stage, after) == []
    assert (after.status, stage.differences()) == ("complete", [])


async def test_a_long_sync_goes_on_in_slices(theatre: Theatre) -> None:
    sliced = replace(BOUNDS, slice=0, lease=9, call_timeout=6)
    async with theatre.stage(world.build(7, 1, 6, 4, ideal=True), bounds=sliced) as stage:
        stage.fault("powerschool", "assignment.create", Delay(3, "before"))  # more than reading takes
        sync = await stage.sync()
        assert sync.attempt > 1
        assert await untrue(stage, sync) == []
        assert (sync.status, stage.differences()) == ("complete", [])
        assert stage.world.powerschool.log.effects() == {"written": 24}


async def test_a_sync_that_nobody_carries_ends_by_its_bound_and_blocks_nothing(stage: Stage) -> None:
    sync = await stage.request()
    await stage.bound_passes()
    ended = await stage.get(sync)
    assert (ended.status, ended.error_code) == ("failed", "timed-out")
    assert (await stage.sync()).status == "complete"
    assert stage.differences() == []
