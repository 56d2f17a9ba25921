"""Run a section's syncs in every mode and to every kind of end, for tests of what they count."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from gradesync.core.undo import Undo
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync_sandbox.faults import Status
from harness.changes import Change, make_change
from harness.contexts import LIMITS
from harness.district import DistrictHarness
from harness.faults import kill_worker

NO_ACCESS = Status(403, '{"message":"No access","errors":[{"field":"assignment.createdbyplugin"}]}')
REFUSED = Status(409, '{"message":"Conflict","errors":[]}')
BROKEN = Status(500, '{"message":"Internal Server Error"}')
NOT_THERE = "999999"


async def sync_changes(harness: DistrictHarness, _: int) -> Sync:
    return await harness.sync()


async def sync_in_full(harness: DistrictHarness, _: int) -> Sync:
    return await harness.sync(mode="full")


async def preview(harness: DistrictHarness, number: int) -> Sync:
    return await harness.sync(dry_run=True, mode=("changes", "full")[number % 2])


async def sync_subset(harness: DistrictHarness, number: int) -> Sync:
    """Sync some assignments, and one that does not exist."""
    chosen = [str(item.id) for item in harness.items[number % 3 :: 2]]
    return await harness.sync(assignments=[*chosen, NOT_THERE])


async def retry(harness: DistrictHarness, number: int) -> Sync:
    """Let some writes fail, and retry what failed while the SIS refuses one more."""
    harness.fault("powerschool", "score.write", REFUSED, times=1 + number % 3)
    failed = await harness.sync()
    await harness.end_faults()
    harness.fault("powerschool", "assignment.create", REFUSED)
    try:
        return await harness.sync(retry_of=failed.id)
    except RequestRefused:
        return failed


async def fail_midway(harness: DistrictHarness, number: int) -> Sync:
    call = ("score.write", "assignment.create", "assignment.update")[number % 3]
    harness.fault("powerschool", call, REFUSED, times=2)
    return await harness.sync()


async def stop(harness: DistrictHarness, number: int) -> Sync:
    """Lose the access to the SIS in the middle of a sync."""
    call = ("score.write", "assignment.create", "assignment.update")[number % 3]
    harness.fault("powerschool", call, NO_ACCESS, times=None)
    return await harness.sync(mode="full")


async def lose_sis(harness: DistrictHarness, number: int) -> Sync:
    harness.fault("powerschool", "*", BROKEN, nth=3 + number, times=None)
    return await harness.sync()


async def take_over(harness: DistrictHarness, number: int) -> Sync:
    sync = await kill_worker(harness, 2 + number, "after", mode=("changes", "full")[number % 2])
    return await harness.run_to_end(sync)


async def continue_in_slices(harness: DistrictHarness, _: int) -> Sync:
    """Interrupt a sync at each checkpoint."""
    harness.restart(replace(LIMITS, slice=0))
    sync = await harness.sync()
    harness.restart(LIMITS)
    return sync


async def undo(harness: DistrictHarness, number: int) -> Sync:
    """Undo a sync, some of whose scores somebody changed in the SIS since, or preview that."""
    changed = await harness.sync()
    make_change(harness, Change("edit in sis", student=number, value=number))
    try:
        return await harness.sync(undo=Undo(sync_id=changed.id, reason="By mistake"), dry_run=number % 3 == 0)
    except RequestRefused:
        return changed


async def time_out(harness: DistrictHarness, number: int) -> Sync:
    """Pass the deadline of a sync whose worker died in the middle of it."""
    sync = await kill_worker(harness, 3 + number, "after")
    await harness.pass_deadline()
    return await harness.get(sync)


Step: TypeAlias = Callable[[DistrictHarness, int], Awaitable[Sync]]
STEPS: tuple[Step, ...] = (
    sync_changes,
    sync_in_full,
    preview,
    sync_subset,
    retry,
    fail_midway,
    stop,
    lose_sis,
    take_over,
    continue_in_slices,
    time_out,
    undo,
)

# The errors of first syncs: these steps stop them as a whole.
STOPS: Mapping[Step, str] = {
    stop: "sis-permission-missing",
    lose_sis: "upstream-unavailable",
    time_out: "timed-out",
}
