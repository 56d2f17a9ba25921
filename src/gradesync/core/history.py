"""Keep the history of what stood in the SIS: changes of the ledger, and what they come to at any moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import MINYEAR, datetime, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.decisions import is_kept
from gradesync.core.ledger import LedgerAssignment, Value
from gradesync.core.plan import ScoreOutcome
from gradesync.core.reasons import Reason, Result

SIGHTING = "comparison"
"""Name the mode of an event that holds what a comparison saw. It is no change of the ledger."""
SCHOOL_YEAR_STARTS = 7  # the month: July, as school years of the United States are counted


class CellChange(NamedTuple):
    """Describe what became of one score in the SIS. `student` is the SIS key of the record.

    `found`: the SIS was seen to hold it, and nobody of ours wrote it. `sent_by` is an earlier sync that wrote
    it, whose answer was lost: this one found that out. Where somebody changed the score in the SIS, `before`
    is what it held.
    """

    student: str
    before: Sent
    after: Sent
    found: bool = False
    sent_by: str = ""


class Origin(NamedTuple):
    """Describe where a new value of a score comes from: see `CellChange`. `edit` is what it replaces."""

    found: bool = False
    sent_by: str = ""
    edit: tuple[()] | tuple[Value] = ()


WRITTEN = Origin()
FOUND = Origin(found=True)


class ColumnChange(NamedTuple):
    """Describe what one transaction of a sync changed in the SIS assignment of one Schoology assignment.

    `ref` is the key of the SIS assignment, None where it has none any more. Another one than before starts
    empty.
    """

    assignment_id: str
    ref: str | None
    cells: tuple[CellChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """Describe why the SIS was changed: by which sync, who asked, who approved it, and a reason if given.

    `requested_by` and `approved_by` are actors: `teacher:5790000`.
    """

    sync_id: str
    mode: str
    requested_by: str
    approved_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Hold what one transaction of a sync recorded."""

    at: datetime
    cause: Cause
    columns: tuple[ColumnChange, ...]


class KnownScore(NamedTuple):
    """Describe what is known of one score: its value, what stood before it, since when, and by which sync."""

    change: CellChange
    ref: str
    at: datetime
    cause: Cause


def find_change(
    before: LedgerAssignment | None,
    after: LedgerAssignment,
    origins: Mapping[str, Origin] = MappingProxyType({}),
) -> ColumnChange | None:
    """Return what changed in the SIS between two states of a ledger entry; None for nothing.

    `origins` are by SIS student; where there is none, the value was written.
    """
    was = before.ref.key if before and before.ref else None
    now = after.ref.key if after.ref else None
    if was == now and before is not None:
        cells = _compare(before.sent, after.sent, origins)
        return ColumnChange(after.id, now, cells) if cells else None
    if was == now or (now is None and after.former is not None and after.former.key == was):
        # Never in the SIS, or left where it was: its section goes to another one.
        return None
    moved = dict.fromkeys(after.sent, FOUND) if after.taken_from is not None else origins
    return ColumnChange(after.id, now, _compare({}, after.sent, moved))


def find_origins(entry: LedgerAssignment, settled: Iterable[ScoreOutcome], sync_id: str) -> dict[str, Origin]:
    """Return where the values come from that a sync found in the SIS, by SIS student key.

    `settled` are the outcomes that needed no write. An edit that a person was to decide about is over where
    the SIS holds again what was sent.
    """
    origins = {}
    for score in settled:
        key = score.sis_student
        doubt, decision = entry.doubtful.get(key), entry.decisions.get(key)
        debt = entry.owed.get(score.student)
        edits = [decision.live] if decision is not None and decision.student == score.student else []
        edits += [debt.held] if debt is not None and debt.reason == Reason.DRIFT_UNDECIDED else []
        if score.result is Result.ADOPTED:
            lost = doubt is not None and doubt.value == score.after
            sent_by = doubt.sync if doubt is not None and lost and doubt.sync != sync_id else ""
            origins[key] = Origin(found=not lost, sent_by=sent_by)
        elif is_kept(score) and edits and edits[-1] != score.after:
            origins[key] = Origin(found=True, edit=(edits[-1],))
    return origins


