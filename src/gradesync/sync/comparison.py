"""Compare sections: read both systems as a full preview does, and write to neither.

A comparison takes only calls that no sync waits for, and has no place in a section's queue: a teacher's sync
starts whenever she asks for it.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.catalog import use_sis_name
from gradesync.core.comparison import Comparison, compare
from gradesync.core.district import District
from gradesync.core.history import SIGHTING, Cause
from gradesync.core.ledger import Ledger
from gradesync.core.reasons import Reason
from gradesync.core.sightings import find_sightings
from gradesync.core.sis import LiveGradebook
from gradesync.db import comparisons, decisions, districts, history, pauses, queue, syncs
from gradesync.db.comparisons import ComparisonState
from gradesync.db.pauses import Where
from gradesync.db.syncs import Sync
from gradesync.errors import AccessRefused, Retriable, SyncStopped
from gradesync.sync.claim import Attempt, Lease
from gradesync.sync.context import SyncContext
from gradesync.sync.counts import Tally
from gradesync.sync.journal import Journal
from gradesync.sync.link import normalize_students, replace_teacher
from gradesync.sync.read import Reading, read_both_sides
from gradesync.sync.spare_calls import SpareTurn, reserve_spare_calls

log = structlog.get_logger()

CALLS = 8  # to Schoology for one section: itself, its lists, its students and its scores
LONGEST_SECONDS = 150.0
LEASE_SECONDS = 180.0  # outlasts the work: it is never renewed
BUSY_PAUSE_SECONDS = 2.0
FAILURE_PAUSE_SECONDS = 20.0
TRIES_MAX = 3
SETTLES_IN = timedelta(minutes=20)
NIGHT = range(1, 5)  # the hours of a district's local time in which its sections are compared
NIGHTLY_EVERY = timedelta(hours=20)
NIGHTLY_AT_ONCE = 100  # queued in one district, beside those that people asked for
NIGHTLY = "schedule:nightly"  # who asked for them


class SectionBusy(Exception):
    """Report a sync of the section during the reads: what it wrote meanwhile would look like an edit."""


async def advance(context: SyncContext) -> int:
    """Make the comparisons that wait, one in each district; return how many were completed."""
    async with context.database.without_tenant() as db:
        waiting = await comparisons.list_waiting_districts(db)
    return await context.rotations.comparisons.serve(waiting, partial(_advance, context))


async def queue_nightly(context: SyncContext) -> int:
    """Queue comparisons where a district's policy asks for them each night; return how many."""
    async with context.database.without_tenant() as db:
        names = await districts.list_names(db)
    ids = [name.id for name in names]
    return await context.rotations.nightly.serve(ids, partial(_queue_nightly, context))


async def _queue_nightly(context: SyncContext, district_id: str) -> int:
    async with context.database.district(district_id) as db:
        district = await districts.get(db)
        if district is None or not district.policy.compare_nightly or await pauses.find(db, Where()):
            return 0
        if context.clock().astimezone(ZoneInfo(district.timezone)).hour not in NIGHT:
            return 0
        due = await comparisons.list_due_sections(db, every=NIGHTLY_EVERY, limit=NIGHTLY_AT_ONCE)
        for section_id in due:
            await comparisons.begin(
                db, section_id, requested_by=NIGHTLY, settles_in=SETTLES_IN.total_seconds()
            )
    return len(due)


async def _advance(context: SyncContext, district_id: str) -> bool:
    async with context.database.district(district_id) as db:
        await comparisons.settle_overdue(db)
        if await pauses.find(db, Where()):  # of the district: nothing of it works
            return False
    async with context.database.district(district_id) as db:
        district = await districts.get(db)
        state = await comparisons.claim(db, lease_seconds=LEASE_SECONDS)
    if district is None or state is None:
        return False
    use_sis_name(district.sis.name)
    with structlog.contextvars.bound_contextvars(district=district_id, section=state.section_id):
        return await _make(context, district, state)


async def _make(context: SyncContext, district: District, state: ComparisonState) -> bool:
    """Make one comparison. A failure ends it, or leaves it for a later attempt."""
    try:
        if not await reserve_spare_calls(context, district, CALLS):
            raise SectionBusy
        async with asyncio.timeout(LONGEST_SECONDS):
            compared = await compare_section(context, district, state)
    except SectionBusy:
        await _pause(context, district, state, BUSY_PAUSE_SECONDS, forgive=True)
    except SyncStopped as stopped:
        await _fail(context, district, state, stopped.reason, stopped.detail)
    except (Retriable, TimeoutError) as error:
        log.warning("comparison.waits", error=type(error).__name__)
        if state.tries >= TRIES_MAX:
            detail = error.detail if isinstance(error, Retriable) else ""
            await _fail(context, district, state, Reason.UPSTREAM_UNAVAILABLE, detail)
        else:
            await _pause(context, district, state, FAILURE_PAUSE_SECONDS, forgive=False)
    else:
        async with context.database.district(district.id) as db:
            await comparisons.complete(db, state, compared.found, compared.read_at)
            await decisions.close_reopened(db, state.section_id)
            await _record_sightings(db, state, compared)
        return True
    return False


async def _pause(
    context: SyncContext, district: District, state: ComparisonState, seconds: float, *, forgive: bool
) -> None:
    async with context.database.district(district.id) as db:
        await comparisons.release(db, state, rest=seconds, forgive=forgive)


