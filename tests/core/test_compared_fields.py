"""Test comparisons of the assignments themselves, field by field."""

from decimal import Decimal

import pytest

from gradesync.core.cell_state import judge_field
from gradesync.core.comparison import Comparison, compare, concentrate
from harness.gradebooks import ANN, BOOK, KEYS, NINE, entry, gradebook, ledger, listed, live, spec


def fields(comparison: Comparison) -> dict[str, tuple[str, str | None, str | None, str | None]]:
    return {each.field: (each.state.value, each.sent, each.live, each.wanted) for each in comparison.fields}


def test_fields_of_an_assignment_are_compared() -> None:
    known = ledger(entry({ANN: NINE}))
    read = gradebook({ANN: NINE})
    same = compare(read, known, live(listed()), BOOK, KEYS)
    assert {state for state, *_ in fields(same).values()} == {"same"}
    assert concentrate(same).field_counts["same"] == len(same.fields) == 5
    edited = spec(name="Quiz 9", points=Decimal("20.0"))
    found = compare(read, known, live(listed(shown=edited)), BOOK, KEYS)
    drifted = {field: values for field, (state, *values) in fields(found).items() if state == "drift"}
    assert drifted == {"name": ["Quiz", "Quiz 9", "Quiz"], "points": ["10", "20", "10"]}
    assert [each.field for each in concentrate(found).fields] == ["name", "points"]
    gone = compare(read, known, live(gone={"r1"}), BOOK, KEYS)
    assert [(each.field, each.state.value) for each in gone.fields] == [("assignment", "drift")]
    unlisted = compare(read, known, live(), BOOK, KEYS)
    assert {each.state.value for each in unlisted.fields} == {"unreadable"}
    assert compare(read, {}, live(), BOOK, KEYS).fields == ()


@pytest.mark.parametrize(
    ("sent", "shown", "wanted", "state"),
    [
        ("a", "a", "a", "same"),
        ("a", "a", None, "same"),
        ("a", "a", "b", "pending"),
        ("a", "b", "a", "drift"),
        ("a", "b", None, "drift"),
        ("a", "b", "c", "conflict"),
        ("a", "b", "b", "converged"),
        ("a", None, "b", "unreadable"),
        (None, "a", "a", "same"),
        (None, "a", "b", "pending"),
    ],
)
def test_field_is_judged_as_a_merge(
    sent: str | None, shown: str | None, wanted: str | None, state: str
) -> None:
    assert judge_field(sent, shown, wanted).value == state
