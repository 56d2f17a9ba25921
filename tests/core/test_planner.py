"""Test plans as a whole: what is owed, doubtful, edited, selected, and that it all adds up."""

from datetime import timedelta
from decimal import Decimal

import pytest

from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Cell, Mark
from gradesync.core.ledger import Doubtful, Owed, Value
from gradesync.core.plan import Action, ScoreOutcome
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Policy, Ref
from gradesync.core.writes import NO_WRITES
from harness.gradebooks import (
    ANN,
    BEN,
    CAM,
    DUE,
    FIVE,
    FLAGGED,
    KEYS,
    NINE,
    SEVEN,
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
    spec,
    write,
)

UNDONE = Owed(Reason.NOT_ATTEMPTED, NINE)


# Owed


def test_an_owed_score_without_a_row_is_planned_from_the_ledger() -> None:
    item = only(plan_of(gradebook({BEN: SEVEN}, full=False), ledger(entry({BEN: SEVEN}, owed={ANN: UNDONE}))))
    assert [(row.student, row.value, row.owed) for row in item.writes] == [(ANN, NINE, True)]
    assert (item.read, len(item.unchanged)) == (2, 1)


@pytest.mark.parametrize(("cell", "owed"), [(NINE, True), (SEVEN, False), (Mark(MISSING), False)])
def test_an_owed_score_gives_way_to_its_row(cell: Cell, owed: bool) -> None:
    item = only(plan_of(gradebook({ANN: cell}), ledger(entry({ANN: FIVE}, owed={ANN: UNDONE}))))
    assert [row.owed for row in item.writes] == [owed]
    assert item.read == 1


def test_an_owed_score_ends_when_the_sent_value_returns() -> None:
    item = only(plan_of(gradebook({ANN: FIVE}), ledger(entry({ANN: FIVE}, owed={ANN: UNDONE}))))
    assert (item.writes, len(item.unchanged)) == (NO_WRITES, 1)


@pytest.mark.parametrize("may_hold", [False, True])
def test_an_owed_clear_is_sent_without_a_score_in_the_ledger(may_hold: bool) -> None:
    owed = {ANN: Owed(Reason.NOT_ATTEMPTED, None)}
    item = only(plan_of(gradebook({}), ledger(entry(owed=owed, may_hold=may_hold))))
    assert [(row.value, row.owed) for row in item.writes] == [(None, True)]


def test_what_a_deleted_assignment_owes_goes_to_the_new_one() -> None:
    known = ledger(entry({BEN: SEVEN}, owed={ANN: UNDONE}))
    item = only(plan_of(gradebook({BEN: SEVEN}), known, live(gone=["r1"])))
    assert [(row.student, row.value) for row in item.writes] == [(ANN, NINE), (BEN, SEVEN)]


def test_an_owed_score_comes_before_a_doubtful_one() -> None:
    known = ledger(entry(owed={ANN: UNDONE}, doubtful={ANN: Doubtful(FIVE)}))
    item = only(plan_of(gradebook({}), known))
    assert ([row.value for row in item.writes], item.read) == ([NINE], 1)


# Doubtful


def test_an_unreadable_doubtful_score_is_sent_again() -> None:
    known = ledger(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE)}))
    for cells in ({}, {ANN: NINE}):
        item = only(plan_of(gradebook(cells), known))
        assert [(row.value, row.before, row.owed) for row in item.writes] == [(NINE, FIVE, False)]


def test_a_doubtful_score_that_is_there_is_adopted() -> None:
    known = ledger(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE)}))
    item = only(plan_of(gradebook({}), known, live(listed(), scores={"r1": {ANN: NINE}})))
    assert [settled(item)] == [ScoreOutcome(ANN, Result.ADOPTED, before=FIVE, after=NINE)]
    assert item.writes == ()


def test_a_doubtful_score_that_never_came_is_sent_again() -> None:
    known = ledger(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE)}))
    item = only(plan_of(gradebook({}), known, live(listed(), scores={"r1": {ANN: FIVE}})))
    assert [(row.value, row.warnings) for row in item.writes] == [(NINE, ())]


def test_an_edited_doubtful_score_is_restored_with_a_warning() -> None:
    known = ledger(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE)}))
    item = only(plan_of(gradebook({}), known, live(listed(), scores={"r1": {ANN: SEVEN}})))
    assert [(row.value, row.warnings) for row in item.writes] == [(NINE, (Reason.EDITED_IN_SIS,))]


