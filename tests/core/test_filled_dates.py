"""Test the due dates of assignments that have none (R13)."""

from gradesync.core.plan import Action
from gradesync.core.reasons import Reason
from harness.gradebooks import ANN, DUE, LAST, NINE, entry, gradebook, ledger, only, plan_of, quiz, spec


def test_R13_without_a_period_the_term_ends_it() -> None:
    item = only(plan_of(gradebook(assignments=[quiz(due=None)], periods={"p1": DUE})))
    assert (item.spec, item.warnings) == (spec(due=LAST), (Reason.DUE_DATE_FILLED,))


def test_R13_a_period_that_is_not_shown_gives_no_date() -> None:
    book = gradebook({ANN: NINE}, assignments=[quiz(due=None, period_id="p1")], periods={"p2": LAST})
    item = only(plan_of(book, ledger(entry({ANN: NINE}))))
    assert (item.action, item.reason, item.spec) == (Action.FAIL, Reason.ROW_UNREADABLE, None)
    assert item.detail == "grading period p1"


def test_R13_a_period_of_what_has_a_date_is_of_no_account() -> None:
    assert only(plan_of(gradebook(assignments=[quiz(period_id="p1")]))).spec == spec()
