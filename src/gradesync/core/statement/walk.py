"""Follow the scores of the SIS from event to event, with a line for each change."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import CellChange, ColumnChange, Event
from gradesync.core.sis import id_order
from gradesync.core.statement.balance import Balances, Position
from gradesync.core.statement.lines import Kind, Line


class Walk:
    """Walk from what stood at the beginning. `read` is what a comparison read there and stands since."""

    def __init__(self, before: Iterable[Event], opening: Balances) -> None:
        self._columns: dict[str, tuple[str | None, dict[str, Sent]]] = {}
        self.read: dict[Position, Sent] = {}
        for event in before:
            self.apply(event)
        self.read = {key: one.value for key, one in opening.items() if one.value != one.recorded}

    @property
    def recorded(self) -> dict[Position, Sent]:
        """Return what the events that were applied come to."""
        return {
            (id_, student): value
            for id_, (_, cells) in self._columns.items()
            for student, value in cells.items()
        }

    def apply(self, event: Event) -> list[Line]:
        """Apply an event, and return its lines."""
        return [line for column in event.columns for line in self._apply_column(event, column)]

    def _apply_column(self, event: Event, column: ColumnChange) -> Iterator[Line]:
        id_ = column.assignment_id
        ref, cells = self._columns.get(id_, (None, {}))
        line = Line(
            kind=Kind.REMOVED, at=event.at, assignment_id=id_, ref=column.ref or "", cause=event.cause
        )
        if ref != column.ref:
            for student in sorted({*cells, *self._list_read(id_)}, key=id_order):
                value = self.read.pop((id_, student), cells.get(student, NEVER_SENT))
                yield replace(line, sis_student=student, before=value)
            cells = {}
        self._columns[id_] = column.ref, cells
        for change in column.cells:
            now: Sent = NEVER_SENT if column.ref is None else change.after
            recorded = cells.pop(change.student, NEVER_SENT)
            was = self.read.pop((id_, change.student), recorded)
            if now is not NEVER_SENT:
                cells[change.student] = now
            # A sync that read nothing knows what was recorded alone: then what a comparison read stood there.
            before = was if change.before == recorded else change.before
            one = replace(line, sis_student=change.student)
            if was != before:  # somebody changed it, or the event that explains it is not kept
                reason = "not-known-before" if was is NEVER_SENT else "changed-in-sis"
                yield replace(one, kind=Kind.FOUND, before=was, after=before, reason=reason)
            if now != before:
                yield replace(one, kind=_kind_of(change, now), before=before, after=now)

    def _list_read(self, assignment_id: str) -> list[str]:
        return [student for id_, student in self.read if id_ == assignment_id]


def _kind_of(change: CellChange, now: Sent) -> Kind:
    if now is NEVER_SENT:
        return Kind.REMOVED
    if change.found:
        return Kind.FOUND
    return Kind.CLEARED if now is None else Kind.WRITTEN
