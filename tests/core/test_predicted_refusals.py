"""Predict which creates the SIS would refuse again, and none whose cause is gone (R52)."""

import pytest

from gradesync.core.ledger import LedgerAssignment
from gradesync.core.reasons import Reason
from gradesync.core.refusals import predict_refused
from gradesync.core.sis import LiveAssignment
from harness.gradebooks import gradebook, listed, live, plan_of, quiz, spec

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
    assert predict(Reason.DUPLICATE_NAME, listed("r2", spec("QUIZ"))) == {"1": Reason.DUPLICATE_NAME}
    assert predict(Reason.DUPLICATE_NAME, OTHER) == {}


def test_R52_what_was_no_answer_is_not_expected_again() -> None:
    assert predict(Reason.UPSTREAM_UNAVAILABLE) == {}