def test_a_doubtful_score_blanked_since_is_cleared_if_it_came() -> None:
    known = ledger(entry(doubtful={ANN: Doubtful(NINE)}))
    came = only(plan_of(gradebook({ANN: None}), known, live(listed(), scores={"r1": {ANN: NINE}})))
    assert [row.value for row in came.writes] == [None]
    lost = only(plan_of(gradebook({ANN: None}), known, live(listed(), scores={"r1": {}})))
    assert [(row.result, row.after) for row in lost.settled] == [(Result.ADOPTED, None)]


def test_a_mark_beside_the_points_is_not_seen_and_so_sent_again() -> None:
    marks = rulebook(capabilities=FLAGGED, policy=Policy(exception_flags=True))
    zero: Value = Mark(MISSING, Decimal(0))
    known = ledger(entry(doubtful={ANN: Doubtful(zero)}))
    shown = live(listed(), scores={"r1": {ANN: Decimal(0)}})
    assert [row.value for row in only(plan_of(gradebook({}), known, shown, rules=marks)).writes] == [zero]


def test_a_mark_comes_off_when_the_district_no_longer_sends_it() -> None:
    known = ledger(entry({ANN: Mark(EXCUSED), BEN: Mark(MISSING, Decimal(0))}))
    item = only(plan_of(gradebook({ANN: Mark(EXCUSED), BEN: Mark(MISSING)}), known))
    assert [(row.student, row.value) for row in item.writes] == [(ANN, None), (BEN, Decimal(0))]


def test_an_adopted_assignments_scores_are_compared_with_the_sis() -> None:
    cells: dict[str, Cell] = {ANN: NINE, BEN: NINE, CAM: None}
    shown = live(listed(), scores={"r1": {ANN: NINE, BEN: SEVEN, CAM: FIVE}})
    item = only(plan_of(gradebook(cells), {}, shown))
    assert [settled(item)] == [ScoreOutcome(ANN, Result.ADOPTED, after=NINE)]
    assert [(row.student, row.value, row.warnings) for row in item.writes] == [(BEN, NINE, ())]
    assert len(item.unchanged) == 1


def test_a_doubt_that_was_set_aside_waits_for_its_row() -> None:
    known = ledger(entry({ANN: FIVE}, doubtful={ANN: Doubtful(NINE, looks=0)}))
    assert only(plan_of(gradebook({}), known)).read == 0
    item = only(plan_of(gradebook({ANN: FIVE}), known))
    assert [row.value for row in item.writes] == [FIVE]


# Total points


def test_a_change_of_total_points_sends_again_what_was_sent() -> None:
    known = ledger(entry({ANN: NINE, BEN: None, CAM: SEVEN}))
    book = gradebook({ANN: NINE, BEN: None}, assignments=[quiz(max_points=Decimal(20))])
    stale = live(listed(), scores={"r1": {ANN: NINE, CAM: SEVEN}})
    for shown in (None, stale):
        item = only(plan_of(book, known, shown))
        assert item.action is Action.UPDATE
        assert [(row.student, row.value) for row in item.writes] == [(ANN, NINE), (CAM, SEVEN)]
        assert len(item.unchanged) == 1


def test_a_full_sync_that_resets_points_resends_scores() -> None:
    known = ledger(entry({ANN: NINE}))
    shown = live(listed(shown=spec(points=Decimal(20))), scores={"r1": {ANN: NINE}})
    item = only(plan_of(gradebook({ANN: NINE}), known, shown, full=True))
    assert (item.action, [row.value for row in item.writes]) == (Action.UPDATE, [NINE])


def test_a_change_of_points_found_in_the_sis_doubts_the_scores() -> None:
    known = ledger(entry({ANN: NINE, BEN: SEVEN}, spec=spec(points=Decimal(20))))
    shown = live(listed(), scores={"r1": {ANN: NINE, BEN: Decimal("3.5")}})
    item = only(plan_of(gradebook({ANN: NINE, BEN: SEVEN}), known, shown))
    assert item.action is Action.ADOPT
    assert settled(item) == ScoreOutcome(ANN, Result.ADOPTED, before=NINE, after=NINE)
    assert [(row.student, row.value) for row in item.writes] == [(BEN, SEVEN)]


def test_an_assignment_known_only_by_its_ref_is_written_whole() -> None:
    known = ledger(entry({ANN: NINE}, spec=None))
    unlisted = live()
    item = only(plan_of(gradebook({ANN: NINE}), known, unlisted))
    assert (item.action, item.before) == (Action.UPDATE, None)
    assert write(item)


# Full syncs


def test_a_full_sync_restores_edited_scores_with_a_warning() -> None:
    known = ledger(entry({ANN: NINE, BEN: SEVEN}))
    shown = live(listed(), scores={"r1": {ANN: FIVE, BEN: SEVEN, CAM: FIVE}})
    book = gradebook({ANN: NINE, BEN: SEVEN, CAM: None})
    item = only(plan_of(book, known, shown, full=True))
    assert [(row.student, row.value, row.warnings) for row in item.writes] == [
        (ANN, NINE, (Reason.EDITED_IN_SIS,))
    ]
    assert len(item.unchanged) == 2
    assert only(plan_of(book, known, shown)).writes == ()


