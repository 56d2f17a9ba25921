"""Test what a value comes to that is absent, unreadable, never made or excused (R3, R36, R38)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from gradesync.core.gradebook import EXCUSED, UNTOUCHED, Mark
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, Value
from gradesync.core.plan import ScoreOutcome
from gradesync.core.reasons import Reason, Result
from gradesync.core.writes import NO_WRITES
from harness.gradebooks import (
    ANN,
    BEN,
    CAPABILITIES,
    NINE,
    STUDENTS,
    count_scores,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
    quiz,
    rulebook,
    settled,
)

EXCUSES = rulebook(capabilities=replace(CAPABILITIES, excuses=True, clears=False))


def test_R36_a_row_that_is_not_there_never_clears() -> None:
    sent = {ANN: NINE, BEN: Decimal(7)}
    for full in (False, True):
        item = only(plan_of(gradebook({ANN: NINE}, full=full), ledger(entry(sent)), full=full))
        assert count_scores(item) == (0, 0, 1)


def test_R36_a_student_who_left_the_roster_is_not_cleared() -> None:
    book = gradebook({BEN: NINE}, students={BEN: STUDENTS[BEN]})
    assert count_scores(only(plan_of(book, ledger(entry({ANN: NINE, BEN: NINE}))))) == (0, 0, 1)


def test_R36_an_unreadable_row_is_neither_sent_nor_cleared() -> None:
    book = gradebook({BEN: NINE}, unreadable={("1", ANN): "grade is no number"})
    item = only(plan_of(book, ledger(entry({ANN: Decimal(7), BEN: NINE}))))
    assert item.writes == ()
    assert settled(item) == ScoreOutcome(ANN, Result.FAILED, Reason.ROW_UNREADABLE)
    assert item.read == 2


def test_an_unreadable_row_of_a_student_who_left_fails_nothing() -> None:
    book = gradebook({}, students={}, unreadable={("1", ANN): "grade is no number"})
    assert settled(only(plan_of(book))) == ScoreOutcome(ANN, Result.SKIPPED, Reason.STUDENT_NOT_ENROLLED)


def test_R36_a_row_of_nobody_known_fails_whoever_is_enrolled() -> None:
    book = gradebook({}, unreadable={("1", "row:1"): "the row has no readable enrollment or assignment"})
    assert settled(only(plan_of(book)), "row:1") == ScoreOutcome(
        "row:1", Result.FAILED, Reason.ROW_UNREADABLE
    )


def test_R38_a_blank_that_nobody_made_clears_nothing() -> None:
    cells = {ANN: UNTOUCHED, BEN: UNTOUCHED}
    known = ledger(entry({ANN: Decimal(8)}, owed={BEN: Owed("score-not-accepted", Decimal(9))}))
    item = only(plan_of(gradebook(cells), known, full=True))
    kept = ScoreOutcome(
        ANN, Result.UNCHANGED, None, (Reason.NEVER_SCORED_HERE,), before=Decimal(8), after=Decimal(8)
    )
    assert (item.writes, settled(item), item.read) == (NO_WRITES, kept, 1)
    gone = {ANN: STUDENTS[ANN]._replace(active=False)}
    stopped = only(plan_of(gradebook(cells, students=gone), known))
    assert settled(stopped) == ScoreOutcome(ANN, Result.SKIPPED, Reason.STUDENT_NOT_ENROLLED)


def test_R38_a_blank_that_nobody_made_counts_for_nothing() -> None:
    book = gradebook({ANN: UNTOUCHED, BEN: Decimal(4)}, assignments=[quiz(category_id=None)])
    assert [score.student for score in only(plan_of(book)).settled] == [BEN]


@pytest.mark.parametrize(
    ("known", "shown", "sent"),
    [
        (entry(), None, []),
        (entry({ANN: NINE}), None, [Mark(EXCUSED)]),
        (entry({ANN: Mark(EXCUSED)}), None, []),
        (entry({ANN: None}), None, []),
        (entry({ANN: None}, may_hold=True), None, []),
        (entry({ANN: None}, doubtful={ANN: Doubtful(NINE)}), {ANN: NINE}, [Mark(EXCUSED)]),
        (entry({ANN: None}, doubtful={ANN: Doubtful(NINE)}), {}, []),
        (entry(doubtful={ANN: Doubtful(NINE)}), {ANN: NINE}, [Mark(EXCUSED)]),
        (entry(doubtful={ANN: Doubtful(NINE)}), {}, []),
        (entry(may_hold=True), {ANN: NINE}, [Mark(EXCUSED)]),
        (entry(may_hold=True), {}, []),
        (entry(may_hold=True), None, [Mark(EXCUSED)]),
    ],
)
def test_R3_a_sis_shows_excused_in_the_place_of_a_score(
    known: LedgerAssignment, shown: dict[str, Decimal | None] | None, sent: list[Value]
) -> None:
    held = live(listed(), scores=None if shown is None else {"r1": shown})
    item = only(plan_of(gradebook({ANN: Mark(EXCUSED)}), ledger(known), held, rules=EXCUSES))
    assert [write.value for write in item.writes] == sent
    assert all(write.result is Result.CLEARED for write in item.writes)
