"""Test the rules about the start and the log of syncs by their numbers, each through whole syncs."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gradesync.core.windows import Times
from gradesync.db import syncs
from gradesync.db.pauses import Where
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync.sync.manual_links import Author
from gradesync.sync.runs import advance_runs
from gradesync.sync.schedules import add_schedule, begin_scheduled
from gradesync_sandbox.faults import Status, System
from harness.assertions import find_false_claims, sync_checked
from harness.district import DistrictHarness

EVERY_DAY = frozenset(range(1, 8))
OFFICE = Author("client:office")
TO_YESTERDAY = "UPDATE schedule SET next_at = next_at - interval '1 day'"
TO_LAST_MONTH = """
    UPDATE sync SET requested_at = requested_at - interval '31 days' WHERE id = cast(:sync AS uuid)
"""


async def begin_and_run(harness: DistrictHarness) -> Sync | None:
    """Let the time of the district's schedules come, and run what they begin; return its last sync."""
    await harness.change_rows(TO_YESTERDAY)
    await begin_scheduled(harness.context)
    await advance_runs(harness.context, 900)
    await harness.run_queued()
    return next(iter(await list_log(harness)), None)


async def list_log(harness: DistrictHarness) -> list[Sync]:
    async with harness.context.database.district(harness.district.id) as db:
        return await syncs.page(db, section_id=harness.section)


async def schedule(harness: DistrictHarness) -> None:
    """Add a schedule of the section whose window, of three hours and more, is open now."""
    now = harness.context.clock().astimezone(ZoneInfo(harness.district.timezone))
    begins, ends = ((now + timedelta(hours=hours)).hour for hours in (-1, 4))
    times = Times(EVERY_DAY, time(begins), time(ends))
    await add_schedule(
        harness.context, harness.district.id, Where(section=harness.section), times, OFFICE, mode="changes"
    )


async def test_R23_schedules_begin_syncs_only_where_allowed(
    harness: DistrictHarness,
) -> None:
    with pytest.raises(RequestRefused) as refused:
        await schedule(harness)
    assert refused.value.code == "schedules-off"
    await sync_checked(harness)
    first, (ann, ben, *_) = harness.items[0], harness.students
    harness.grade(first, ann, 3)
    harness.forget_calls()
    await harness.run_queued()
    assert harness.writes == []  # nobody asked
    await harness.change_policy(schedules=True)
    await schedule(harness)
    begun = await begin_and_run(harness)
    assert begun is not None
    assert (begun.requested_by_kind, begun.status) == ("schedule", "complete")
    assert await find_false_claims(harness, begun) == []
    assert harness.differences() == []
    await harness.change_policy(schedules=False)
    harness.grade(first, ben, 4)
    harness.forget_calls()
    assert await begin_and_run(harness) == begun
    assert harness.writes == []


async def test_R24_log_shows_thirty_days_with_failures(harness: DistrictHarness) -> None:
    done = await harness.sync()
    harness.grade(harness.items[0], harness.students[0], 3)
    system: System = "oneroster" if harness.sandbox.oneroster is not None else "powerschool"
    refused = Status(403, '{"message":"No access"}')
    harness.fault(system, "*", refused, times=None)
    failed = await harness.sync()
    await harness.end_faults()
    harness.clear(harness.items[0], harness.students[0])
    waiting = await harness.request()
    shown = [(sync.id, sync.status, sync.error_code) for sync in await list_log(harness)]
    assert shown == [
        (waiting.id, "processing", None),
        (failed.id, "failed", failed.error_code),
        (done.id, "complete", None),
    ]
    assert failed.error_code
    assert failed.error_detail
    await harness.run_to_end(waiting)
    await harness.change_rows(TO_LAST_MONTH, sync=done.id)
    assert [sync.id for sync in await list_log(harness)] == [waiting.id, failed.id]
