"""Test that a score which a sync failed to put right stays owed, though it was sent once."""

from itertools import product

import pytest

from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, Sent, decide
from gradesync.core.decisions import find_owing
from gradesync.core.gradebook import EXCUSED, Mark
from gradesync.core.ledger import Decision, Doubtful, LedgerAssignment, Owed, Value
from gradesync.core.plan import AssignmentPlan
from gradesync.core.planner import update_ledger
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import DriftPolicy, Policy
from harness.gradebooks import (
    ANN,
    EIGHT,
    KEYS,
    NINE,
    SEVEN,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    outcome_of,
    plan_of,
    rulebook,
    settled,
    write,
)

KEY = KEYS[ANN]
ABSENT = Owed(Reason.STUDENT_NOT_IN_SIS_SECTION, EIGHT)
LATER = [ABSENT.reason, Reason.SCORE_NOT_ACCEPTED, Reason.TERM_LOCKED, Reason.NOT_ATTEMPTED]


def owing(owed: Owed = ABSENT, sent: Value = EIGHT, made: Decision | None = None) -> LedgerAssignment:
    return entry({ANN: sent}, owed={ANN: owed}, decisions={} if made is None else {KEY: made})


def planned(
    known: LedgerAssignment, *held: Value, unmatched: bool = False, drift: DriftPolicy = "report"
) -> AssignmentPlan:
    """Plan a sync of changes that reads no cell, and of the SIS what it holds, where that is given."""
    shown = live(listed(), scores={"r1": {ANN: held[0]}} if held else None)  # type: ignore[dict-item]  # points
    book, rules = gradebook({}, full=False), rulebook(policy=Policy(drift=drift))
    known_keys = {ANN: KEY}
    students = {} if unmatched else known_keys
    return only(plan_of(book, ledger(known), shown, rules=rules, students=students, remembered=known_keys))


@pytest.mark.parametrize("reason", LATER)
def test_an_edit_that_was_not_put_right_is_put_right_later(reason: Reason) -> None:
    known = owing(Owed(reason, EIGHT))
    item = planned(known, SEVEN)
    row = write(item)
    assert row is not None
    assert (row.value, row.owed, row.edit, row.warnings) == (EIGHT, True, (SEVEN,), (Reason.EDITED_IN_SIS,))
    assert update_ledger(known, item).owed == known.owed  # until the SIS has taken it


def test_it_is_sent_where_the_sis_shows_no_scores() -> None:
    row = write(planned(owing()))
    assert row is not None
    assert (row.value, row.owed) == (EIGHT, True)


def test_it_fails_again_while_the_student_is_unmatched() -> None:
    known = owing(Owed(Reason.STUDENT_UNMATCHED, EIGHT))
    item = planned(known, unmatched=True)
    assert (outcome_of(item).result, outcome_of(item).reason) == (Result.FAILED, Reason.STUDENT_UNMATCHED)
    assert update_ledger(known, item).owed == known.owed


def test_what_somebody_put_right_is_not_sent_again() -> None:
    known = owing()
    item = planned(known, EIGHT)
    assert not item.writes
    assert update_ledger(known, item).owed == {}


def test_a_district_that_asks_is_asked() -> None:
    assert outcome_of(planned(owing(), SEVEN, drift="ask")).reason is Reason.DRIFT_UNDECIDED


def test_a_district_that_yields_owes_no_edit() -> None:
    known = owing()
    for held in ((), (SEVEN,)):
        item = planned(known, *held, drift="yield")
        assert (len(item.writes), update_ledger(known, item).owed) == (0, {})


def test_an_undecided_edit_is_not_written_over() -> None:
    for held in ((), (SEVEN,)):
        assert not planned(owing(Owed(Reason.DRIFT_UNDECIDED, EIGHT, SEVEN)), *held).writes


def test_an_undecided_edit_of_an_unmatched_student_is_named() -> None:
    known = owing(Owed(Reason.DRIFT_UNDECIDED, EIGHT, SEVEN))
    item = planned(known, unmatched=True, drift="ask")
    assert outcome_of(item).reason == Reason.STUDENT_UNMATCHED
    after = update_ledger(known, item)
    assert outcome_of(planned(after, SEVEN, drift="ask")).reason is Reason.DRIFT_UNDECIDED


def test_nothing_is_sent_where_a_person_stopped_it() -> None:
    stop = Decision("stop", ANN, EIGHT, SEVEN, EIGHT)
    for held in ((), (SEVEN,)):
        assert outcome_of(planned(owing(made=stop), *held)).reason is Reason.LEFT_TO_SIS
    left = owing(Owed(Reason.LEFT_TO_SIS, EIGHT, SEVEN), made=stop)
    assert settled(planned(left)) is None


def test_what_is_put_back_again_is_only_what_was_seen() -> None:
    known = owing(Owed(Reason.SCORE_NOT_ACCEPTED, EIGHT), made=Decision("put-back", ANN, EIGHT, SEVEN, EIGHT))
    assert write(planned(known, SEVEN)) is not None
    assert outcome_of(planned(known, NINE)).reason is Reason.DRIFT_UNDECIDED


def test_an_edit_of_what_a_person_took_is_put_right_later() -> None:
    known = owing(sent=SEVEN, made=Decision("take", ANN, SEVEN, SEVEN, EIGHT))
    row = write(planned(known, NINE))
    assert row is not None
    assert row.value == EIGHT
    assert not planned(known, SEVEN).writes
    assert write(planned(known)) is not None
    assert outcome_of(planned(known, unmatched=True)).reason == Reason.STUDENT_UNMATCHED
    for held in ((), (NINE,)):
        assert not planned(known, *held, drift="yield").writes


def test_only_debts_of_what_counts_as_sent_are_compared() -> None:
    keys = {ANN: KEY}
    taken = Decision("take", ANN, SEVEN, SEVEN, EIGHT)
    assert find_owing(ledger(owing()), keys) == {"1"}
    assert find_owing(ledger(owing(sent=SEVEN, made=taken)), keys) == {"1"}
    assert find_owing(ledger(owing(sent=SEVEN)), keys) == set()
    assert find_owing(ledger(owing()), {}) == set()
    assert find_owing(ledger(owing(Owed(Reason.LEFT_TO_SIS, EIGHT, SEVEN))), keys) == set()
    assert find_owing(ledger(entry(owed={ANN: Owed(Reason.TERM_LOCKED, None)})), keys) == set()


def test_a_debt_changes_only_what_counts_as_sent() -> None:
    values: tuple[Value, ...] = (None, SEVEN, EIGHT, Mark(EXCUSED))
    all_sent: tuple[Sent, ...] = (NEVER_SENT, *values)
    all_held: tuple[Live, ...] = (NOT_READ, *values, NINE)
    doubts = (None, *map(Doubtful, values))
    for desired, sent, held, doubt in product(values, all_sent, all_held, doubts):
        plain = decide(desired, sent, held, doubt=doubt, full=True)
        owed = decide(desired, sent, held, doubt=doubt, owing=True)
        unseen = held is NOT_READ and doubt is None and sent == desired
        assert owed == ("write" if unseen else plain)
