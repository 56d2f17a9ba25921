"""Run one attempt through its stages: read, plan, write, settle."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gradesync.core.gradebook import Gradebook
from gradesync.core.plan import Plan
from gradesync.core.planner import plan as make_plan
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisSection
from gradesync.db import districts, links
from gradesync.errors import SyncStopped
from gradesync.sync.assignments import AssignmentWriter, read_back_rescaled, write_assignments
from gradesync.sync.attempt import Attempt
from gradesync.sync.journal import Journal, Settlement
from gradesync.sync.link import change_teacher, hash_rules
from gradesync.sync.metrics import time_stage
from gradesync.sync.outcomes import note_orphans, note_preview, note_rules, note_scores, note_unknown
from gradesync.sync.read import Reading, read_both_sides
from gradesync.sync.scores import ScoreWriter


async def run_stages(attempt: Attempt) -> None:
    """Read, plan, write, settle. Raises `SyncStopped`, `Retriable`, `LeaseLost`, `SliceOver`.

    Where the SIS refuses the acting teacher for the section, the section is resolved once more.
    """
    try:
        await _run_once(attempt)
    except SyncStopped as stop:
        section = attempt.link.sis
        if stop.reason != Reason.TEACHER_NOT_IN_SIS_SECTION or section is None:
            raise
        await _change_teacher(attempt, section)
        await attempt.journal.start_over()
        await _run_once(attempt)


async def _change_teacher(attempt: Attempt, section: SisSection) -> None:
    old = attempt.pairs
    attempt.link, attempt.pairs = await change_teacher(attempt.link, section, old, attempt.target)
    if attempt.sync.dry_run:
        return
    section_id = attempt.sync.section_id
    async with attempt.context.database.district(attempt.district.id) as db:
        await links.save(db, attempt.link)
        await links.remove_pairs(db, section_id, sorted(old.keys() - attempt.pairs.keys()))
        await links.save_pairs(db, section_id, attempt.pairs.values())


async def _run_once(attempt: Attempt) -> None:
    with time_stage("reading"):
        reading = await read_both_sides(attempt)
    with time_stage("planning"):
        plan = _plan(attempt, reading)
    if attempt.sync.dry_run:
        await attempt.journal.settle(Settlement())
    else:
        with time_stage("writing"):
            await _write(attempt, reading, plan)


def _plan(attempt: Attempt, reading: Reading) -> Plan:
    """Make the plan, and note the outcomes that need no call; for a preview, all of them."""
    journal = attempt.journal
    plan = make_plan(
        reading.gradebook,
        journal.entries,
        reading.live,
        reading.book,
        reading.matched.keys,
        selection=attempt.selection,
        full=attempt.full,
    )
    journal.start(plan)
    note_rules(journal, plan)
    note_orphans(journal, plan)
    if attempt.selection is not None and attempt.sync.retry_of is None:
        note_unknown(journal, attempt.selection, reading.gradebook)
    _check_approval(attempt, plan)
    if attempt.sync.dry_run:
        refs = {item.id: Ref(item.id) for item in plan.assignments}
        note_scores(journal, plan, refs, reading.gradebook, attempt.selection)
        note_preview(journal, plan)
    return plan


def _check_approval(attempt: Attempt, plan: Plan) -> None:
    approved = attempt.sync.approve
    if approved is not None and plan.fingerprint != approved:
        raise SyncStopped(Reason.PLAN_CHANGED)
    if plan.needs_approval and approved is None and not attempt.sync.dry_run:
        raise SyncStopped(Reason.MASS_CHANGE)


async def _write(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    """Write the assignments, then their scores, and settle with the last of them."""
    journal, context = attempt.journal, attempt.context
    assignments = AssignmentWriter(
        target=attempt.target,
        section=reading.section,
        journal=journal,
        call_timeout=context.limits.call_timeout,
        take_over=attempt.district.policy.take_over,
        bound={entry.ref.key for entry in journal.entries.values() if entry.ref},
    )
    await write_assignments(assignments, plan)
    plan = await read_back_rescaled(assignments, plan)
    refs = assignments.refs
    note_scores(journal, plan, refs, reading.gradebook, attempt.selection)
    _forget_vanished(journal, reading.gradebook)
    scores = ScoreWriter(attempt.target, reading.section, journal, elsewhere=reading.matched.elsewhere)
    end = _settlement(attempt, reading, plan, refs)
    await scores.write(plan, refs, spanning=attempt.spanning, end=end)
    if scores.unspanned:
        async with context.database.district(attempt.district.id) as db:
            await districts.save_facts(db, non_spanning=True)


def _forget_vanished(journal: Journal, gradebook: Gradebook) -> None:
    """Drop the cursors of assignments that the source lists no more: restored, they are read whole (R19)."""
    listed = {item.id for item in gradebook.assignments}
    for entry in list(journal.entries.values()):
        if entry.id not in listed and entry.read_through is not None:
            journal.keep(replace(entry, read_through=None))


def _settlement(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> Settlement:
    """Return what a complete sync lets us remember: cursors, and what the section was read under."""
    if not attempt.whole:
        return Settlement(read_through=_cursors(attempt, reading, plan, refs))
    link = replace(
        attempt.link,
        students=reading.matched.keys,
        rules_hash=hash_rules(attempt.district, reading.section, reading.pairing),
        last_full_read=attempt.context.clock() if reading.gradebook.full else attempt.link.last_full_read,
    )
    changed = None if link == attempt.link else link
    return Settlement(link=changed, read_through=_cursors(attempt, reading, plan, refs))


def _cursors(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> dict[str, datetime]:
    """Return the cursors that may move: of assignments that the SIS holds, all of whose rows were read."""
    book, selection = reading.gradebook, attempt.selection
    incomplete = {assignment_id for assignment_id, _ in book.unreadable} | book.partial
    return {
        item.id: book.read_through[item.id]
        for item in plan.assignments
        if item.id in refs
        and item.id in book.read_through
        and item.id not in incomplete
        and (selection is None or selection.get(item.id, frozenset()) is None)
    }
