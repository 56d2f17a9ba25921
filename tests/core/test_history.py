"""Check that the history of a ledger folds into what the ledger held, at every moment."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.decide import NEVER_SENT
from gradesync.core.gradebook import MISSING, Mark
from gradesync.core.history import (
    SIGHTING,
    Cause,
    CellChange,
    ColumnChange,
    Event,
    find_change,
    fold,
    oldest_kept,
)
from gradesync.core.ledger import LedgerAssignment, Value
from gradesync.core.sis import Ref

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
POINTS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.decimals(0, 100, places=2),
    st.builds(Mark, st.just(MISSING), st.none() | st.decimals(0, 9, places=1)),
)
COLUMN = st.tuples(
    st.sampled_from(["a", "b"]),
    st.none() | st.sampled_from(["r-1", "r-2"]),
    st.dictionaries(st.sampled_from(["1", "2", "3"]), POINTS),
)


def entry_of(assignment_id: str, ref: str | None, sent: dict[str, Value]) -> LedgerAssignment:
    """Return an entry that a sync could keep: an assignment that the SIS lacks has no scores there."""
    return LedgerAssignment(assignment_id, Ref(ref) if ref else None, sent=sent if ref else {})


def at(step: int) -> datetime:
    return FIRST + timedelta(hours=step)


def record(steps: Sequence[LedgerAssignment]) -> tuple[list[Event], list[dict[str, LedgerAssignment]]]:
    """Return the events of a ledger that changes step by step, and the ledger after each."""
    ledger: dict[str, LedgerAssignment] = {}
    events, states = [], []
    for number, entry in enumerate(steps):
        change = find_change(ledger.get(entry.id), entry)
        if change is not None:
            events.append(Event(at(number), Cause(f"s-{number}", "changes", "teacher:1"), (change,)))
        ledger = {**ledger, entry.id: entry}
        states.append(ledger)
    return events, states


def values(events: Sequence[Event], as_of: datetime | None = None) -> dict[tuple[str, str], object]:
    folded = fold(events, as_of)
    return {(a, s): known.change.after for a, cells in folded.items() for s, known in cells.items()}


@given(st.lists(COLUMN, max_size=12))
def test_history_folds_into_the_ledger_at_every_moment(
    steps: list[tuple[str, str | None, dict[str, Value]]],
) -> None:
    events, states = record([entry_of(*step) for step in steps])
    for number, ledger in enumerate(states):
        held = {(a, s): value for a, entry in ledger.items() for s, value in entry.sent.items()}
        assert values(events, at(number)) == held
    if states:
        assert values(events) == held


@given(st.lists(COLUMN, max_size=12))
def test_each_change_begins_where_the_one_before_ended(
    steps: list[tuple[str, str | None, dict[str, Value]]],
) -> None:
    events, _ = record([entry_of(*step) for step in steps])
    for number, event in enumerate(events):
        before = fold(events[:number])
        for column in event.columns:
            for change in column.cells:
                known = before.get(column.assignment_id, {}).get(change.student)
                if known is not None and known.ref == column.ref:
                    assert known.change.after == change.before
                assert change.before != change.after


def test_column_that_passes_to_a_successor_was_found() -> None:
    removed = LedgerAssignment("1", Ref("r-1"), sent={"7": Decimal(9)})
    successor = LedgerAssignment("2", Ref("r-1"), sent=removed.sent, taken_from="1")
    assert find_change(removed, LedgerAssignment("1")) == ColumnChange("1", None)
    change = find_change(None, successor)
    assert change is not None
    assert [(cell.student, cell.after, cell.found) for cell in change.cells] == [("7", Decimal(9), True)]


def test_section_that_goes_elsewhere_leaves_what_stands() -> None:
    held = LedgerAssignment("1", Ref("r-1"), sent={"7": Decimal(9)})
    assert find_change(held, held._replace(ref=None, former=held.ref, sent={})) is None


@pytest.mark.parametrize(
    ("now", "years", "zone", "since"),
    [
        ("2026-11-28T00:00", 1, "UTC", "2025-07-01T00:00"),
        ("2027-06-30T23:59", 1, "UTC", "2025-07-01T00:00"),
        ("2027-07-01T00:00", 1, "UTC", "2026-07-01T00:00"),
        ("2026-11-28T00:00", 0, "UTC", "2026-07-01T00:00"),
        ("2026-07-01T06:59", 0, "America/Los_Angeles", "2025-07-01T07:00"),
        ("2026-07-01T07:00", 0, "America/Los_Angeles", "2026-07-01T07:00"),
        ("2026-06-30T11:59", 0, "Pacific/Auckland", "2025-06-30T12:00"),
        ("2026-06-30T12:00", 0, "Pacific/Auckland", "2026-06-30T12:00"),
        ("0001-01-01T00:00", 9, "UTC", "0001-07-01T00:00"),  # a request may end with the first day there is
    ],
)
def test_history_is_kept_by_school_years(now: str, years: int, zone: str, since: str) -> None:
    moment, first = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, since))
    assert oldest_kept(moment, years, ZoneInfo(zone)) == first


def test_edit_that_was_taken_back_uncovers_what_stood_before() -> None:
    """Follow edits that comparisons saw: of a score that was sent, and of one that never was."""
    sent = _event(0, "changes", CellChange("1", NEVER_SENT, Decimal(8)))
    edits = CellChange("1", Decimal(8), Decimal(4)), CellChange("2", NEVER_SENT, Decimal(5))
    edited = _event(1, SIGHTING, *edits)
    again = _event(2, SIGHTING, CellChange("1", Decimal(4), Decimal(3)))
    back = _event(3, SIGHTING, CellChange("1", Decimal(3), Decimal(8)), CellChange("2", Decimal(5), None))
    assert values([sent, edited, again]) == {("a", "1"): Decimal(3), ("a", "2"): Decimal(5)}
    assert fold([sent, edited, again, back]) == fold([sent])
    over = _event(2, "changes", CellChange("1", Decimal(4), Decimal(9)))
    assert fold([sent, edited, over, back])["a"]["1"].cause.sync_id == "s-3"


def _event(step: int, mode: str, *cells: CellChange) -> Event:
    return Event(at(step), Cause(f"s-{step}", mode, "teacher:1"), (ColumnChange("a", "r-1", cells),))
