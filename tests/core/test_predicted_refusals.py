"""Predict which creates the SIS would refuse again, and none whose cause is gone (R52)."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.ledger import LedgerAssignment
from gradesync.core.ordering import order_writes
from gradesync.core.plan import AssignmentPlan
from gradesync.core.reasons import Reason
from gradesync.core.refusals import predict_refused
from gradesync.core.sis import LiveAssignment
from harness.gradebooks import entry, gradebook, ledger, listed, live, plan_of, quiz, renamed, spec

AGAIN = (Reason.ASSIGNMENT_NOT_ACCEPTED, Reason.TERM_LOCKED)
OTHER = listed("r2", spec("Another"))


def predict(problem: Reason, *shown: LiveAssignment, title: str = "Quiz") -> dict[str, Reason]:
    """Return what is predicted of a quiz whose create as "Quiz" failed, from what the SIS lists now."""
    known = {"1": LedgerAssignment("1", intent=spec("Quiz"), problem=problem)}
    planned = plan_of(gradebook(assignments=[quiz(title=title)]), known, live(*shown))
    return dict(predict_refused(planned.assignments, known, shown))


@pytest.mark.parametrize("reason", AGAIN)
def test_R52_a_refused_create_is_refused_again(reason: Reason) -> None:
    assert predict(reason) == {"1": reason}
    assert predict(reason, title="Another name") == {}


def test_R52_an_open_column_shows_an_open_term() -> None:
    assert predict(Reason.TERM_LOCKED, OTHER._replace(locked=True)) == {"1": Reason.TERM_LOCKED}
    assert predict(Reason.TERM_LOCKED, OTHER) == {}


def test_R52_a_name_that_is_free_is_not_refused() -> None:
    assert predict(Reason.DUPLICATE_NAME, listed("r2", spec("QUIZ"), ours=False)) == {
        "1": Reason.DUPLICATE_NAME
    }
    assert predict(Reason.DUPLICATE_NAME, OTHER) == {}


def test_R52_what_was_no_answer_is_not_expected_again() -> None:
    assert predict(Reason.UPSTREAM_UNAVAILABLE) == {}


def refuse_alike(items: Sequence[AssignmentPlan], columns: Sequence[LiveAssignment]) -> dict[str, Reason]:
    """Write assignments to a SIS that ignores letter case; return what it refuses."""
    order = order_writes(items)
    names = {column.ref.key: column.name.upper() for column in columns}
    aside = {name.item.id: names.pop(name.ref.key) for name in order.temporary}
    refused: dict[str, Reason] = {}
    kept = set()
    for item, wanted, _ in order.writes:
        key = item.ref.key if item.ref else f"new {item.id}"
        if wanted.name.upper() not in {name for other, name in names.items() if other != key}:
            names[key] = wanted.name.upper()
        else:
            assert item.id not in aside  # no circle clashes, so none has a name to restore
            refused[item.id] = Reason.NAME_NOT_FREE if wanted.name in kept else Reason.DUPLICATE_NAME
            kept.add(item.before.name if item.before else "")
    return refused


NAMES = st.sampled_from(["Lab", "LAB", "Quiz", "QUIZ", "Essay", "ESSAY"])


@given(
    st.lists(st.tuples(st.booleans(), NAMES), max_size=4), st.lists(NAMES, max_size=3, unique_by=str.upper)
)
def test_R52_names_in_other_letters_are_refused_in_order(
    wanted: list[tuple[bool, str]], standing: list[str]
) -> None:
    columns = [listed(f"r{number}", spec(name)) for number, name in enumerate(standing)]
    items = [
        renamed(str(number), standing[number] if stands and number < len(standing) else None, name)
        for number, (stands, name) in enumerate(wanted)
    ]
    foreseen = predict_refused(items, {}, columns, ignores_case=True)
    assert foreseen == refuse_alike(items, columns)
    assert predict_refused(items, {}, columns) == {}


def test_R52_a_sis_that_holds_two_alike_refuses_neither() -> None:
    columns = [listed("r1", spec("Lab")), listed("r2", spec("LAB"))]
    items = [renamed("3", None, "lab")]
    assert predict_refused(items, {}, columns, ignores_case=True) == {}


def test_R52_what_is_refused_for_another_reason_takes_no_name() -> None:
    items = [renamed("1", None, "Lab"), renamed("2", None, "LAB")]
    known = {"1": LedgerAssignment("1", intent=spec("Lab"), problem=Reason.ASSIGNMENT_NOT_ACCEPTED)}
    foreseen = predict_refused(items, known, [], ignores_case=True)
    assert foreseen == {"1": Reason.ASSIGNMENT_NOT_ACCEPTED}


def test_R50_R52_a_name_that_the_sis_cut_stands_as_it_was_sent() -> None:
    long = "Essay about the harvest"
    known = ledger(entry(spec=spec(long), shown="Essay about"))
    columns = [listed("r1", spec("Essay about"))]
    foreseen = predict_refused([renamed("2", None, long.upper())], known, columns, ignores_case=True)
    assert foreseen == {"2": Reason.DUPLICATE_NAME}