def _compare(
    before: Mapping[str, Sent], after: Mapping[str, Sent], origins: Mapping[str, Origin]
) -> tuple[CellChange, ...]:
    # Most values of an entry are the very objects of before: identity spares comparing decimals, which takes
    # long where one is compared with what is no number.
    changed = {
        student
        for student, value in after.items()
        if (old := before.get(student, NEVER_SENT)) is not value and (old is NEVER_SENT or old != value)
    }
    changed |= before.keys() - after.keys()
    changed |= {student for student, origin in origins.items() if origin.edit and student in after}
    return tuple(_change(student, before, after, origins) for student in sorted(changed))


def _change(
    student: str, before: Mapping[str, Sent], after: Mapping[str, Sent], origins: Mapping[str, Origin]
) -> CellChange:
    origin = origins.get(student, WRITTEN)
    was = origin.edit[0] if origin.edit else before.get(student, NEVER_SENT)
    return CellChange(student, was, after.get(student, NEVER_SENT), origin.found, origin.sent_by)


def fold(events: Iterable[Event], as_of: datetime | None = None) -> dict[str, dict[str, KnownScore]]:
    """Return what stood in the SIS at a moment, as far as is known: assignment id -> SIS student -> score.

    `events` are in the order of their time. What the SIS was never seen to hold, or holds no more, is absent.
    Where an edit was taken back, what stood before it stands again.
    """
    state: dict[str, _Column] = {}
    for event in events:
        if as_of is not None and event.at > as_of:
            break
        for change in event.columns:
            column = state.get(change.assignment_id, _Column(None, {}, {}))
            if column.ref != change.ref:
                if event.cause.mode == SIGHTING:
                    continue  # a column that went, or came, before the history knew
                column = _Column(change.ref, {}, {})
            state[change.assignment_id] = column
            column.apply(change, event)
    return {assignment_id: column.cells for assignment_id, column in state.items() if column.cells}


class _Column(NamedTuple):
    """Hold the scores that stand in a SIS assignment, and those below the edits that comparisons saw."""

    ref: str | None
    cells: dict[str, KnownScore]
    edited: dict[str, KnownScore]

    def apply(self, column: ColumnChange, event: Event) -> None:
        for change in column.cells:
            known = KnownScore(change, column.ref or "", event.at, event.cause)
            if event.cause.mode == SIGHTING:
                self._see(change.student, known)
                continue
            self.edited.pop(change.student, None)
            if change.after is NEVER_SENT or column.ref is None:
                self.cells.pop(change.student, None)
            else:
                self.cells[change.student] = known

    def _see(self, student: str, known: KnownScore) -> None:
        standing = self.cells.get(student)
        if standing is not None and standing.cause.mode != SIGHTING:
            self.edited[student] = standing
        below = self.edited.get(student)
        if below is not None and below.change.after == known.change.after:
            self.cells[student] = below
        elif below is None and known.change.after is None:
            self.cells.pop(student, None)  # typed where nothing was sent, and deleted again
        else:
            self.cells[student] = known


def trace(events: Iterable[Event], student: str) -> dict[str, list[KnownScore]]:
    """Return every change of one SIS student's scores, in order: assignment id -> changes."""
    lines = trace_all(events)
    return {assignment_id: cells[student] for assignment_id, cells in lines.items() if student in cells}


def trace_all(events: Iterable[Event]) -> dict[str, dict[str, list[KnownScore]]]:
    """Return every change of every score, in order: assignment id -> SIS student -> changes."""
    found: dict[str, dict[str, list[KnownScore]]] = {}
    for event in events:
        for column in event.columns:
            cells = found.setdefault(column.assignment_id, {})
            for change in column.cells:
                known = KnownScore(change, column.ref or "", event.at, event.cause)
                _add(cells.setdefault(change.student, []), known)
    return found


def _add(line: list[KnownScore], known: KnownScore) -> None:
    """Add a change to those of one score; what a comparison saw once more is none."""
    if known.cause.mode == SIGHTING and line:
        known = known._replace(change=known.change._replace(before=line[-1].change.after))
        if known.change.before == known.change.after:
            return
    line.append(known)


def oldest_kept(now: datetime, years: int, zone: tzinfo) -> datetime:
    """Return from when history is kept: the first midnight of the school year, so many years before.

    Days are those of the district, in its `zone`.
    """
    today = now.astimezone(zone).date()
    started = today.year if today.month >= SCHOOL_YEAR_STARTS else today.year - 1
    return datetime(max(started - years, MINYEAR), SCHOOL_YEAR_STARTS, 1, tzinfo=zone)
