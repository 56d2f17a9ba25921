"""Build the statement of a section for a period, like a bank's: opening, movements, what is open, closing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gradesync.core.cell_state import EDITED, CellState
from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import CellChange, ColumnChange, Event, Known, fold
from gradesync.core.ledger import holds
from gradesync.core.sis import id_order
from gradesync.core.statement.lines import Kind, Line, Material, Seen, Statement


def build_statement(made_of: Material) -> Statement:
    """Build a statement. The order of what it is made of does not matter.

    The closing lines come from the folded history, the movements from its events. Raises `ValueError` where
    the two do not agree.
    """
    events = sorted(made_of.events, key=lambda event: (event.at, event.cause.sync_id))
    uids = {key: uid for uid, key in sorted(made_of.students.items())}
    before = [event for event in events if event.at <= made_of.since]
    during = [event for event in events if made_of.since < event.at <= made_of.until]
    walk = _Walk()
    for event in before:
        walk.apply(event)
    opening = [_balance(Kind.OPENING, position, known) for position, known in walk.standing()]
    changes = [line for event in during for line in walk.apply(event)]
    movements = [replace(line, late=True) if _is_late(line, made_of) else line for line in changes]
    movements += _list_failed(made_of)
    movements.sort(key=lambda line: (line.at or made_of.until, _sync_of(line), line.kind is Kind.FAILED))
    standing = {
        (assignment_id, student): known
        for assignment_id, cells in fold([*before, *during]).items()
        for student, known in cells.items()
    }
    drifted = list(_list_drifted(made_of.seen, standing))
    still_open = [*_list_owed(made_of), *drifted, *_list_unknown(made_of, events, standing)]
    closing = _close(made_of.seen, standing, drifted)
    lines = [*opening, *movements, *still_open, *closing]
    statement = Statement(
        made_of.since, made_of.until, tuple(_name(line, uids, made_of.students) for line in lines)
    )
    if not statement.closes:
        raise ValueError(f"the statement does not close: {statement.totals}")
    return statement


def _is_late(line: Line, made_of: Material) -> bool:
    return line.at is not None and made_of.term_over is not None and line.at >= made_of.term_over


class _Walk:
    """Follow the scores of the SIS from event to event, with a line for each change."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[str | None, dict[str, Known]]] = {}

    def standing(self) -> list[tuple[tuple[str, str], Known]]:
        """Return what stands, in the order of assignments and students."""
        found = {
            (id_, key): known for id_, (_, cells) in self._columns.items() for key, known in cells.items()
        }
        return sorted(found.items(), key=lambda item: _position_order(item[0]))

    def apply(self, event: Event) -> list[Line]:
        """Apply an event, and return its lines."""
        return [line for column in event.columns for line in self._apply_column(event, column)]

    def _apply_column(self, event: Event, column: ColumnChange) -> Iterator[Line]:
        ref, cells = self._columns.get(column.assignment_id, (None, {}))
        line = Line(kind=Kind.REMOVED, at=event.at, assignment_id=column.assignment_id, cause=event.cause)
        if ref != column.ref:
            for student in sorted(cells, key=id_order):
                value = cells[student].change.after
                yield replace(line, ref=ref or "", sis_student=student, before=value)
            cells = {}
        self._columns[column.assignment_id] = column.ref, cells
        for change in column.cells:
            was: Sent = cells[change.student].change.after if change.student in cells else NEVER_SENT
            now: Sent = NEVER_SENT if column.ref is None else change.after
            one = replace(line, ref=column.ref or "", sis_student=change.student)
            if was != change.before:  # somebody changed it, or the event that explains it is not kept
                reason = "not-known-before" if was is NEVER_SENT else "changed-in-sis"
                yield replace(one, kind=Kind.FOUND, before=was, after=change.before, reason=reason)
            if now is NEVER_SENT:
                cells.pop(change.student, None)
            else:
                cells[change.student] = Known(change, column.ref or "", event.at, event.cause)
            if now != change.before:
                yield replace(one, kind=_kind_of(change, now), before=change.before, after=now)


