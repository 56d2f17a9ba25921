"""Carries one attempt through: read, plan, apply, settle."""

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
from gradesync.sync.assignments import AssignmentWriter, place
from gradesync.sync.attempt import Attempt
from gradesync.sync.gather import Reading, gather
from gradesync.sync.journal import Journal, Settlement
from gradesync.sync.link import change_teacher, rules_hash
from gradesync.sync.metrics import stage
from gradesync.sync.outcomes import note_orphans, note_preview, note_rules, note_scores, note_unknown
from gradesync.sync.read_back import look_again
from gradesync.sync.scores import Delivery
from gradesync.sync.write import write


async def run_stages(attempt: Attempt) -> None:
    """Read, plan, apply, settle. Raises `SyncStopped`, `Retriable`, `LeaseLost`, `SliceOver`.

    Where the SIS says that the acting teacher does not teach the section, it is resolved once more.
    """
    try:
        await _once(attempt)
    except SyncStopped as stop:
        section = attempt.link.sis
        if stop.reason != Reason.TEACHER_NOT_IN_SIS_SECTION or section is None:
            raise
        await _change_teacher(attempt, section)
        await attempt.journal.start_over()
        await _once(attempt)


async def _change_teacher(attempt: Attempt, section: SisSection) -> None:
    old = attempt.pairs
    attempt.link, attempt.pairs = await change_teacher(attempt.link, section, old, attempt.target)
    if attempt.sync.dry_run:
        return
    section_id = attempt.sync.section_id
    async with attempt.engine.database.district(attempt.district.id) as db:
        await links.save(db, attempt.link)
        await links.remove_pairs(db, section_id, sorted(old.keys() - attempt.pairs.keys()))
        await links.save_pairs(db, section_id, attempt.pairs.values())


async def _once(attempt: Attempt) -> None:
    with stage("reading"):
        reading = await gather(attempt)
    with stage("planning"):
        plan = _told(attempt, reading)
    if attempt.sync.dry_run:
        await attempt.journal.settle(Settlement())
    else:
        with stage("writing"):
            await _apply(attempt, reading, plan)


def _told(attempt: Attempt, reading: Reading) -> Plan:
    """The plan, and what it settles without any call noted; of a preview, everything."""
    plan, journal = _plan(attempt, reading), attempt.journal
    journal.begin(plan)
    note_rules(journal, plan)
    note_orphans(journal, plan)
    if attempt.selection is not None and attempt.sync.retry_of is None:
        note_unknown(journal, attempt.selection, reading.gradebook)
    _check_approval(attempt, plan)
    if attempt.sync.dry_run:
        _foretell(attempt, reading, plan)
    return plan


def _check_approval(attempt: Attempt, plan: Plan) -> None:
    approved = attempt.sync.approve
    if approved is not None and plan.fingerprint != approved:
        raise SyncStopped(Reason.PLAN_CHANGED)
    if plan.tripped and approved is None and not attempt.sync.dry_run:
        raise SyncStopped(Reason.MASS_CHANGE)


def _foretell(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    refs = {item.id: Ref(item.id) for item in plan.assignments}
    note_scores(attempt.journal, plan, refs, reading.gradebook, attempt.selection)
    note_preview(attempt.journal, plan)


async def _apply(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    journal, bounds = attempt.journal, attempt.engine.bounds
    placing = AssignmentWriter(
        target=attempt.target,
        section=reading.section,
        journal=journal,
        call_timeout=bounds.call_timeout,
        take_over=attempt.district.policy.take_over,
        bound={entry.ref.key for entry in journal.entries.values() if entry.ref},
    )
    await place(placing, plan)
    plan = await look_again(placing, plan)
    note_scores(journal, plan, placing.refs, reading.gradebook, attempt.selection)
    _forget_vanished(journal, reading.gradebook)
    delivery = Delivery(attempt.target, reading.section, elsewhere=reading.matched.elsewhere)
    await write(
        journal,
        delivery,
        plan,
        placing.refs,
        size=attempt.target.capabilities.rows_per_write,
        spanning=attempt.spanning,
        end=_settlement(attempt, reading, plan, placing.refs),
    )
    if delivery.unspanned:
        async with attempt.engine.database.district(attempt.district.id) as db:
            await districts.learn(db, non_spanning=True)


def _forget_vanished(journal: Journal, gradebook: Gradebook) -> None:
    """An assignment that the source no longer lists loses its cursor: restored, it is read whole (R19)."""
    listed = {item.id for item in gradebook.assignments}
    for entry in list(journal.entries.values()):
        if entry.id not in listed and entry.read_through is not None:
            journal.keep(replace(entry, read_through=None))


def _settlement(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> Settlement:
    """What a whole application lets us remember: cursors, and what the section was read under."""
    if not attempt.whole:
        return Settlement(read_through=_cursors(attempt, reading, plan, refs))
    link = replace(
        attempt.link,
        students=reading.matched.keys,
        rules_hash=rules_hash(attempt.district, reading.section, reading.pairing),
        last_full_read=attempt.engine.clock() if reading.gradebook.full else attempt.link.last_full_read,
    )
    changed = None if link == attempt.link else link
    return Settlement(link=changed, read_through=_cursors(attempt, reading, plan, refs))


def _cursors(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> dict[str, datetime]:
    """The cursors that may move: of assignments in their place, all of whose rows were read."""
    book, selection = reading.gradebook, attempt.selection
    torn = {assignment_id for assignment_id, _ in book.unreadable} | book.partial
    return {
        item.id: book.read_through[item.id]
        for item in plan.assignments
        if item.id in refs
        and item.id in book.read_through
        and item.id not in torn
        and (selection is None or selection.get(item.id, frozenset()) is None)
    }


def _plan(attempt: Attempt, reading: Reading) -> Plan:
    return make_plan(
        reading.gradebook,
        attempt.journal.entries,
        reading.live,
        reading.book,
        reading.matched.keys,
        selection=attempt.selection,
        full=attempt.full,
    )
