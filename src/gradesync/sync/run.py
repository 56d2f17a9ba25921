"""Run a claimed sync: read, plan, write, settle. Whatever happens, it settles or goes back to the queue."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from gradesync.core.catalog import use_sis_name
from gradesync.core.plan import Action, Plan
from gradesync.core.planner import plan as make_plan
from gradesync.core.reasons import Reason
from gradesync.core.second_person import find_stop, hold_late, is_second_person
from gradesync.core.sis import Ref
from gradesync.db import districts, ledger
from gradesync.db.session import DATABASE_AWAY
from gradesync.errors import AccessRefused, LeaseLost, Rejected, Retriable, SyncStopped, TermMoved, name_cause
from gradesync.observability.tracing import start_span
from gradesync.sync.assignments import write_assignments
from gradesync.sync.claim import Attempt, Claimed, open_attempt
from gradesync.sync.context import SyncContext
from gradesync.sync.counts import LEASES_LOST, mode, record_settled, time_stage
from gradesync.sync.journal import Settlement, SliceOver, still_ours
from gradesync.sync.link import normalize_students, remember_students, replace_teacher
from gradesync.sync.outcomes import (
    forget_unread,
    forget_vanished,
    note_not_attempted,
    note_orphans,
    note_preview,
    note_rules,
    note_scores,
    note_unknown,
)
from gradesync.sync.read import Reading, read_both_sides
from gradesync.sync.release import find_wait, release
from gradesync.sync.scores import ScoreWriter
from gradesync.sync.sender import ScoreSender
from gradesync.sync.sweep import render_circuits, settle_as_failed
from gradesync.sync.undo import plan_undo

log = structlog.get_logger()

# The database refuses the statement, and is not away: trying again cannot help.
STATEMENT_ERRORS = (DataError, IntegrityError, ProgrammingError)
DATABASE_AWAY_SECONDS = 2.0


async def run_sync(context: SyncContext, claimed: Claimed) -> None:
    """Make one attempt at a claimed sync. Raises nothing but cancellation, which releases the sync first."""
    district, sync = claimed.district, claimed.sync
    use_sis_name(district.sis.name)
    bound = structlog.contextvars.bound_contextvars(
        district=district.id, section=sync.section_id, sync=str(sync.id)
    )
    facts = {"gradesync.district.id": district.id, "gradesync.sync.id": sync.id, "gradesync.mode": mode(sync)}
    with bound, start_span("sync", facts, kind="consumer", parent=sync.trace) as span:
        attempt: Attempt | None = None
        try:
            async with claimed.lease.renewing():
                attempt = await open_attempt(context, claimed)
                await run_stages(attempt)
            log.info("sync.settled")
        except asyncio.CancelledError:
            await asyncio.shield(release(context, claimed))
            raise
        except Exception as error:
            try:
                await _settle_or_release(context, claimed, attempt, error)
            except LeaseLost:
                log.warning("sync.lease-lost")
                LEASES_LOST.inc()
                await release(context, claimed)  # it may have been too short only, and still be ours
        if attempt is not None and (settled := attempt.journal.settled) is not None:
            code = settled.error_code or "none"
            span.set_attributes({"gradesync.status": settled.status, "gradesync.code": code})


async def run_stages(attempt: Attempt) -> None:
    """Read, plan, write, settle. Raises `SyncStopped`, `Retriable`, `LeaseLost`, `SliceOver`.

    Where the SIS refuses access, the section is resolved once more: another teacher may act for it now. Where
    it refuses a due date that was inside of the term as it is remembered, that is read again first (R37).
    """
    try:
        await _run_once(attempt)
    except TermMoved:
        attempt.link = replace(attempt.link, term_read_at=None)
        await attempt.journal.start_over()
        await _run_once(attempt)
    except AccessRefused as refused:
        section = attempt.link.sis
        if section is None:
            raise
        await replace_teacher(attempt, section, refused)
        await attempt.journal.start_over()
        await _run_once(attempt)


async def _run_once(attempt: Attempt) -> None:
    with time_stage("reading"):
        normalize_students(attempt)
        reading = await read_both_sides(attempt)
    with time_stage("planning"):
        plan = await _plan(attempt, reading)
    # The cells are in the plan now: those of a large section need not stay in memory beside it.
    reading = replace(reading, gradebook=replace(reading.gradebook, cells={}))
    if attempt.sync.dry_run:
        await _preview(attempt, reading, plan)
    else:
        with time_stage("writing"):
            await _write(attempt, reading, plan)


async def _plan(attempt: Attempt, reading: Reading) -> Plan:
    """Make the plan, and note the outcomes that need no call."""
    journal, undo = attempt.journal, attempt.sync.undo
    plan = _plan_sync(attempt, reading) if undo is None else await plan_undo(attempt, reading, undo)
    if reading.book.policy.late_approval:
        today = attempt.context.clock().astimezone(ZoneInfo(attempt.district.timezone)).date()
        plan = hold_late(plan, reading.section.term_last, today)
    journal.start(plan)
    note_rules(journal, plan)
    note_orphans(journal, plan)
    if attempt.selection is not None and attempt.sync.retry_of is None:
        note_unknown(journal, attempt.selection, reading.gradebook)
    if not attempt.sync.dry_run and (plan.needs_approval or attempt.sync.approve is not None):
        _check_approval(attempt, plan)
    return plan


def _plan_sync(attempt: Attempt, reading: Reading) -> Plan:
    return make_plan(
        reading.gradebook,
        attempt.journal.entries,
        reading.live,
        reading.book,
        reading.matched.keys,
        remembered=attempt.link.remembered,
        selection=attempt.selection,
        full=attempt.full,
        judged=reading.judged,
    )


async def _preview(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    """Note what the sync would do, and settle. Reads the SIS roster: who is absent would fail (R52)."""
    sender = ScoreSender(attempt.target, reading.section, reading.matched.elsewhere)
    if any(item.writes for item in plan.assignments):
        await sender.read_roster()
    listed, known = reading.live.assignments, sender.memory.roster is not None
    note_preview(
        attempt.journal,
        plan,
        listed,
        sender.predict_absence,
        roster_known=known,
        ignores_case=attempt.target.capabilities.ignores_case,
    )
    await attempt.journal.settle(Settlement())


def _check_approval(attempt: Attempt, plan: Plan) -> None:
    sync = attempt.sync
    second = sync.reason is not None and is_second_person(sync.planned_by, sync.requester)
    if stop := find_stop(plan, sync.approve, by_second=second):
        raise SyncStopped(stop)


async def _write(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    """Write the assignments, then their scores, and settle with the last of them."""
    journal, context = attempt.journal, attempt.context
    refs = {item.id: item.ref for item in plan.assignments if item.action is Action.KEEP and item.ref}
    if plan.writes_assignments or not all(map(attempt.target.is_complete, refs.values())):
        plan = await write_assignments(attempt, reading, plan, refs)
    note_scores(journal, plan, refs, attempt.selection)
    forget_vanished(journal, reading.gradebook)
    end = _settlement(attempt, reading, plan, refs)
    if end.link is not None and reading.has_changed(attempt.link):
        forget_unread(journal, end.read_through)
    if not any(item.writes for item in plan.assignments if item.id in refs):
        await journal.settle(end)
        return
    sender = ScoreSender(attempt.target, reading.section, reading.matched.elsewhere, attempt.link.teacher)
    await ScoreWriter(sender, journal).write(plan, refs, spanning=attempt.spanning, end=end)
    if sender.memory.unspanned:
        async with context.database.district(attempt.district.id) as db:
            await districts.save_facts(db, non_spanning=True)


def _settlement(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> Settlement:
    """Return what a complete sync lets us remember: cursors, and what the section was read under."""
    if reading.gradebook.partial_lists:
        return Settlement()
    moved = _cursors(attempt, reading, plan, refs)
    if not attempt.whole:
        return Settlement(read_through=moved)
    link = replace(
        remember_students(attempt.link, reading.matched.keys, attempt.context.clock()),
        title=reading.gradebook.title or attempt.link.title,
        rules_hash=reading.rules_hash,
        last_full_read=attempt.context.clock() if reading.gradebook.full else attempt.link.last_full_read,
    )
    return Settlement(link=None if link == attempt.link else link, read_through=moved)


def _cursors(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> dict[str, datetime]:
    """Return the cursors that may move: of assignments that the SIS holds, all of whose rows were read."""
    book, selection = reading.gradebook, attempt.selection
    incomplete = {assignment_id for assignment_id, _ in book.unreadable} | book.partial
    moved = {
        item.id: book.read_through[item.id]
        for item in plan.assignments
        if item.id in refs
        and item.id in book.read_through
        and item.id not in incomplete
        and (selection is None or selection.get(item.id, frozenset()) is None)
    }
    if book.full:
        return moved
    # A read of changes has seen no more than was asked of it: it moves no cursor back.
    before = {key: attempt.journal.entry(key).read_through or moment for key, moment in moved.items()}
    return {key: max(moment, before[key]) for key, moment in moved.items()}


async def _settle_or_release(
    context: SyncContext, claimed: Claimed, attempt: Attempt | None, error: Exception
) -> None:
    """Handle a failure, and one that comes meanwhile, without what cannot be stored. Raises `LeaseLost`."""
    try:
        await _handle_failure(context, claimed, attempt, error)
    except LeaseLost:
        raise
    except Exception as second:
        await _handle_failure(context, claimed, None, second)


async def _handle_failure(
    context: SyncContext, claimed: Claimed, attempt: Attempt | None, error: Exception
) -> None:
    """Release the sync or settle it as failed, as the error demands. Raises `LeaseLost`."""
    match error:
        case LeaseLost():
            raise error
        case SliceOver():
            await release(context, claimed)
        case ledger.RefTaken() if claimed.sync.attempt == 1:
            await release(context, claimed)  # the next attempt sees who has it, and leaves that one out
        case Retriable() if (wait := await find_wait(context, claimed, error)) is not None:
            await _flush(attempt)
            await release(context, claimed, wait)
        case Retriable():
            circuits = render_circuits(await context.systems.open_circuits(claimed.district))
            detail = "; ".join(filter(None, (error.detail, circuits)))
            await _stop(context, claimed, attempt, _Stop(Reason.UPSTREAM_UNAVAILABLE, detail))
        case SyncStopped() | Rejected():
            await _stop(context, claimed, attempt, _Stop(Reason(error.reason), error.detail))
        case _ if isinstance(error, DATABASE_AWAY) and not isinstance(error, STATEMENT_ERRORS):
            log.warning("sync.database-away", error=name_cause(error))
            await release(context, claimed, DATABASE_AWAY_SECONDS)
        case _:
            log.exception("sync.error")
            await _stop(context, claimed, attempt, _Stop(Reason.INTERNAL_ERROR))


@dataclass(frozen=True, slots=True)
class _Stop:
    """Describe why a sync cannot go on."""

    reason: Reason
    detail: str = ""


async def _stop(context: SyncContext, claimed: Claimed, attempt: Attempt | None, stop: _Stop) -> None:
    """Settle a sync that cannot go on, with an outcome for everything that it read."""
    log.warning("sync.stopped", reason=stop.reason)
    if attempt is None:  # what is stored of the section could not be loaded: there is nothing to add
        async with context.database.district(claimed.district.id) as db:
            settled = await settle_as_failed(
                db, claimed.sync.id, claimed.lease.token, stop.reason, stop.detail
            )
        record_settled(still_ours(settled))
        return
    if attempt.journal.plan is not None:
        note_not_attempted(attempt.journal, attempt.journal.plan, stop.reason)
    await attempt.journal.settle(Settlement(reason=stop.reason, detail=stop.detail))


async def _flush(attempt: Attempt | None) -> None:
    """Record what was done before the sync goes back to the queue."""
    if attempt is not None and attempt.journal.plan is not None:
        with suppress(SliceOver):
            await attempt.journal.record("writing")