def _kind_of(change: CellChange, now: Sent) -> Kind:
    if now is NEVER_SENT:
        return Kind.REMOVED
    if change.found:
        return Kind.FOUND
    return Kind.CLEARED if now is None else Kind.WRITTEN


def _balance(kind: Kind, position: tuple[str, str], known: Known) -> Line:
    return Line(
        kind=kind,
        at=known.at,
        assignment_id=position[0],
        ref=known.ref,
        sis_student=position[1],
        after=known.change.after,
        reason="as-found" if known.change.found else "as-sent",
        cause=known.cause,
    )


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


def _is_current(cell: ComparedCell, known: Known | None, seen: Seen) -> bool:
    """Return True where nothing was written since the comparison began to read."""
    return bool(cell.sis_student) and (known is None or known.at <= seen.at)


def _list_drifted(seen: Seen | None, standing: Mapping[tuple[str, str], Known]) -> Iterator[Line]:
    if seen is None:
        return
    for cell in sorted(seen.cells, key=_cell_order):
        known = standing.get((cell.assignment_id, cell.sis_student))
        value: Sent = known.change.after if known else NEVER_SENT
        if cell.state not in {*EDITED, CellState.CONVERGED} or not _is_current(cell, known, seen):
            continue
        if not holds(cell.live, None if value is NEVER_SENT else value):
            yield Line(
                kind=Kind.DRIFTED,
                at=seen.at,
                assignment_id=cell.assignment_id,
                ref=known.ref if known else "",
                sis_student=cell.sis_student,
                before=value,
                after=cell.live,
                reason=cell.state.value,
                cause=known.cause if known else None,
            )


def _list_unknown(
    made_of: Material, events: Sequence[Event], standing: Mapping[tuple[str, str], Known]
) -> Iterator[Line]:
    """List what could not be read or is not kept: of the whole section first, then by score."""
    first = events[0].at if events else None
    if first is None or first > made_of.since:
        yield Line(kind=Kind.UNKNOWN, at=first, reason="not-known-before")
    if made_of.syncs_since is None or made_of.syncs_since > made_of.since:
        yield Line(kind=Kind.UNKNOWN, at=made_of.syncs_since, reason="failures-not-known-before")
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
        known = standing.get((line.assignment_id, line.sis_student))
        yield replace(line, cause=known.cause, ref=known.ref) if known else line


def _close(
    seen: Seen | None, standing: Mapping[tuple[str, str], Known], drifted: Iterable[Line]
) -> list[Line]:
    """List what the SIS shows at the end, as far as is known: as it was read, or else as it was sent."""
    lines = {position: _balance(Kind.CLOSING, position, known) for position, known in standing.items()}
    for cell in seen.cells if seen else ():
        position = (cell.assignment_id, cell.sis_student)
        known = standing.get(position)
        if known and seen and cell.state is not CellState.UNREADABLE and _is_current(cell, known, seen):
            lines[position] = replace(lines[position], at=seen.at, reason="as-read")
    for line in drifted:
        position = (line.assignment_id, line.sis_student)
        lines[position] = replace(line, kind=Kind.CLOSING, before=NEVER_SENT, reason="as-read")
    return [lines[position] for position in sorted(lines, key=_position_order)]


def _name(line: Line, uids: Mapping[str, str], students: Mapping[str, str]) -> Line:
    """Return a line with both ids of its student, as far as they are known."""
    if line.sis_student and not line.student:
        return replace(line, student=uids.get(line.sis_student, ""))
    if line.student and not line.sis_student:
        return replace(line, sis_student=students.get(line.student, ""))
    return line


def _sync_of(line: Line) -> str:
    return line.cause.sync_id if line.cause else ""


def _position_order(position: tuple[str, str]) -> tuple[tuple[int, str], ...]:
    return tuple(map(id_order, position))


def _cell_order(cell: ComparedCell) -> tuple[tuple[int, str], ...]:
    return tuple(map(id_order, (cell.assignment_id, cell.sis_student, cell.student)))


def _order(line: Line) -> tuple[tuple[int, str], ...]:
    return tuple(map(id_order, (line.assignment_id, line.sis_student, line.student)))
