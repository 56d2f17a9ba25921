"""Build the statement of a section for a period, like a bank's: opening, movements, what is open, closing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gradesync.core.cell_state import CellState
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import SIGHTING, Event
from gradesync.core.sis import id_order
from gradesync.core.statement.balance import Balances, find_balances, list_balances, list_drifted
from gradesync.core.statement.lines import Kind, Line, Material, Statement
from gradesync.core.statement.walk import Walk


def build_statement(made_of: Material) -> Statement:
    """Build a statement. The order of what it is made of does not matter.

    Both balances come from the folded history and the comparisons of their time, the movements from the
    events between. Raises `ValueError` where they do not agree.
    """
    kept = sorted(made_of.events, key=lambda event: (event.at, event.cause.sync_id))
    events = [event for event in kept if event.cause.mode != SIGHTING]
    sightings = [event for event in kept if event.cause.mode == SIGHTING and event.at <= made_of.until]
    uids = {key: uid for uid, key in sorted(made_of.students.items())}
    before = [event for event in events if event.at <= made_of.since]
    during = [event for event in events if made_of.since < event.at <= made_of.until]
    earlier = (sighting for sighting in sightings if sighting.at <= made_of.since)
    opening = find_balances(before, earlier, made_of.seen_before)
    closing = find_balances([*before, *during], sightings, made_of.seen)
    walk = Walk(before, opening)
    changes = [line for event in during for line in walk.apply(event)]
    movements = [replace(line, late=True) if _is_late(line, made_of) else line for line in changes]
    movements += _list_failed(made_of)
    movements.sort(key=lambda line: (line.at or made_of.until, _sync_of(line), line.kind is Kind.FAILED))
    still_open = [
        *_list_owed(made_of),
        *list_drifted(walk.recorded, walk.read, closing),
        *_list_unknown(made_of, events, opening, closing),
    ]
    lines = [
        *list_balances(Kind.OPENING, opening),
        *movements,
        *still_open,
        *list_balances(Kind.CLOSING, closing),
    ]
    statement = Statement(
        made_of.since, made_of.until, tuple(_name(line, uids, made_of.students) for line in lines)
    )
    if not statement.closes:
        raise ValueError(f"the statement does not close: {statement.totals}")
    return statement


def _is_late(line: Line, made_of: Material) -> bool:
    return line.at is not None and made_of.term_over is not None and line.at >= made_of.term_over


def _list_failed(made_of: Material) -> list[Line]:
    within = [one for one in made_of.failures if made_of.since < one.at <= made_of.until]
    lines = [
        Line(
            kind=Kind.FAILED,
            at=one.at,
            assignment_id=one.assignment_id,
            student=one.student,
            count=one.count,
            reason=one.reason,
            cause=one.cause,
        )
        for one in within
    ]
    return sorted(lines, key=lambda line: (*_order(line), line.reason))


def _list_owed(made_of: Material) -> Iterator[Line]:
    """List what is owed when the statement is made, each with the last failure of the period that left it."""
    causes = {
        (one.assignment_id, one.student): one.cause
        for one in sorted(made_of.failures, key=lambda one: (one.at, one.cause.sync_id))
        if one.at <= made_of.until
    }
    for assignment_id in sorted(made_of.ledger, key=id_order):
        entry = made_of.ledger[assignment_id]
        for uid in sorted(entry.owed, key=id_order):
            owed = entry.owed[uid]
            sent: Sent = entry.sent.get(made_of.students.get(uid, ""), NEVER_SENT)
            yield Line(
                kind=Kind.OWED,
                assignment_id=assignment_id,
                ref=entry.ref.key if entry.ref else "",
                student=uid,
                before=sent,
                after=owed.value,
                reason=owed.reason,
                cause=causes.get((assignment_id, uid)),
            )


def _list_unknown(
    made_of: Material, events: Sequence[Event], opening: Balances, closing: Balances
) -> Iterator[Line]:
    """List what could not be read or is not kept: of the whole section first, then by score."""
    first = events[0].at if events else None
    if first is None or first > made_of.since:
        yield Line(kind=Kind.UNKNOWN, at=first, reason="not-known-before")
    if made_of.syncs_since is None or made_of.syncs_since > made_of.since:
        yield Line(kind=Kind.UNKNOWN, at=made_of.syncs_since, reason="failures-not-known-before")
    if opening and made_of.seen_before is None:
        yield Line(kind=Kind.UNKNOWN, at=made_of.since, reason="opening-not-compared")
    if made_of.seen is None:
        yield Line(kind=Kind.UNKNOWN, reason="not-compared")
    doubts = [
        Line(
            kind=Kind.UNKNOWN, assignment_id=id_, sis_student=key, after=doubt.value, reason="write-in-doubt"
        )
        for id_, entry in made_of.ledger.items()
        for key, doubt in entry.doubtful.items()
    ]
    cells = made_of.seen.cells if made_of.seen else ()
    unread = [
        Line(
            kind=Kind.UNKNOWN,
            at=made_of.seen.at if made_of.seen else None,
            assignment_id=cell.assignment_id,
            sis_student=cell.sis_student,
            student=cell.student,
            before=cell.sent,
            reason=cell.reason or "unreadable",
        )
        for cell in cells
        if cell.state is CellState.UNREADABLE
    ]
    for line in sorted([*doubts, *unread], key=lambda line: (*_order(line), line.reason)):
        known = closing.get((line.assignment_id, line.sis_student))
        yield replace(line, cause=known.cause, ref=known.ref) if known else line


def _name(line: Line, uids: Mapping[str, str], students: Mapping[str, str]) -> Line:
    """Return a line with both ids of its student, as far as they are known."""
    if line.sis_student and not line.student:
        return replace(line, student=uids.get(line.sis_student, ""))
    if line.student and not line.sis_student:
        return replace(line, sis_student=students.get(line.student, ""))
    return line


def _sync_of(line: Line) -> str:
    return line.cause.sync_id if line.cause else ""


def _order(line: Line) -> tuple[tuple[int, str], ...]:
    return tuple(map(id_order, (line.assignment_id, line.sis_student, line.student)))