async def _fail(
    context: SyncContext, district: District, state: ComparisonState, reason: str, detail: str = ""
) -> None:
    async with context.database.district(district.id) as db:
        await comparisons.fail(db, state, reason, detail)


class Compared(NamedTuple):
    """Hold a comparison, what it is made of, and when all of that was read."""

    found: Comparison
    read_at: datetime
    ledger: Ledger
    live: LiveGradebook


async def _record_sightings(db: AsyncSession, state: ComparisonState, compared: Compared) -> None:
    """Keep in the history what nobody of ours wrote: the comparison itself is kept for a month only."""
    earlier, changed_at = await history.read_sightings(db, state.section_id)
    if columns := find_sightings(compared.ledger, compared.live, earlier, changed_at):
        cause = Cause(state.id, SIGHTING, state.requested_by)
        await history.record_sightings(db, state.section_id, compared.read_at, cause, columns)


async def compare_section(context: SyncContext, district: District, state: ComparisonState) -> Compared:
    """Read a section in both systems, and compare. Raises `SyncStopped`, `Retriable`, `SectionBusy`."""
    attempt, reading, read_at = await read_section(context, district, state)
    found = compare(
        reading.gradebook,
        attempt.journal.entries,
        reading.live,
        reading.book,
        reading.matched.keys,
        remembered=attempt.link.remembered,
        categories={each.ref.key: each.title for each in attempt.link.sis_categories},
    )
    return Compared(found, read_at, attempt.journal.entries, reading.live)


async def read_section(
    context: SyncContext, district: District, state: ComparisonState
) -> tuple[Attempt, Reading, datetime]:
    """Read a section in both systems; the time is when both were read, and no sync had changed anything.

    Raises `SyncStopped`, `Retriable`, `SectionBusy`.
    """
    before, _ = await _find_newest_sync(context, district, state.section_id)
    attempt = await _open_attempt(context, district, state)
    normalize_students(attempt)
    try:
        reading = await read_both_sides(attempt)
    except AccessRefused as refused:
        if attempt.link.sis is None:
            raise
        await replace_teacher(attempt, attempt.link.sis, refused)
        reading = await read_both_sides(attempt)
    reading = await _read_left_out(attempt, reading)
    newest, now = await _find_newest_sync(context, district, state.section_id)
    if newest != before:
        raise SectionBusy
    return attempt, reading, now


async def _find_newest_sync(
    context: SyncContext, district: District, section_id: str
) -> tuple[str | None, datetime]:
    """Return the id of the section's newest sync, and a time by which it was that.

    Raises `SectionBusy` while one is in progress.
    """
    async with context.database.district(district.id) as db:
        now = await comparisons.read_clock(db)
        running = await syncs.get_running(db, section_id)
        newest = await syncs.page(db, section_id=section_id, limit=1)
    if running is not None and not running.dry_run:
        raise SectionBusy
    return (newest[0].id if newest else None), now


async def _open_attempt(context: SyncContext, district: District, state: ComparisonState) -> Attempt:
    """Open an attempt that reads like a full preview's. Nothing is ever recorded in its journal."""
    async with context.database.for_statement() as db:
        stored = await queue.load_section(db, district.id, state.section_id)
    sync = _as_preview(district, state)
    lease = Lease(context.database, district.id, sync.id, token="", seconds=0)
    until = context.clock() + timedelta(seconds=LONGEST_SECONDS)
    requester = sync.requested_by_id if sync.requested_by_kind == "teacher" else None
    return Attempt(
        context=context,
        district=district,
        sync=sync,
        source=context.systems.source(district, requester=requester, until=until),
        target=context.systems.target(district, permit=SpareTurn(context, district.id), until=until),
        journal=Journal(context.database, sync, lease, Tally(), stored.ledger.entries, LONGEST_SECONDS),
        link=stored.link,
        pairs=stored.pairs,
        selection=None,
        spanning=False,
    )


def _as_preview(district: District, state: ComparisonState) -> Sync:
    """Return the full preview that reads what a comparison reads."""
    kind, _, requester = state.requested_by.partition(":")
    started: datetime = state.started_at or state.requested_at
    return Sync(
        district_id=district.id,
        id=state.id,
        section_id=state.section_id,
        status="processing",
        stage="reading",
        applied="none",
        mode="full",
        dry_run=True,
        selection=None,
        retry_of=None,
        approve=None,
        requested_by_kind=kind,
        requested_by_id=requester,
        requested_at=state.requested_at,
        started_at=started,
        finished_at=None,
        settles_by=state.settles_by,
        done=0,
        total=None,
        assignments={},
        scores={},
        warnings={},
        fingerprint=None,
        guard=None,
        error_code=None,
        error_detail="",
        lease_token=None,
        lease_until=None,
        attempt=state.tries,
        not_before=started,
    )


async def _read_left_out(attempt: Attempt, reading: Reading) -> Reading:
    """Read the scores of assignments that do not sync and stand in the SIS all the same."""
    listed = {item.ref.key for item in reading.live.assignments if item.takes_points}
    scores = dict(reading.live.scores)
    for entry in attempt.journal.entries.values():
        if entry.ref is not None and entry.ref.key in listed and entry.ref.key not in scores:
            read = await attempt.target.scores(reading.section, entry.ref)
            if read is not None:
                scores[entry.ref.key] = read
    return replace(reading, live=replace(reading.live, scores=scores))
