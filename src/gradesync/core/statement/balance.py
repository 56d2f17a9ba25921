"""Find what the SIS shows at a moment, as far as is known: as a comparison read it, or as it was recorded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from gradesync.core.cell_state import EDITED, CellState
from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import Cause, Event, KnownScore, fold
from gradesync.core.ledger import holds
from gradesync.core.sightings import value_of
from gradesync.core.sis import id_order
from gradesync.core.statement.lines import Kind, Line, SeenCells

# Assignment id and SIS student key.
Position: TypeAlias = tuple[str, str]


class Standing(NamedTuple):
    """Describe one score that stands in the SIS. `recorded` is its value in the history.

    `state` is that of the comparison that read it, None where none did since it was recorded.
    """

    value: Sent
    recorded: Sent
    at: datetime
    ref: str = ""
    found: bool = False
    state: CellState | None = None
    cause: Cause | None = None


Balances: TypeAlias = Mapping[Position, Standing]


def find_balances(events: Sequence[Event], sightings: Iterable[Event], seen: SeenCells | None) -> Balances:
    """Find what stands after all events, what comparisons saw, and the newest comparison of that time."""
    found = {
        (assignment_id, student): _recorded(known)
        for assignment_id, cells in fold(events).items()
        for student, known in cells.items()
    }
    recorded = dict(found)
    for sighting in sightings:
        found |= _see_over(recorded, sighting, _Since.of(events, sighting.at))
    if seen is not None:
        found |= _read_over(recorded, seen, _Since.of(events, seen.at))
    return {position: one for position, one in found.items() if one.value is not NEVER_SENT}


def _recorded(known: KnownScore) -> Standing:
    value = known.change.after
    return Standing(value, value, known.at, known.ref, known.change.found, cause=known.cause)


class _Since(NamedTuple):
    """Hold the columns that came, went or moved after a moment, and the scores that changed.

    `refs` are the SIS assignments of all columns by now.
    """

    columns: frozenset[str]
    cells: frozenset[Position]
    refs: Mapping[str, str | None]

    @classmethod
    def of(cls, events: Sequence[Event], moment: datetime) -> "_Since":
        refs: dict[str, str | None] = {}
        columns, cells = set[str](), set[Position]()
        for event in events:
            for column in event.columns:
                moved = refs.get(column.assignment_id) != column.ref
                refs[column.assignment_id] = column.ref
                if event.at > moment:
                    columns |= {column.assignment_id} if moved else set()
                    cells |= {(column.assignment_id, change.student) for change in column.cells}
        return cls(frozenset(columns), frozenset(cells), refs)


def _see_over(recorded: Balances, sighting: Event, since: _Since) -> dict[Position, Standing]:
    """Return the scores of which a comparison saw another value than before, and nothing changed since.

    A blank where nothing was recorded is nothing again.
    """
    found = {}
    for column in sighting.columns:
        id_ = column.assignment_id
        if id_ in since.columns or since.refs.get(id_) != column.ref:
            continue
        for change in column.cells:
            if (id_, change.student) in since.cells:
                continue
            base = recorded.get((id_, change.student), Standing(NEVER_SENT, NEVER_SENT, sighting.at))
            same = value_of(base.recorded) == value_of(change.after)
            found[id_, change.student] = base._replace(
                value=base.recorded if same else change.after,
                at=sighting.at,
                ref=column.ref or "",
                state=CellState.SAME if same else CellState.DRIFT,
            )
    return found


def _read_over(recorded: Balances, seen: SeenCells, since: _Since) -> dict[Position, Standing]:
    """Return the scores that a comparison read and nothing changed since."""
    found = {}
    for cell in seen.cells:
        position = cell.assignment_id, cell.sis_student
        old = cell.assignment_id in since.columns or position in since.cells
        if old or cell.state is CellState.UNREADABLE or not cell.sis_student:
            continue
        if (read := _read(cell, recorded.get(position), seen)) is not None:
            found[position] = read._replace(ref=read.ref or since.refs.get(cell.assignment_id) or "")
    return found


def _read(cell: ComparedCell, known: Standing | None, seen: SeenCells) -> Standing | None:
    """Return a score as it was read; None for a blank where nothing was recorded."""
    base = Standing(NEVER_SENT, NEVER_SENT, seen.at) if known is None else known
    same = holds(cell.live, None if base.recorded is NEVER_SENT else base.recorded)
    if known is None and same:
        return None
    value = base.recorded if same else cell.live
    return base._replace(value=value, at=seen.at, state=cell.state)


def list_balances(kind: Kind, balances: Balances) -> list[Line]:
    """List a balance, in the order of assignments and students."""
    return [
        Line(
            kind=kind,
            at=one.at,
            assignment_id=position[0],
            ref=one.ref,
            sis_student=position[1],
            after=one.value,
            reason="as-read" if one.state else "as-found" if one.found else "as-sent",
            cause=one.cause,
        )
        for position, one in sorted(balances.items(), key=lambda item: position_order(item[0]))
    ]


def list_drifted(
    recorded: Mapping[Position, Sent], read: Mapping[Position, Sent], closing: Balances
) -> Iterator[Line]:
    """List the scores that a comparison read, of which the opening and all events come to other values.

    `recorded` is what the events come to, and `read` what was read before the period and stands since then.
    """
    compared = {position for position, one in closing.items() if one.state}
    for position in sorted({*read, *compared}, key=position_order):
        one, before = closing.get(position), read.get(position, recorded.get(position, NEVER_SENT))
        after: Sent = NEVER_SENT if one is None else one.value
        if before != after:
            yield Line(
                kind=Kind.DRIFTED,
                at=one.at if one and one.state else None,
                assignment_id=position[0],
                ref=one.ref if one else "",
                sis_student=position[1],
                before=before,
                after=after,
                reason=_explain(one, before),
                cause=one.cause if one else None,
            )


def _explain(one: Standing | None, before: Sent) -> str:
    """Return the state in which a score was read, or why it is not what was known of it before."""
    if one is None or one.state is None:
        return "not-read-again"
    if one.state in {*EDITED, CellState.CONVERGED} or before != one.recorded:
        return one.state.value
    return "not-recorded"


def position_order(position: Position) -> tuple[tuple[int, str], ...]:
    """Return the key by which positions are sorted."""
    return tuple(map(id_order, position))
