"""Draw what a section's statement is made of, and build statements of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from gradesync.core.cell_state import CellState
from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT
from gradesync.core.gradebook import MISSING, Mark
from gradesync.core.history import SIGHTING, Cause, CellChange, ColumnChange, Event, find_change
from gradesync.core.ledger import LedgerAssignment, Owed, Value
from gradesync.core.sis import Ref
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.lines import Failure, Kind, Line, Material, SeenCells, Statement

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
STUDENTS = {"u-1": "1", "u-2": "2", "u-3": "3"}
POINTS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.decimals(0, 100, places=2),
    st.builds(Mark, st.just(MISSING), st.none() | st.decimals(0, 9, places=1)),
)
STEP = st.tuples(
    st.sampled_from(["a", "b"]),
    st.none() | st.sampled_from(["r-1", "r-2"]),
    st.dictionaries(st.sampled_from(["1", "2", "3"]), POINTS),
)
CELL = st.builds(
    ComparedCell,
    st.sampled_from(["a", "b"]),
    st.just(""),
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(CellState),
    POINTS,
    POINTS,
    POINTS,
)


def at(step: int) -> datetime:
    return FIRST + timedelta(hours=step)


def cause(step: int) -> Cause:
    return Cause(f"s-{step}", "changes", "teacher:1", reason="=cmd()")


def record(steps: Sequence[tuple[str, str | None, dict[str, Value]]]) -> list[Event]:
    """Return the events of a ledger that changes step by step, an hour apart."""
    ledger: dict[str, LedgerAssignment] = {}
    events = []
    for number, (id_, ref, sent) in enumerate(steps):
        entry = LedgerAssignment(id_, Ref(ref) if ref else None, sent=sent if ref else {})
        if (change := find_change(ledger.get(id_), entry)) is not None:
            events.append(Event(at(number), cause(number), (change,)))
        ledger[id_] = entry
    return events


@st.composite
def materials(draw: st.DrawFn) -> Material:
    """Draw the history of a section, a part of it, failures, what is owed, and a comparison."""
    events = record(draw(st.lists(STEP, max_size=12)))
    since = draw(st.integers(-1, 12))
    until = draw(st.integers(since, 13))
    cells = {(one.assignment_id, one.sis_student): one for one in draw(st.lists(CELL, max_size=6))}
    targets = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["u-1", "u-2"]))
    failures = [
        Failure(at(number), cause(number), *target, "score-not-accepted")
        for number, target in enumerate(draw(st.lists(targets, max_size=5)))
    ]
    owed = {"u-3": Owed("not-attempted", Decimal(4))}
    return Material(
        since=at(since),
        until=at(until),
        events=events[draw(st.integers(0, 2)) :],  # what was before may not be kept
        failures=failures,
        ledger={"b": LedgerAssignment("b", owed=owed), "a": LedgerAssignment("a", owed=owed)},
        students=STUDENTS,
        seen=draw(st.none() | st.just(SeenCells(at(draw(st.integers(0, until + 1))), list(cells.values())))),
        syncs_since=FIRST,
    )


def sightings() -> st.SearchStrategy[list[Event]]:
    """Draw what comparisons saw, an hour apart, and half an hour after the events."""
    return st.lists(STEP, max_size=6).map(
        lambda steps: [see(number, *step) for number, step in enumerate(steps)]
    )


def see(number: int, assignment_id: str, ref: str | None, held: dict[str, Value]) -> Event:
    cells = tuple(CellChange(student, None, value, found=True) for student, value in sorted(held.items()))
    why = replace(cause(number), mode=SIGHTING)
    return Event(at(number) + timedelta(minutes=30), why, (ColumnChange(assignment_id, ref, cells),))


def made(**values: object) -> Statement:
    """Build the statement of a section where one score was sent as 8 before, and as 9 in the period."""
    cells = [CellChange("1", NEVER_SENT, Decimal(8)), CellChange("1", Decimal(8), Decimal("9.50"))]
    events = [
        Event(at(n), cause(n), (ColumnChange("a", "r-1", (cell,)),))
        for n, cell in zip((0, 2), cells, strict=True)
    ]
    basis = Material(since=at(1), until=at(5), events=events, students=STUDENTS, syncs_since=FIRST)
    return build_statement(replace(basis, **values))  # type: ignore[arg-type]  # fields by name


def of_kind(statement: Statement, kind: Kind) -> list[Line]:
    return [line for line in statement.lines if line.kind is kind]
