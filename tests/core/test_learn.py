"""What the ledger learns from a plan before anything is sent."""

from decimal import Decimal
from typing import Any

from gradesync.core.gradebook import EXCUSED, INCOMPLETE, Cell, Mark
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, doubted
from gradesync.core.reasons import Reason
from gradesync.core.update_ledger import learn
from harness.gradebooks import ANN, BEN, CAM, entry, gradebook, ledger, listed, live, only, plan_of

FIVE, SEVEN, NINE = Decimal(5), Decimal(7), Decimal(9)


def learnt(known: LedgerAssignment, cells: dict[str, Cell], **fields: Any) -> LedgerAssignment:
    held = fields.pop("held", None)
    shown = live(listed(), scores={"r1": held}) if held is not None else None
    return learn(known, only(plan_of(gradebook(cells, **fields), ledger(known), shown)))


def test_an_adopted_score_is_as_good_as_sent() -> None:
    known = learnt(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE, 1)}), {}, held={ANN: NINE})
    assert (known.sent, known.doubtful) == ({ANN: NINE}, {})


def test_an_adopted_score_is_looked_at_once_more_and_by_its_new_value() -> None:
    known = learnt(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE, 2)}), {ANN: SEVEN}, held={ANN: SEVEN})
    assert (known.sent, known.doubtful) == ({ANN: SEVEN}, {ANN: Doubtful(SEVEN, 1)})


def test_a_doubt_is_set_aside_while_its_score_does_not_go() -> None:
    known = learnt(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE)}), {ANN: Mark(INCOMPLETE)})
    assert (known.sent, known.doubtful) == ({ANN: FIVE}, {ANN: Doubtful(NINE, 0)})


def test_what_is_still_to_be_sent_stays_as_it_was() -> None:
    before = entry(owed={ANN: Owed(Reason.NOT_ATTEMPTED, NINE)}, doubtful={BEN: Doubtful(NINE)})
    assert learnt(before, {}) == before


def test_what_fails_by_rule_is_owed_and_what_does_not_is_owed_no_more() -> None:
    owed = {BEN: Owed(Reason.NOT_ATTEMPTED, NINE), CAM: Owed(Reason.NOT_ATTEMPTED, NINE)}
    cells: dict[str, Cell] = {ANN: Decimal(-1), BEN: Mark(INCOMPLETE), CAM: FIVE}
    known = learnt(entry({CAM: FIVE}, owed=owed), cells)
    assert known.owed == {ANN: Owed(Reason.SCORE_NOT_ACCEPTED, Decimal(-1))}


def test_an_unreadable_row_holds_nothing_to_owe() -> None:
    assert learnt(entry(), {}, unreadable={("1", ANN): "bad"}).owed == {}


def test_what_a_selection_did_not_see_stays_as_it_was() -> None:
    before = entry(owed={ANN: Owed(Reason.NOT_ATTEMPTED, NINE)}, doubtful={BEN: Doubtful(NINE)})
    students = frozenset({CAM})
    item = only(plan_of(gradebook({CAM: None}), ledger(before), selection={"1": students}))
    assert learn(before, item, students) == before


def test_a_ledger_that_may_be_older_than_the_sis_is_looked_at_before_it_is_believed() -> None:
    known = doubted(entry({ANN: FIVE, BEN: SEVEN}, doubtful={BEN: Doubtful(NINE)}))
    shown = live(listed(), scores={"r1": {ANN: FIVE, BEN: SEVEN}})
    item = only(plan_of(gradebook({ANN: FIVE, BEN: NINE}), ledger(known), shown))
    assert [(score.student, score.result) for score in item.settled] == [(ANN, "adopted")]
    assert [(row.student, row.value) for row in item.writes] == [(BEN, NINE)]


def test_a_ledger_in_doubt_clears_what_the_teacher_excused_since() -> None:
    assert doubted(entry()).may_hold
    assert not doubted(LedgerAssignment("1")).may_hold
    item = only(plan_of(gradebook({ANN: Mark(EXCUSED)}), ledger(doubted(entry()))))
    assert [row.value for row in item.writes] == [None]
