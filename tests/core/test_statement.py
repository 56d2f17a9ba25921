"""Check that statements close, name what is not known, and come out the same in any order of input."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.cell_state import CellState
from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT
from gradesync.core.gradebook import MISSING, Mark
from gradesync.core.history import Cause, CellChange, ColumnChange, Event, find_change
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, Value
from gradesync.core.sis import Ref
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.lines import Balance, Failure, Kind, Line, Material, Seen, Statement
from gradesync.core.statement.render import (
    Scope,
    Section,
    SectionPart,
    Totals,
    render_lines,
    render_manifest,
    render_sections,
)
from gradesync.core.statement.summary import LateLine, render_summary

T = TypeVar("T")
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
SCOPE = Scope("riverside", FIRST, FIRST + timedelta(days=9), {"section": "79"}, 12, "ab" * 32)
SECTION = Section("79", "Algebra <1>", term_last=FIRST.date())
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
    places = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["u-1", "u-2"]))
    failures = [
        Failure(at(number), cause(number), *place, "score-not-accepted")
        for number, place in enumerate(draw(st.lists(places, max_size=5)))
    ]
    owed = {"u-3": Owed("not-attempted", Decimal(4))}
    return Material(
        since=at(since),
        until=at(until),
        events=events[draw(st.integers(0, 2)) :],  # what was before may not be kept
        failures=failures,
        ledger={"b": LedgerAssignment("b", owed=owed), "a": LedgerAssignment("a", owed=owed)},
        students=STUDENTS,
        seen=draw(st.none() | st.just(Seen(at(draw(st.integers(0, until + 1))), list(cells.values())))),
        syncs_since=FIRST,
    )


def render(made: Statement) -> bytes:
    """Render all parts of a file with one section."""
    lines = render_lines("79", made, 1)
    parts = [SectionPart.of(SECTION, made, lines)]
    late = [LateLine(SECTION, line) for line in made.lines if line.late]
    manifest = render_manifest(SCOPE, Totals.of(parts), 1, {}, None)
    return lines + render_sections(parts) + render_summary(SCOPE, parts, late, ZoneInfo("UTC")) + manifest


def shuffled(chance: Random, items: Sequence[T]) -> list[T]:
    return chance.sample(items, len(items))


@given(materials(), st.randoms())
def test_statement_closes_and_is_the_same_in_any_order(made_of: Material, chance: Random) -> None:
    made = build_statement(made_of)
    assert made.closes
    seen = made_of.seen and replace(made_of.seen, cells=shuffled(chance, made_of.seen.cells))
    other = replace(
        made_of,
        events=shuffled(chance, list(made_of.events)),
        failures=shuffled(chance, made_of.failures),
        ledger=dict(shuffled(chance, list(made_of.ledger.items()))),
        students=dict(shuffled(chance, list(made_of.students.items()))),
        seen=seen,
    )
    assert render(build_statement(other)) == render(made)


@given(materials())
def test_next_statement_opens_where_the_last_one_ended(made_of: Material) -> None:
    whole = replace(made_of, seen=None)
    first = build_statement(replace(whole, until=at(6), since=at(-1)))
    second = build_statement(replace(whole, since=at(6), until=at(13)))
    assert first.totals[Kind.CLOSING] == second.totals[Kind.OPENING]


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


def test_movement_names_its_sync_and_balances() -> None:
    statement = made()
    assert statement.totals[Kind.OPENING] == Balance(1, Decimal(8))
    (line,) = of_kind(statement, Kind.WRITTEN)
    assert (line.cause, line.student, line.change) == (cause(2), "u-1", Balance(0, Decimal("1.5")))
    assert statement.totals[Kind.CLOSING] == Balance(1, Decimal("9.5"))
    assert [line.reason for line in of_kind(statement, Kind.UNKNOWN)] == ["not-compared"]


def test_edit_that_a_comparison_read_is_in_the_closing() -> None:
    drift = ComparedCell("a", "u-1", "1", CellState.DRIFT, Decimal(9), Decimal(4), Decimal(9))
    statement = made(seen=Seen(at(3), [drift]))
    (line,) = of_kind(statement, Kind.DRIFTED)
    assert (line.after, line.cause) == (Decimal(4), cause(2))
    assert statement.totals[Kind.CLOSING] == Balance(1, Decimal(4))
    (closing,) = of_kind(statement, Kind.CLOSING)
    assert closing.reason == "as-read"
    # A comparison of before the last write says nothing of it.
    assert of_kind(made(seen=Seen(at(1), [drift])), Kind.DRIFTED) == []


def test_what_is_not_known_is_stated() -> None:
    unread = ComparedCell("a", "u-1", "1", CellState.UNREADABLE, None, None, None, "sis-scores-unreadable")
    entry = LedgerAssignment("a", doubtful={"2": Doubtful(Decimal(3))})
    statement = made(since=at(-1), syncs_since=None, seen=Seen(at(3), [unread]), ledger={"a": entry})
    assert [line.reason for line in of_kind(statement, Kind.UNKNOWN)] == [
        "not-known-before",
        "failures-not-known-before",
        "sis-scores-unreadable",
        "write-in-doubt",
    ]


def test_owed_score_names_the_sync_that_left_it() -> None:
    failure = Failure(at(4), cause(4), "a", "u-2", "score-not-accepted")
    entry = LedgerAssignment("a", owed={"u-2": Owed("score-not-accepted", Decimal(7))})
    statement = made(failures=[failure], ledger={"a": entry})
    (failed,), (owed,) = of_kind(statement, Kind.FAILED), of_kind(statement, Kind.OWED)
    assert (failed.cause, owed.cause, owed.after) == (cause(4), cause(4), Decimal(7))
    assert (owed.sis_student, owed.change) == ("2", Balance())


def test_csv_starts_no_formula_and_ends_no_number_in_zeros() -> None:
    csv = render_lines("79", made(), 1).decode()
    assert '"\'=cmd()"' in csv
    assert '"9.5"' in csv
    assert '"9.50"' not in csv


def test_changes_after_the_term_name_who_approved_them_and_why() -> None:
    approved = Cause("s-9", "changes", "teacher:1", "admin:2", "Regraded <b>after</b> an appeal.")
    change = ColumnChange("a", "r-1", (CellChange("1", Decimal("9.50"), Decimal(7)),))
    known = [
        Event(at(0), cause(0), (ColumnChange("a", "r-1", (CellChange("1", NEVER_SENT, Decimal("9.50")),)),))
    ]
    late = made(events=[*known, Event(at(4), approved, (change,))], term_over=at(3))
    (line,) = [line for line in late.lines if line.late]
    assert (line.kind, line.cause, late.late) == (Kind.WRITTEN, approved, 1)
    page = render(late).decode()
    assert "Regraded &lt;b&gt;after&lt;/b&gt; an appeal." in page
    assert "Algebra &lt;1&gt;" in page
    assert "<script" not in page
    assert made(term_over=at(5)).late == 0


def test_edit_that_a_write_replaced_is_its_own_line() -> None:
    before = ColumnChange("a", "r-1", (CellChange("1", NEVER_SENT, Decimal(8)),))
    restored = ColumnChange("a", "r-1", (CellChange("1", Decimal(3), Decimal(8)),))
    statement = made(events=[Event(at(0), cause(0), (before,)), Event(at(2), cause(2), (restored,))])
    (edit,), (back,) = of_kind(statement, Kind.FOUND), of_kind(statement, Kind.WRITTEN)
    assert (edit.before, edit.after, edit.reason) == (Decimal(8), Decimal(3), "changed-in-sis")
    assert (back.before, back.after) == (Decimal(3), Decimal(8))
    assert statement.totals[Kind.CLOSING] == statement.totals[Kind.OPENING]
