"""Check that a statement closes, and the next one opens, with what comparisons read in the SIS."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.cell_state import CellState
from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import SIGHTING, CellChange, ColumnChange, Event
from gradesync.core.ledger import Doubtful, LedgerAssignment, Value, holds
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.lines import MOVEMENTS, Balance, Kind, Material, SeenCells
from harness.statements import CELL, FIRST, at, cause, made, materials, of_kind

SEEN = st.lists(CELL, max_size=6, unique_by=lambda cell: (cell.assignment_id, cell.sis_student))


@given(materials(), SEEN, SEEN, st.integers(0, 6), st.integers(0, 13))
def test_next_statement_opens_where_the_last_one_ended(
    made_of: Material, one: list[ComparedCell], other: list[ComparedCell], earlier: int, later: int
) -> None:
    seen, newest = SeenCells(at(earlier), one), SeenCells(at(max(earlier, later)), other)
    first = build_statement(replace(made_of, until=at(6), since=at(-1), seen=seen))
    second = build_statement(replace(made_of, since=at(6), until=at(13), seen_before=seen, seen=newest))
    closed = [replace(line, kind=Kind.OPENING) for line in of_kind(first, Kind.CLOSING)]
    assert closed == of_kind(second, Kind.OPENING)
    assert first.totals[Kind.CLOSING] == second.totals[Kind.OPENING]


@given(materials())
def test_closing_is_what_a_comparison_read(made_of: Material) -> None:
    """Look up each readable cell to which nothing was written since, in the closing and in the history."""
    closing = {
        (line.assignment_id, line.sis_student): line.after
        for line in of_kind(build_statement(made_of), Kind.CLOSING)
    }
    moment = made_of.seen.at if made_of.seen else FIRST
    changed = [event for event in made_of.events if moment < event.at <= made_of.until]
    columns = {column.assignment_id for event in changed for column in event.columns}
    for cell in made_of.seen.cells if made_of.seen else ():
        if cell.state is not CellState.UNREADABLE and cell.assignment_id not in columns:
            shown = closing.get((cell.assignment_id, cell.sis_student), NEVER_SENT)
            assert holds(cell.live, None if shown is NEVER_SENT else shown)


def test_score_of_a_column_that_went_is_not_in_the_closing() -> None:
    """Read nothing out of a comparison of before the SIS assignment was deleted."""
    drift = ComparedCell("a", "u-1", "1", CellState.DRIFT, Decimal(8), Decimal(4), Decimal(8))
    gone = Event(at(3), cause(3), (ColumnChange("a", None),))
    known = Event(at(0), cause(0), (ColumnChange("a", "r-1", (CellChange("1", NEVER_SENT, Decimal(8)),)),))
    statement = made(events=[known, gone], seen=SeenCells(at(2), [drift]))
    assert of_kind(statement, Kind.CLOSING) == []
    assert [line.kind for line in statement.lines if line.kind in MOVEMENTS] == [Kind.REMOVED]


def test_edit_that_a_comparison_read_is_in_the_closing() -> None:
    drift = ComparedCell("a", "u-1", "1", CellState.DRIFT, Decimal(9), Decimal(4), Decimal(9))
    statement = made(seen=SeenCells(at(3), [drift]))
    (line,) = of_kind(statement, Kind.DRIFTED)
    assert (line.after, line.cause) == (Decimal(4), cause(2))
    assert statement.totals[Kind.CLOSING] == Balance(1, Decimal(4))
    (closing,) = of_kind(statement, Kind.CLOSING)
    assert closing.reason == "as-read"
    # A comparison of before the last write knows nothing of it.
    assert of_kind(made(seen=SeenCells(at(1), [drift])), Kind.DRIFTED) == []


@pytest.mark.parametrize(("value", "before"), [(Decimal(7), Decimal("9.50")), (None, Decimal("9.50"))])
def test_lost_write_that_a_comparison_read_is_in_the_closing(value: Value, before: Value) -> None:
    """Read a value of ours that the history does not have yet: the answer to its write was lost."""
    cell = ComparedCell("a", "u-1", "1", CellState.SAME, value, value, value)
    entry = LedgerAssignment("a", doubtful={"1": Doubtful(value)})
    statement = made(seen=SeenCells(at(3), [cell]), ledger={"a": entry})
    (line,), (closing,) = of_kind(statement, Kind.DRIFTED), of_kind(statement, Kind.CLOSING)
    assert (line.before, line.after, line.reason) == (before, value, "not-recorded")
    assert (closing.after, closing.reason) == (value, "as-read")


def test_score_that_was_never_sent_is_in_the_closing() -> None:
    """Read what somebody typed where nothing was sent, and name the SIS assignment that has it."""
    typed = ComparedCell("a", "u-2", "2", CellState.DRIFT, None, Decimal(5), None)
    statement = made(seen=SeenCells(at(3), [typed]))
    closing = [(line.ref, line.sis_student, line.after) for line in of_kind(statement, Kind.CLOSING)]
    assert closing == [("r-1", "1", Decimal("9.50")), ("r-1", "2", Decimal(5))]


def test_edit_before_the_period_is_in_the_opening() -> None:
    """Count an edit once: the period after the comparison that read it begins with it."""
    drift = ComparedCell("a", "u-1", "1", CellState.DRIFT, Decimal(8), Decimal(4), Decimal(8))
    seen = SeenCells(at(1), [drift])
    kept = made(until=at(1), since=at(0), seen=seen, seen_before=seen)
    assert [(line.kind, line.after) for line in kept.lines if line.kind is not Kind.UNKNOWN] == [
        (Kind.OPENING, Decimal(4)),
        (Kind.CLOSING, Decimal(4)),
    ]
    written = made(seen_before=seen, seen=seen)
    (line,) = [line for line in written.lines if line.kind in MOVEMENTS]
    assert (line.kind, line.before, line.after) == (Kind.WRITTEN, Decimal(4), Decimal("9.50"))
    unread = drift._replace(state=CellState.UNREADABLE, live=None)
    lost = made(until=at(1), since=at(0), seen_before=seen, seen=SeenCells(at(1), [unread]))
    (line,) = of_kind(lost, Kind.DRIFTED)
    assert (line.before, line.after, line.reason) == (Decimal(4), Decimal(8), "not-read-again")


def sighted(step: int, *cells: CellChange, ref: str = "r-1") -> Event:
    """Return the event of a comparison that had read at a step."""
    why = replace(cause(step), mode=SIGHTING)
    return Event(at(step), why, (ColumnChange("a", ref, cells),))


SENT = Event(at(0), cause(0), (ColumnChange("a", "r-1", (CellChange("1", NEVER_SENT, Decimal(8)),)),))
EDIT = sighted(1, CellChange("1", Decimal(8), Decimal(4), found=True))


def test_edit_that_an_old_comparison_saw_is_in_later_openings() -> None:
    """Keep no comparison any more: the history has what each of them saw."""
    first = made(events=[SENT, EDIT], since=at(0), until=at(2))
    assert [(line.after, line.reason) for line in of_kind(first, Kind.CLOSING)] == [(Decimal(4), "as-read")]
    assert [(line.before, line.reason) for line in of_kind(first, Kind.DRIFTED)] == [(Decimal(8), "drift")]
    second = made(events=[SENT, EDIT], since=at(2))
    assert [line.after for line in of_kind(second, Kind.OPENING)] == [Decimal(4)]
    assert of_kind(second, Kind.DRIFTED) == []
    assert "opening-not-compared" in [line.reason for line in of_kind(second, Kind.UNKNOWN)]


def test_edit_that_was_taken_back_leaves_the_opening() -> None:
    back = sighted(3, CellChange("1", Decimal(4), Decimal(8), found=True))
    typed = sighted(1, CellChange("2", NEVER_SENT, Decimal(5), found=True))
    blank = sighted(3, CellChange("2", Decimal(5), None, found=True))
    statement = made(events=[SENT, EDIT, back, typed, blank], since=at(4))
    opening = [(line.sis_student, line.after) for line in of_kind(statement, Kind.OPENING)]
    assert opening == [("1", Decimal(8))]


def test_edit_that_a_sync_wrote_over_leaves_the_opening() -> None:
    over = ColumnChange("a", "r-1", (CellChange("1", Decimal(8), Decimal(9)),))
    statement = made(events=[SENT, EDIT, Event(at(2), cause(2), (over,))], since=at(3))
    assert [line.after for line in of_kind(statement, Kind.OPENING)] == [Decimal(9)]
    moved = Event(at(2), cause(2), (ColumnChange("a", "r-2"),))
    assert of_kind(made(events=[SENT, EDIT, moved], since=at(3)), Kind.OPENING) == []
