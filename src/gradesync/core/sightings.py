"""Find what a comparison saw in the SIS that nobody of ours wrote: the news that the history keeps of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import CellChange, ColumnChange, Event
from gradesync.core.ledger import Ledger, LedgerAssignment, Value, holds
from gradesync.core.sis import LiveGradebook, LiveScores, id_order


class _Sighted(NamedTuple):
    """Hold the value that a comparison saw last, and when."""

    value: Value
    at: datetime


# Assignment id and SIS assignment -> SIS student -> what was seen last.
_Seen = Mapping[tuple[str, str | None], Mapping[str, _Sighted]]


def find_sightings(
    ledger: Ledger, live: LiveGradebook, earlier: Iterable[Event], changed_at: datetime | None
) -> tuple[ColumnChange, ...]:
    """Return the scores that the SIS holds otherwise than recorded, or as recorded again.

    `earlier` are the sightings so far in the order of their time, and `changed_at` is when the history last
    changed: what was seen since then and still stands is no news. What was not read is not claimed.
    """
    seen = _fold(earlier)
    columns = []
    for assignment_id in sorted(ledger, key=id_order):
        entry = ledger[assignment_id]
        held = _find_held(entry, live)
        if entry.ref is None or held is None:
            continue
        known = seen.get((assignment_id, entry.ref.key), {})
        if cells := tuple(_find_news(entry, held, known, changed_at)):
            columns.append(ColumnChange(assignment_id, entry.ref.key, cells))
    return tuple(columns)


def _fold(earlier: Iterable[Event]) -> _Seen:
    seen: dict[tuple[str, str | None], dict[str, _Sighted]] = {}
    for event in earlier:
        for column in event.columns:
            cells = seen.setdefault((column.assignment_id, column.ref), {})
            for change in column.cells:
                cells[change.student] = _Sighted(value_of(change.after), event.at)
    return seen


def _find_held(entry: LedgerAssignment, live: LiveGradebook) -> LiveScores | None:
    """Return what the SIS holds of an assignment: nothing of a deleted one, None where it was not read."""
    if entry.ref is None:
        return None
    return {} if entry.ref.key in live.gone else live.scores.get(entry.ref.key)


def _find_news(
    entry: LedgerAssignment,
    held: LiveScores,
    known: Mapping[str, _Sighted],
    changed_at: datetime | None,
) -> Iterator[CellChange]:
    for student in sorted({*entry.sent, *held, *known}, key=id_order):
        recorded: Sent = entry.sent.get(student, NEVER_SENT)
        value, last = held.get(student), known.get(student)
        # Seen before the history changed, an edit may have been written over: another one stands now.
        newest = last if last is not None and (changed_at is None or last.at > changed_at) else None
        if not holds(value, value_of(recorded)):
            if newest is None or newest.value != value:
                yield CellChange(student, newest.value if newest else recorded, value, found=True)
        elif last is not None and last.value != value_of(recorded):
            yield CellChange(student, last.value, value_of(recorded), found=True)


def value_of(sent: Sent) -> Value:
    """Return a value as the SIS holds it: where nothing was sent there is a blank."""
    return None if sent is NEVER_SENT else sent
