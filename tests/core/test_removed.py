"""Test that a column of a removed assignment goes to its successor, and to nobody else (R45)."""

from decimal import Decimal

from gradesync.core.gradebook import ITEMS, Gradebook
from gradesync.core.ledger import Doubtful, Ledger, LedgerAssignment, reassign_columns
from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveGradebook, Ref
from harness.gradebooks import (
    ANN,
    BEN,
    CAM,
    EIGHT,
    NINE,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    plan_of,
    quiz,
    spec,
    specs_of,
)

REMOVED = entry({ANN: NINE, BEN: EIGHT}, doubtful={CAM: Doubtful(NINE)}, may_hold=True)
SHOWN = live(listed("r1"))


def reassigned(book: Gradebook, known: Ledger, shown: LiveGradebook = SHOWN) -> Ledger:
    return reassign_columns(book, specs_of(book, known), known, shown)


def planned(book: Gradebook, known: Ledger, shown: LiveGradebook = SHOWN) -> AssignmentPlan:
    (item,) = plan_of(book, reassigned(book, known, shown), shown).assignments
    return item


def imported(*ids: str, partial: frozenset[str] = frozenset()) -> Gradebook:
    """Return a gradebook that holds the quiz under other ids."""
    columns = {a: {ANN: NINE, BEN: NINE} for a in ids}
    return gradebook(assignments=[quiz(a) for a in ids], columns=columns, partial_lists=partial)


def test_R45_a_successor_continues_with_what_was_sent() -> None:
    known = ledger(REMOVED)
    after = reassigned(imported("2"), known)
    assert after["2"] == REMOVED._replace(id="2", taken_from="1")
    assert after["1"] == LedgerAssignment("1")
    item = planned(imported("2"), known)
    assert (item.action, item.ref, item.warnings) == (Action.ADOPT, Ref("r1"), (Reason.TAKEN_FROM_REMOVED,))
    assert item.edits == ()
    assert {write.student for write in item.writes} == {BEN, CAM}


def test_R17_R45_a_column_comes_with_its_switch() -> None:
    known = ledger(REMOVED._replace(opted_out=True))
    assert reassigned(imported("2"), known)["2"].opted_out
    item = planned(imported("2"), known)
    assert (item.action, item.reason) == (Action.SKIP, Reason.OPTED_OUT)
    assert (item.warnings, list(item.writes)) == ((Reason.TAKEN_FROM_REMOVED,), [])


def test_R45_a_partial_list_proves_no_removal() -> None:
    known = ledger(REMOVED)
    book = imported("2", partial=frozenset({ITEMS}))
    assert reassigned(book, known) is known
    assert planned(book, known).reason == Reason.DUPLICATE_NAME


def test_R45_an_assignment_that_is_there_keeps_its_column() -> None:
    known = ledger(REMOVED)
    assert reassigned(imported("1", "2"), known) is known


def test_R45_one_successor_takes_a_column() -> None:
    after = reassigned(imported("2", "3"), ledger(REMOVED))
    assert {key for key, each in after.items() if each.ref} == {"2"}


def test_R45_a_column_renamed_in_the_sis_is_found_as_it_was_sent() -> None:
    shown = live(listed("r1", spec("Renamed")))
    book = gradebook(assignments=[quiz("2"), quiz("3", "Renamed")], columns={})
    after = reassigned(book, ledger(REMOVED), shown)
    assert {key: each.ref for key, each in after.items() if each.ref} == {"2": Ref("r1")}


def test_R45_a_name_in_other_letters_takes_the_column() -> None:
    book = gradebook(assignments=[quiz("2", "QUIZ")], columns={})
    assert reassigned(book, ledger(REMOVED))["2"].ref == Ref("r1")
    item = planned(book, ledger(REMOVED))
    assert (item.action, [edit.after for edit in item.edits]) == (Action.ADOPT, ["QUIZ"])


def test_R45_the_very_name_comes_before_other_letters() -> None:
    book = gradebook(assignments=[quiz("2", "QUIZ"), quiz("3")], columns={})
    after = reassigned(book, ledger(REMOVED))
    assert {key: each.ref for key, each in after.items() if each.ref} == {"3": Ref("r1")}


def test_R45_whose_very_name_stands_takes_no_other_letters() -> None:
    book = gradebook(assignments=[quiz("2", "QUIZ")], columns={})
    known = ledger(REMOVED)
    assert reassigned(book, known, live(listed("r1"), listed("r2", spec("QUIZ"), ours=False))) is known


def test_R45_a_column_never_read_is_found_as_listed() -> None:
    after = reassigned(imported("2"), ledger(REMOVED._replace(spec=None)))
    assert after["2"].ref == Ref("r1")


def test_R45_who_has_a_column_takes_no_other() -> None:
    known = ledger(REMOVED, entry(assignment_id="2", spec=spec("Other")))
    shown = live(listed("r1"), listed("r2", spec("Other")))
    assert reassigned(imported("2"), known, shown) is known
    gone = live(listed("r1"), gone=["r2"])
    assert reassigned(imported("2"), known, gone)["2"].ref == Ref("r1")


def test_R45_a_column_that_the_sis_does_not_list_goes_to_nobody() -> None:
    known = ledger(REMOVED, LedgerAssignment("4", opted_out=True))
    assert reassigned(imported("2"), known, live()) is known


def test_R45_an_assignment_that_stops_takes_nothing() -> None:
    known = ledger(REMOVED, LedgerAssignment("2", opted_out=True))
    assert reassigned(imported("2"), known) is known


def test_R45_a_successor_that_fails_is_named_too() -> None:
    book = gradebook(assignments=[quiz("2", max_points=Decimal(20))], columns={})
    item = planned(book, ledger(REMOVED), live(listed("r1", locked=True)))
    assert (item.action, item.reason, item.warnings) == (
        Action.FAIL,
        Reason.TERM_LOCKED,
        (Reason.TAKEN_FROM_REMOVED,),
    )
