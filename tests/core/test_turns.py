"""The order in which assignments go to their places: every name is free when its turn comes (R29)."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.ordering import in_order_of_writes
from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.sis import Ref, Slot
from harness.gradebooks import spec

LENGTH = 50
NAMES = ["A", "b", "B", "C", "D", "E", "F"]


def moving(assignment_id: str, before: str | None, after: str) -> AssignmentPlan:
    """An assignment that stands under one name and is to have another; None for one that is to be made."""
    return AssignmentPlan(
        id=assignment_id,
        title=after,
        action=Action.CREATE if before is None else Action.UPDATE,
        spec=spec(after),
        before=None if before is None else spec(before),
        ref=None if before is None else Ref(f"r{assignment_id}"),
    )


def carried_out(items: Sequence[AssignmentPlan]) -> dict[str, Slot]:
    """What a SIS holds in the end that refuses the second of a name, whatever its case."""
    turns = in_order_of_writes(items)
    held = {item.id: item.before.slot for item in items if item.before is not None}
    steps = [(aside.item.id, aside.spec(LENGTH)) for aside in turns.aside]
    for assignment_id, wanted in [*steps, *((item.id, wanted) for item, wanted in turns.order)]:
        others = [name.upper() for other, (name, _) in held.items() if other != assignment_id]
        assert wanted.name.upper() not in others
        held[assignment_id] = wanted.slot
    return held


@given(st.permutations(NAMES[:2] + NAMES[3:]), st.integers(0, 6))
def test_whatever_is_renamed_at_once_ends_as_it_should_be(after: list[str], made: int) -> None:
    names = zip(NAMES[:2] + NAMES[3:], after, strict=True)
    items = [
        moving(str(number), None if number < made else before, name)
        for number, (before, name) in enumerate(names)
    ]
    assert carried_out(items) == {item.id: item.spec.slot for item in items if item.spec}


def test_a_name_is_taken_after_it_was_left() -> None:
    turns = in_order_of_writes([moving("1", "A", "B"), moving("2", "B", "C"), moving("3", "C", "D")])
    assert [turn.item.id for turn in turns.order] == ["3", "2", "1"]
    assert turns.aside == ()


def test_who_is_made_anew_waits_for_its_name() -> None:
    turns = in_order_of_writes([moving("1", None, "B"), moving("2", "B", "C")])
    assert [turn.item.id for turn in turns.order] == ["2", "1"]


def test_a_name_in_other_letters_may_be_the_same_name() -> None:
    turns = in_order_of_writes([moving("1", "A", "b"), moving("2", "B", "C")])
    assert [turn.item.id for turn in turns.order] == ["2", "1"]


def test_a_name_that_only_changes_its_case_waits_for_nobody() -> None:
    assert in_order_of_writes([moving("1", "b", "B")]).aside == ()


@pytest.mark.parametrize("names", ["BA", "BCA", "BCDA"])
def test_one_of_a_circle_steps_aside(names: str) -> None:
    items = [
        moving(str(n), before, after) for n, (before, after) in enumerate(zip("ABCD", names, strict=False))
    ]
    (aside,) = in_order_of_writes(items).aside
    assert aside.spec(LENGTH).slot not in [item.before.slot for item in items if item.before]
    assert carried_out(items) == {item.id: item.spec.slot for item in items if item.spec}


def test_who_steps_aside_changes_its_name_alone_and_keeps_it_short_enough() -> None:
    long = "N" * LENGTH
    (aside,) = in_order_of_writes([moving("8269049251", long, "B"), moving("2", "B", long)]).aside
    stepped = aside.spec(LENGTH)
    assert stepped.name == f"{'N' * (LENGTH - 13)} (8269049251)"
    assert (stepped.points, stepped.due, stepped.category) == (
        aside.before.points,
        aside.before.due,
        aside.before.category,
    )


def test_what_stays_as_it_is_has_no_turn() -> None:
    kept = moving("1", "A", "A")._replace(action=Action.KEEP)
    out = AssignmentPlan(id="2", title="B", action=Action.SKIP)
    assert in_order_of_writes([kept, out]).order == ()
