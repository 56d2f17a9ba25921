"""Test the order of assignment writes: every name is free when its assignment is written (R29)."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.ordering import order_writes
from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.sis import Slot
from harness.gradebooks import renamed

LENGTH = 50
NAMES = ["A", "b", "B", "C", "D", "E", "F"]


def write_all(items: Sequence[AssignmentPlan]) -> dict[str, Slot]:
    """Return what a SIS holds in the end that refuses the second of a name, whatever its case."""
    order = order_writes(items)
    slots = {item.id: item.before.slot for item in items if item.before is not None}
    steps = [(name.item.id, name.spec(LENGTH)) for name in order.temporary]
    for assignment_id, wanted in [*steps, *((item.id, wanted) for item, wanted, _ in order.writes)]:
        taken = [name.upper() for owner, (name, _) in slots.items() if owner != assignment_id]
        assert wanted.name.upper() not in taken
        slots[assignment_id] = wanted.slot
    return slots


@given(st.permutations(NAMES[:2] + NAMES[3:]), st.integers(0, 6))
def test_any_renames_at_once_end_as_they_should(after: list[str], made: int) -> None:
    names = zip(NAMES[:2] + NAMES[3:], after, strict=True)
    items = [
        renamed(str(number), None if number < made else before, name)
        for number, (before, name) in enumerate(names)
    ]
    assert write_all(items) == {item.id: item.spec.slot for item in items if item.spec}


def test_a_name_is_taken_after_it_was_left() -> None:
    order = order_writes([renamed("1", "A", "B"), renamed("2", "B", "C"), renamed("3", "C", "D")])
    assert [write.item.id for write in order.writes] == ["3", "2", "1"]
    assert order.temporary == ()


def test_a_create_waits_for_its_name() -> None:
    order = order_writes([renamed("1", None, "B"), renamed("2", "B", "C")])
    assert [write.item.id for write in order.writes] == ["2", "1"]


def test_a_name_in_other_letters_may_be_the_same_name() -> None:
    order = order_writes([renamed("1", "A", "b"), renamed("2", "B", "C")])
    assert [write.item.id for write in order.writes] == ["2", "1"]


def test_a_name_that_only_changes_its_case_waits_for_nothing() -> None:
    assert order_writes([renamed("1", "b", "B")]).temporary == ()


@pytest.mark.parametrize("names", ["BA", "BCA", "BCDA"])
def test_one_of_a_cycle_gets_a_temporary_name(names: str) -> None:
    items = [
        renamed(str(n), before, after) for n, (before, after) in enumerate(zip("ABCD", names, strict=False))
    ]
    (temporary,) = order_writes(items).temporary
    assert temporary.spec(LENGTH).slot not in [item.before.slot for item in items if item.before]
    assert write_all(items) == {item.id: item.spec.slot for item in items if item.spec}


def test_a_temporary_name_changes_the_name_alone_and_fits() -> None:
    long = "N" * LENGTH
    (temporary,) = order_writes([renamed("8269049251", long, "B"), renamed("2", "B", long)]).temporary
    renamed_spec = temporary.spec(LENGTH)
    assert renamed_spec.name == f"{'N' * (LENGTH - 13)} (8269049251)"
    assert (renamed_spec.points, renamed_spec.due, renamed_spec.category) == (
        temporary.before.points,
        temporary.before.due,
        temporary.before.category,
    )


def test_what_stays_as_it_is_has_no_write() -> None:
    kept = renamed("1", "A", "A")._replace(action=Action.KEEP)
    out = AssignmentPlan(id="2", title="B", action=Action.SKIP)
    assert order_writes([kept, out]).writes == ()


def test_only_who_needs_a_name_waits_for_it() -> None:
    items = [renamed("1", "A", "B"), renamed("2", "B", "C"), renamed("3", None, "D")]
    assert {write.item.id: write.after for write in order_writes(items).writes} == {
        "1": "2",
        "2": None,
        "3": None,
    }


def test_in_a_circle_of_names_one_waits_for_nobody() -> None:
    order = order_writes([renamed("1", "A", "B"), renamed("2", "B", "A")])
    assert [(write.item.id, write.after) for write in order.writes] == [("2", None), ("1", "2")]
