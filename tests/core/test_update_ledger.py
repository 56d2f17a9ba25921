"""Test how a plan updates the ledger before anything is sent."""

from decimal import Decimal
from typing import Any

from gradesync.core.gradebook import EXCUSED, INCOMPLETE, Cell, Mark
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, mark_doubtful
from gradesync.core.planner import update_ledger
from gradesync.core.reasons import Reason
from harness.gradebooks import (
    ANN,
    BEN,
    CAM,
    FIVE,
    NINE,
    SEVEN,
    by_key,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
)


def updated(known: LedgerAssignment, cells: dict[str, Cell], **fields: Any) -> LedgerAssignment:
    scores = fields.pop("scores", None)
    shown = live(listed(), scores={"r1": scores}) if scores is not None else None
    return update_ledger(known, only(plan_of(gradebook(cells, **fields), ledger(known), shown)))


def test_an_adopted_score_is_as_good_as_sent() -> None:
    known = updated(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE, 1)}), {}, scores={ANN: NINE})
    assert (known.sent, known.doubtful) == (by_key({ANN: NINE}), {})


def test_an_adopted_score_is_checked_once_more_by_its_new_value() -> None:
    known = updated(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE, 2)}), {ANN: SEVEN}, scores={ANN: SEVEN})
    assert (known.sent, known.doubtful) == (by_key({ANN: SEVEN}), by_key({ANN: Doubtful(SEVEN, 1)}))


def test_a_doubt_is_set_aside_while_its_score_does_not_go() -> None:
    known = updated(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE)}), {ANN: Mark(INCOMPLETE)})
    assert (known.sent, known.doubtful) == (by_key({ANN: FIVE}), by_key({ANN: Doubtful(NINE, 0)}))


def test_what_is_still_to_be_sent_stays_as_it_was() -> None:
    before = entry(owed={ANN: Owed(Reason.NOT_ATTEMPTED, NINE)}, doubtful={BEN: Doubtful(NINE)})
    assert updated(before, {}) == before


def test_only_what_fails_by_rule_is_owed_afterwards() -> None:
    owed = {BEN: Owed(Reason.NOT_ATTEMPTED, NINE), CAM: Owed(Reason.NOT_ATTEMPTED, NINE)}
    cells: dict[str, Cell] = {ANN: Decimal(-1), BEN: Mark(INCOMPLETE), CAM: FIVE}
    known = updated(entry({CAM: FIVE}, owed=owed), cells)
    assert known.owed == {ANN: Owed(Reason.SCORE_NOT_ACCEPTED, Decimal(-1))}


def test_an_unreadable_row_holds_nothing_to_owe() -> None:
    assert updated(entry(), {}, unreadable={("1", ANN): "bad"}).owed == {}


def test_what_a_selection_did_not_see_stays_as_it_was() -> None:
    before = entry(owed={ANN: Owed(Reason.NOT_ATTEMPTED, NINE)}, doubtful={BEN: Doubtful(NINE)})
    students = frozenset({CAM})
    item = only(plan_of(gradebook({CAM: None}), ledger(before), selection={"1": students}))
    assert update_ledger(before, item, students) == before


def test_a_doubtful_ledger_is_compared_with_the_sis_first() -> None:
    known = mark_doubtful(entry({ANN: FIVE, BEN: SEVEN}, doubtful={BEN: Doubtful(NINE)}))
    shown = live(listed(), scores={"r1": {ANN: FIVE, BEN: SEVEN}})
    item = only(plan_of(gradebook({ANN: FIVE, BEN: NINE}), ledger(known), shown))
    assert [(score.student, score.result) for score in item.settled] == [(ANN, "adopted")]
    assert [(row.student, row.value) for row in item.writes] == [(BEN, NINE)]


def test_a_ledger_in_doubt_clears_what_the_teacher_excused_since() -> None:
    assert mark_doubtful(entry()).may_hold
    assert not mark_doubtful(LedgerAssignment("1")).may_hold
    item = only(plan_of(gradebook({ANN: Mark(EXCUSED)}), ledger(mark_doubtful(entry()))))
    assert [row.value for row in item.writes] == [None]
