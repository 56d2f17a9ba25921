"""Check that statements close, name what is not known, and come out the same in any order of input."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.cell_state import CellState
from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import Cause, CellChange, ColumnChange, Event
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.lines import (
    Balance,
    Failure,
    Kind,
    Material,
    SeenCells,
    Statement,
)
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
from harness.statements import FIRST, at, cause, made, materials, of_kind, sightings

T = TypeVar("T")
SCOPE = Scope("riverside", FIRST, FIRST + timedelta(days=9), {"section": "79"}, 12, "ab" * 32)
SECTION = Section("79", "Algebra <1>", term_last=FIRST.date())


def render(made: Statement) -> bytes:
    """Render all parts of a file with one section."""
    lines = render_lines("79", made, 1)
    parts = [SectionPart.of(SECTION, made, lines)]
    late = [LateLine(SECTION, line) for line in made.lines if line.late]
    manifest = render_manifest(SCOPE, Totals.of(parts), 1, {}, None)
    return lines + render_sections(parts) + render_summary(SCOPE, parts, late, ZoneInfo("UTC")) + manifest


def shuffled(chance: Random, items: Sequence[T]) -> list[T]:
    return chance.sample(items, len(items))


@given(materials(), sightings(), st.randoms())
def test_statement_closes_and_is_the_same_in_any_order(
    made_of: Material, sighted: list[Event], chance: Random
) -> None:
    made_of = replace(made_of, events=[*made_of.events, *sighted])
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


def test_movement_names_its_sync_and_balances() -> None:
    statement = made()
    assert statement.totals[Kind.OPENING] == Balance(1, Decimal(8))
    (line,) = of_kind(statement, Kind.WRITTEN)
    assert (line.cause, line.student, line.change) == (cause(2), "u-1", Balance(0, Decimal("1.5")))
    assert statement.totals[Kind.CLOSING] == Balance(1, Decimal("9.5"))
    unknown = [line.reason for line in of_kind(statement, Kind.UNKNOWN)]
    assert unknown == ["opening-not-compared", "not-compared"]
    compared = made(seen_before=SeenCells(at(1), []))
    assert [line.reason for line in of_kind(compared, Kind.UNKNOWN)] == ["not-compared"]


def test_what_is_not_known_is_stated() -> None:
    unread = ComparedCell("a", "u-1", "1", CellState.UNREADABLE, None, None, None, "sis-scores-unreadable")
    entry = LedgerAssignment("a", doubtful={"2": Doubtful(Decimal(3))})
    statement = made(since=at(-1), syncs_since=None, seen=SeenCells(at(3), [unread]), ledger={"a": entry})
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
