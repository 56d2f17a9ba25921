"""Test what a district's policy, and a person's decision, make of a score that was changed in the SIS."""

from itertools import product
from typing import get_args

import pytest

from gradesync.core.cell_state import EDITED, judge_cell
from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, Sent, decide
from gradesync.core.gradebook import EXCUSED, Cell, Mark
from gradesync.core.ledger import Decision, Doubtful, Value
from gradesync.core.reasons import Reason
from gradesync.core.sis import DriftPolicy, Policy
from harness.gradebooks import (
    ANN,
    BEN,
    EIGHT,
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
)

VALUES: tuple[Value, ...] = (None, SEVEN, EIGHT, Mark(EXCUSED))
SENT: tuple[Sent, ...] = (NEVER_SENT, *VALUES)
LIVE: tuple[Live, ...] = (NOT_READ, *VALUES, NINE)
DOUBTS = (None, *map(Doubtful, VALUES))
BOTH = (False, True)
CASES = list(product(VALUES, SENT, LIVE, DOUBTS, BOTH))
POLICIES: tuple[DriftPolicy, ...] = get_args(DriftPolicy)


def test_without_an_edit_every_policy_does_the_same() -> None:
    for desired, sent, held, doubt, full in CASES:
        choices = {decide(desired, sent, held, doubt=doubt, full=full, drift=drift) for drift in POLICIES}
        edited = doubt is not None or judge_cell(sent, held, desired) in EDITED
        if held is NOT_READ or not edited:
            assert len(choices) == 1, (desired, sent, held, doubt, full)


def test_ask_writes_over_no_edit() -> None:
    for desired, sent, held in product(VALUES, SENT, LIVE):
        if judge_cell(sent, held, desired) in EDITED:
            choice = decide(desired, sent, held, drift="ask")
            assert choice == ("keep" if desired is None and sent is NEVER_SENT else "ask")


def test_yield_writes_only_what_schoology_changed() -> None:
    for desired, sent, held in product(VALUES, SENT, LIVE):
        choice = decide(desired, sent, held, full=True, drift="yield")
        if sent == desired:
            assert choice == "keep"
        else:
            assert choice == decide(desired, sent, held, full=True)


def test_a_lost_answer_is_asked_about_only_after_an_edit() -> None:
    assert decide(EIGHT, SEVEN, EIGHT, doubt=Doubtful(EIGHT), drift="ask") == "adopt"
    assert decide(EIGHT, SEVEN, SEVEN, doubt=Doubtful(EIGHT), drift="ask") == "write"
    assert decide(EIGHT, SEVEN, NINE, doubt=Doubtful(EIGHT), drift="ask") == "ask"


@pytest.mark.parametrize("drift", POLICIES)
def test_stop_sends_nothing_whatever_changes(drift: DriftPolicy) -> None:
    stop = Decision("stop", ANN, EIGHT, SEVEN, EIGHT)
    for desired, sent, held, doubt, full in CASES:
        choice = decide(desired, sent, held, doubt=doubt, full=full, drift=drift, decision=stop)
        assert choice in {"keep", "adopt", "leave"}


@pytest.mark.parametrize("cell", [EIGHT, NINE])
def test_an_undecided_cell_holds_up_no_other(cell: Cell) -> None:
    shown = live(listed(), scores={"r1": {ANN: SEVEN, BEN: SEVEN}})
    asks = rulebook(policy=Policy(drift="ask"))
    known = ledger(entry({ANN: EIGHT, BEN: SEVEN}))
    item = only(plan_of(gradebook({ANN: cell, BEN: NINE}), known, shown, rules=asks))
    assert [(row.student, row.value) for row in item.writes] == [(BEN, NINE)]
    outcome = outcome_of(item)
    assert (outcome.student, outcome.reason, outcome.detail) == (
        ANN,
        Reason.DRIFT_UNDECIDED,
        "PowerSchool has 7",
    )
    assert (outcome.stands, outcome.left_out, outcome.held) == (True, cell, SEVEN)