def test_a_full_sync_trusts_the_ledger_of_unreadable_scores() -> None:
    item = only(plan_of(gradebook({ANN: NINE}), ledger(entry({ANN: NINE})), full=True))
    assert (item.writes, len(item.unchanged)) == (NO_WRITES, 1)


# Selections


def test_a_selection_restricts_what_is_planned_and_counted() -> None:
    assignments = [quiz("1"), quiz("2", "Other"), quiz("3", "Third")]
    columns = {key: {ANN: NINE, BEN: SEVEN} for key in ("1", "2", "77", "78")}
    known = ledger(entry(owed={CAM: UNDONE}, doubtful={CAM: Doubtful(NINE), ANN: Doubtful(FIVE)}))
    book = gradebook(
        assignments=assignments, columns=columns, unreadable={("1", CAM): "bad", ("2", CAM): "bad"}
    )
    made = plan_of(book, known, selection={"1": frozenset({ANN}), "3": None, "77": frozenset({BEN})})
    assert [(item.id, item.read) for item in made.assignments] == [("1", 1), ("3", 0)]
    assert [row.student for row in made.assignments[0].writes] == [ANN]
    assert [(item.id, item.read) for item in made.orphans] == [("77", 1)]


def test_the_rules_see_what_a_selection_leaves_out() -> None:
    made = plan_of(gradebook(assignments=[quiz("1"), quiz("2")]), selection={"2": None})
    assert [(item.id, item.reason) for item in made.assignments] == [("2", Reason.DUPLICATE_NAME)]


# The whole


def test_a_partial_read_is_a_warning_and_clears_nothing() -> None:
    book = gradebook({ANN: NINE}, partial=frozenset({"1"}))
    item = only(plan_of(book, ledger(entry({ANN: NINE, BEN: SEVEN}))))
    assert (item.warnings, item.writes, len(item.unchanged)) == ((Reason.PARTIAL_READ,), NO_WRITES, 1)


def test_all_warnings_of_an_assignment_are_listed() -> None:
    book = gradebook(assignments=[quiz(due=None, factor=Decimal(2))], partial=frozenset({"1"}), periods={})
    known = ledger(entry())
    shown = live(listed(shown=spec(due=DUE + timedelta(days=1))))
    assert only(plan_of(book, known, shown)).warnings == (
        Reason.DUE_DATE_FILLED,
        Reason.FACTOR_NOT_SENT,
        Reason.EDITED_IN_SIS,
        Reason.PARTIAL_READ,
    )


def test_every_row_ends_in_exactly_one_outcome() -> None:
    cells: dict[str, Cell] = {ANN: NINE, BEN: Mark(INCOMPLETE), CAM: None, "enrollment:9": NINE}
    known = ledger(
        entry({ANN: FIVE}, owed={"504": UNDONE}, doubtful={"505": Doubtful(NINE), ANN: Doubtful(SEVEN)})
    )
    remembered = {**KEYS, "505": "505"}
    item = only(plan_of(gradebook(cells, unreadable={("1", "506"): "bad"}), known, remembered=remembered))
    named = [row.student for row in item.writes] + [row.student for row in item.settled]
    assert len(named) == len(set(named))
    assert item.read == len(named) + len(item.unchanged) == 7


def test_assignments_and_scores_are_in_the_order_of_their_ids() -> None:
    assignments = [quiz(str(n), f"Quiz {n}") for n in (100, 20, 3)]
    cells: dict[str, Cell] = {CAM: NINE, ANN: NINE, BEN: NINE}
    made = plan_of(gradebook(assignments=assignments, columns={"3": cells}))
    assert [item.id for item in made.assignments] == ["3", "20", "100"]
    assert [row.student for row in made.assignments[0].writes] == [ANN, BEN, CAM]


def test_a_plan_keeps_whether_an_assignment_may_hold_more() -> None:
    assert not only(plan_of(gradebook())).may_hold
    assert only(plan_of(gradebook(), ledger(entry(may_hold=True)))).may_hold
    assert not only(plan_of(gradebook(), ledger(entry(may_hold=True)), live(gone=["r1"]))).may_hold


def test_a_write_names_the_student_as_the_sis_does() -> None:
    item = only(plan_of(gradebook({ANN: NINE})))
    assert [(row.student, row.sis_student) for row in item.writes] == [(ANN, KEYS[ANN])]
    assert item.ref != Ref("r1")
