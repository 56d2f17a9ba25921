"""Test comparisons of whole gradebooks: cells, counts that close, and where the edits are."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from gradesync.core.cell_state import CellState
from gradesync.core.comparison import ComparedCell, Comparison, compare, concentrate
from gradesync.core.gradebook import INCOMPLETE, MISSING, UNTOUCHED, Cell, Gradebook, Mark
from gradesync.core.ledger import Doubtful, Ledger, Owed, Value
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook
from gradesync.core.sis import LiveGradebook, Ref
from harness.gradebooks import (
    ANN,
    BEN,
    BOOK,
    CAM,
    CAPABILITIES,
    EIGHT,
    KEYS,
    NINE,
    SEVEN,
    STUDENTS,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    plan_of,
    quiz,
    rulebook,
    spec,
)


def compare_all(
    read: Gradebook, known: Ledger | None = None, shown: LiveGradebook | None = None, rules: Rulebook = BOOK
) -> Comparison:
    return compare(read, known or {}, shown or live(), rules, KEYS)


def states(comparison: Comparison) -> dict[str, str]:
    return {cell.student or cell.sis_student: cell.state.value for cell in comparison.cells}


def test_each_state_is_found_in_one_column() -> None:
    read = gradebook({ANN: NINE, BEN: EIGHT, CAM: EIGHT})
    shown = live(listed(), scores={"r1": {ANN: EIGHT, BEN: SEVEN, CAM: EIGHT}})
    found = compare_all(read, ledger(entry({ANN: EIGHT, BEN: EIGHT, CAM: EIGHT})), shown)
    assert states(found) == {ANN: "pending", BEN: "drift", CAM: "same"}
    assert found.counts == {
        "same": 1,
        "pending": 1,
        "drift": 1,
        "conflict": 0,
        "converged": 0,
        "unreadable": 0,
    }
    assert found.cells[1] == ComparedCell("1", BEN, KEYS[BEN], CellState.DRIFT, EIGHT, SEVEN, EIGHT)
    assert found.titles == {"1": "Quiz"}


def test_a_cell_that_was_never_anything_is_none() -> None:
    read = gradebook({ANN: None, BEN: UNTOUCHED})
    assert compare_all(read, ledger(entry({CAM: None})), live(listed(), scores={"r1": {}})).cells == ()


def test_a_sis_that_shows_no_scores_is_claimed_nothing_of() -> None:
    blind = rulebook(capabilities=replace(CAPABILITIES, reads_scores=False))
    shown = live(listed(), scores={"r1": {ANN: SEVEN}})
    found = compare_all(gradebook({ANN: EIGHT, BEN: None}), ledger(entry({BEN: EIGHT})), shown, blind)
    assert states(found) == {ANN: "unreadable", BEN: "unreadable"}
    assert {cell.reason for cell in found.cells} == {Reason.SIS_SCORES_UNREADABLE}
    assert {cell.live for cell in found.cells} == {None}


@pytest.mark.parametrize("takes_points", [True, False])
def test_a_column_that_was_not_read_is_unreadable(takes_points: bool) -> None:
    shown = live(listed(takes_points=takes_points))
    (cell,) = compare_all(gradebook({ANN: EIGHT}), ledger(entry({ANN: EIGHT})), shown).cells
    reason = Reason.SIS_SCORES_UNREADABLE if takes_points else Reason.SIS_SCORE_TYPE
    assert (cell.state, cell.reason) == (CellState.UNREADABLE, reason)


def test_a_new_assignment_is_pending() -> None:
    assert states(compare_all(gradebook({ANN: EIGHT, BEN: None}))) == {ANN: "pending"}


def test_a_deleted_column_is_drift_of_all_its_scores() -> None:
    found = compare_all(gradebook({ANN: EIGHT}), ledger(entry({ANN: EIGHT})), live(gone=["r1"]))
    assert states(found) == {ANN: "drift"}


def test_nothing_was_sent_to_an_adopted_column() -> None:
    found = compare_all(gradebook({ANN: EIGHT, BEN: EIGHT}), {}, live(listed(), scores={"r1": {ANN: EIGHT}}))
    assert states(found) == {ANN: "converged", BEN: "pending"}


def test_what_does_not_go_is_compared_with_what_was_sent() -> None:
    """Find drift in an assignment that is switched off: an edit there is one all the same."""
    off = ledger(entry({ANN: EIGHT, BEN: EIGHT}, opted_out=True))
    found = compare_all(
        gradebook({ANN: NINE, BEN: NINE}), off, live(listed(), scores={"r1": {ANN: EIGHT, BEN: SEVEN}})
    )
    assert states(found) == {ANN: "same", BEN: "drift"}
    assert {(cell.wanted, cell.reason) for cell in found.cells} == {(None, Reason.OPTED_OUT)}


def test_what_stands_nowhere_and_does_not_go_is_left_out() -> None:
    read = gradebook({ANN: EIGHT, BEN: None}, assignments=[quiz(category_id=None)])
    found = compare_all(read)
    assert (found.cells, found.left_out) == ((), {Reason.UNGRADED: 1})


def test_a_removed_assignment_is_compared_by_its_former_name() -> None:
    known = ledger(entry({ANN: EIGHT}, "2", spec=spec("Old quiz")))
    found = compare_all(gradebook({}), known, live(listed("r2"), scores={"r2": {ANN: SEVEN}}))
    assert [(cell.assignment_id, cell.state, cell.reason) for cell in found.cells] == [
        ("2", CellState.DRIFT, Reason.ASSIGNMENT_UNKNOWN)
    ]
    assert found.titles == {"2": "Old quiz"}


def test_a_record_of_nobody_in_schoology_is_drift() -> None:
    found = compare_all(gradebook({}), ledger(entry()), live(listed(), scores={"r1": {"99": NINE}}))
    assert found.cells == (ComparedCell("1", "", "99", CellState.DRIFT, None, NINE, None),)


@pytest.mark.parametrize(
    ("cell", "held", "state", "reason"),
    [
        (Mark(INCOMPLETE), EIGHT, "same", Reason.INCOMPLETE_NOT_SENT),
        (Mark(INCOMPLETE), SEVEN, "drift", Reason.INCOMPLETE_NOT_SENT),
        (UNTOUCHED, EIGHT, "same", None),
        (Decimal(-1), EIGHT, "pending", Reason.SCORE_NOT_ACCEPTED),
        (Mark(MISSING), EIGHT, "pending", None),
    ],
)
def test_rules_decide_what_schoology_wants(
    cell: Cell, held: Decimal, state: str, reason: Reason | None
) -> None:
    shown = live(listed(), scores={"r1": {ANN: held}})
    (found,) = compare_all(gradebook({ANN: cell}), ledger(entry({ANN: EIGHT})), shown).cells
    assert (found.state, found.reason) == (state, reason)


def test_a_student_without_a_record_is_unreadable() -> None:
    shown = live(listed(), scores={"r1": {}})
    found = compare(gradebook({ANN: EIGHT}), ledger(entry()), shown, BOOK, {})
    assert [(cell.state, cell.reason) for cell in found.cells] == [
        (CellState.UNREADABLE, Reason.STUDENT_UNMATCHED)
    ]


def test_a_student_who_left_keeps_what_was_sent() -> None:
    away = {ANN: STUDENTS[ANN]._replace(active=False)}
    shown = live(listed(), scores={"r1": {ANN: SEVEN}})
    read = gradebook({ANN: NINE}, students=away)
    (cell,) = compare(read, ledger(entry({ANN: EIGHT})), shown, BOOK, {}, remembered=KEYS).cells
    assert (cell.state, cell.reason) == (CellState.DRIFT, Reason.STUDENT_NOT_ENROLLED)


def test_a_row_that_schoology_garbled_is_unreadable() -> None:
    read = gradebook({}, unreadable={("1", ANN): "grade: list"})
    (cell,) = compare_all(
        read, ledger(entry({ANN: EIGHT})), live(listed(), scores={"r1": {ANN: EIGHT}})
    ).cells
    assert (cell.state, cell.reason) == (CellState.UNREADABLE, Reason.ROW_UNREADABLE)


def test_a_partial_answer_claims_nothing_of_what_it_lacks() -> None:
    read = gradebook({BEN: EIGHT}, partial=frozenset({"1"}))
    shown = live(listed(), scores={"r1": {ANN: SEVEN, BEN: SEVEN}})
    found = compare_all(read, ledger(entry({ANN: EIGHT, BEN: EIGHT})), shown)
    assert states(found) == {ANN: "unreadable", BEN: "drift"}


def test_R51_a_lost_write_is_no_edit() -> None:
    known = ledger(entry({ANN: SEVEN}, doubtful={ANN: Doubtful(EIGHT)}))
    shown = live(listed(), scores={"r1": {ANN: EIGHT}})
    assert states(compare_all(gradebook({ANN: EIGHT}), known, shown)) == {ANN: "same"}


def test_what_is_owed_is_what_schoology_wants() -> None:
    known = ledger(entry({ANN: SEVEN}, owed={ANN: Owed(Reason.NOT_ATTEMPTED, EIGHT)}))
    shown = live(listed(), scores={"r1": {ANN: SEVEN}})
    assert states(compare_all(gradebook({}), known, shown)) == {ANN: "pending"}


def draw(random: Random) -> tuple[Gradebook, Ledger, LiveGradebook]:
    """Draw a section of three quizzes: what Schoology has, what was sent, and what the SIS holds."""
    values: tuple[Value, ...] = (None, SEVEN, EIGHT, NINE)
    ids = ("1", "2", "3")
    read = {a: {uid: random.choice(values) for uid in STUDENTS if random.random() < 0.9} for a in ids}
    known = ledger(
        *(
            entry({uid: random.choice(values) for uid in STUDENTS}, a, spec=spec(f"Quiz {a}"))
            for a in ids
            if random.random() < 0.9
        )
    )
    held = {f"r{a}": {uid: random.choice((SEVEN, EIGHT)) for uid in STUDENTS} for a in known}
    shown = live(*(listed(f"r{a}", spec(f"Quiz {a}")) for a in known), scores=held)
    return gradebook(assignments=[quiz(a, f"Quiz {a}") for a in ids], columns=read), known, shown


@pytest.mark.parametrize("seed", range(40))
def test_a_full_sync_writes_what_the_comparison_shows(seed: int) -> None:
    read, known, shown = draw(Random(seed))
    found = {(cell.assignment_id, cell.student): cell for cell in compare_all(read, known, shown).cells}
    writes = {
        (item.id, row.student): Reason.EDITED_IN_SIS in row.warnings
        for item in plan_of(read, known, shown, full=True).assignments
        for row in item.writes
    }
    going = {key for key in found if key[1] in read.cells[key[0]]}
    assert writes.keys() == {key for key in going if found[key].state in {"pending", "drift", "conflict"}}
    assert {key for key, edited in writes.items() if edited} == {
        key for key in going if found[key].state in {"drift", "conflict"}
    }


@pytest.mark.parametrize("seed", range(10))
def test_counts_add_up_to_the_cells(seed: int) -> None:
    found = compare_all(*draw(Random(seed)))
    assert sum(found.counts.values()) == len(found.cells)
    assert found.counts == {**dict.fromkeys(found.counts, 0), **Counter(c.state.value for c in found.cells)}
    assert concentrate(found).edits == found.counts["drift"] + found.counts["conflict"]


def edited(*where: tuple[str, str]) -> list[ComparedCell]:
    return [ComparedCell(a, uid, uid, CellState.DRIFT, EIGHT, SEVEN, EIGHT) for a, uid in where]


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ([], ""),
        ([("1", ANN)], "The 1 edit is in Quiz 4."),
        ([("1", ANN), ("1", BEN)], "Both edits are in Quiz 4."),
        ([("1", ANN), ("2", ANN)], "Both edits are in the scores of one student."),
        ([("1", ANN), ("1", BEN), ("2", CAM)], "2 of 3 edits are in Quiz 4."),
        ([("1", ANN), ("2", ANN), ("2", BEN), ("3", ANN)], "3 of 4 edits are in the scores of one student."),
        ([("1", ANN), ("2", BEN), ("3", CAM)], "The 3 edits are spread over 3 assignments."),
    ],
)
def test_the_concentration_is_one_sentence(where: list[tuple[str, str]], sentence: str) -> None:
    same = ComparedCell("1", CAM, CAM, CellState.SAME, NINE, NINE, NINE)
    found = concentrate(Comparison((*edited(*where), same), {"1": "Quiz 4"}))
    assert (found.edits, found.summary) == (len(where), sentence)


def test_groups_with_the_most_edits_come_first() -> None:
    found = concentrate(Comparison(tuple(edited(("2", ANN), ("1", BEN), ("2", CAM))), {"2": "Essay"}))
    assert found.assignments == (("2", 2, "Essay"), ("1", 1, ""))
    assert found.students == ((ANN, 1, ""), (BEN, 1, ""), (CAM, 1, ""))


def test_a_ref_of_another_section_is_not_compared() -> None:
    known = ledger(entry({ANN: EIGHT})._replace(ref=None, former=Ref("r1")))
    assert states(compare_all(gradebook({ANN: EIGHT}), known)) == {ANN: "pending"}
