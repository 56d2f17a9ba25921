"""Test what is found to wait for the next sync."""

from gradesync.core.ledger import Owed
from gradesync.core.reasons import Reason
from gradesync.core.waiting import Waiting, find_waiting
from harness.gradebooks import (
    ANN,
    BEN,
    EIGHT,
    KEYS,
    NINE,
    entry,
    gradebook,
    ledger,
    rulebook,
    spec,
)


def test_changed_scores_wait_and_equal_ones_do_not() -> None:
    known = ledger(entry({ANN: NINE, BEN: NINE}))
    found = find_waiting(gradebook({ANN: NINE, BEN: EIGHT}), known, rulebook(), KEYS)
    assert [*found.values()] == [Waiting(assignment=False, scores=1)]


def test_cleared_score_waits() -> None:
    found = find_waiting(gradebook({ANN: None}), ledger(entry({ANN: NINE})), rulebook(), KEYS)
    assert [*found.values()] == [Waiting(assignment=False, scores=1)]


def test_renamed_assignment_waits() -> None:
    known = ledger(entry({ANN: NINE}, spec=spec("Former name")))
    assert [each.assignment for each in find_waiting(gradebook({}), known, rulebook(), KEYS).values()] == [
        True
    ]


def test_owed_score_does_not_wait() -> None:
    owed = {BEN: Owed(Reason.STUDENT_NOT_IN_SIS_SECTION, NINE)}
    found = find_waiting(gradebook({}), ledger(entry({ANN: NINE}, owed=owed)), rulebook(), KEYS)
    assert [*found.values()] == [Waiting(assignment=False, scores=0)]
