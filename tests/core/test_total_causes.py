"""Test what the explanation of a total names of single items, and how it rounds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from gradesync.core.gradebook import INCOMPLETE, Mark
from gradesync.core.reasons import Reason
from gradesync.core.totals.causes import Cause, Cell, Change, explain
from gradesync.core.totals.compare import explain_total
from gradesync.core.totals.formula import Formula, Part, compute_total, round_half_up
from gradesync.core.totals.sides import Sides, SisFormula, choose_period
from gradesync.core.totals.wording import Assumption, find_assumptions, show
from harness.gradebooks import gradebook, quiz
from harness.total_pairs import AFTER, FIRST, LAST, UID, Drawn, DrawnItem

TEN = Decimal(10)


def pair_of(*scores: int) -> Drawn:
    """Return a pair of one category with these scores out of ten."""
    items = [
        DrawnItem(str(n), "a", TEN, Decimal(score), Decimal(score), Decimal(score))
        for n, score in enumerate(scores, 1)
    ]
    return Drawn(items, {"a": TEN}, {"a": TEN})


def causes_of(sides: Sides, kind: SisFormula = SisFormula.CATEGORY_WEIGHTS) -> dict[Cause, list[str]]:
    explained = explain_total(sides, UID, kind)
    return {share.cause: [cell.assignment for cell in share.cells] for share in explained.shares}


def test_extra_credit_counts_beside_other_items() -> None:
    extra = Part("2", "a", Fraction(0), Fraction(2))
    quiz_part = Part("1", "a", Fraction(10), Fraction(9))
    formula = Formula({"a": Fraction(1)})
    assert compute_total([quiz_part, extra], formula) == 110
    assert compute_total([extra], formula) is None


def test_incomplete_score_is_named_with_its_rule() -> None:
    pair = pair_of(8, 6)
    pair.items[0].score = Mark(INCOMPLETE)
    (share,) = explain_total(pair.sides(), UID, SisFormula.CATEGORY_WEIGHTS).shares
    assert share.cause is Cause.NOT_SENT
    assert share.cells == (Cell("1", "Item 1", "incomplete", "8", Reason.INCOMPLETE_NOT_SENT),)


@pytest.mark.parametrize(
    ("dropped", "sis_dropped", "cells"),
    [
        (1, 0, [Cell("1", "Item 1", "2, dropped", "2")]),
        (0, 1, [Cell("1", "Item 1", "2", "2, dropped")]),
        (1, 2, [Cell("2", "Item 2", "5", "5, dropped")]),
    ],
)
def test_scores_that_one_side_drops_are_named(dropped: int, sis_dropped: int, cells: list[Cell]) -> None:
    pair = pair_of(2, 5, 9)
    pair.dropped, pair.sis_dropped = {"a": dropped}, {"a": sis_dropped}
    (share,) = explain_total(pair.sides(), UID, SisFormula.CATEGORY_WEIGHTS).shares
    assert (share.cause, list(share.cells)) == (Cause.DROPPED, cells)


def test_categories_of_another_weight_are_named() -> None:
    """Leave out a category that weighs the same, and one of which the student has no items."""
    pair = pair_of(2, 9, 8)
    pair.items[1].category, pair.items[2].category = "b", "c"
    pair.weights = {"a": TEN, "b": Decimal(20), "c": TEN, "d": Decimal(30)}
    pair.sis_weights = {"a": Decimal("12.50"), "b": Decimal(20), "d": TEN}
    (share,) = explain_total(pair.sides(), UID, SisFormula.CATEGORY_WEIGHTS).shares
    weighed = Cell("", "a", "weight 10", "weight 12.5", category="a")
    lacking = Cell("", "c", "weight 10", "weight 0", category="c")
    assert (share.cause, share.cells) == (Cause.WEIGHT, (weighed, lacking))
    (share,) = explain_total(pair.sides(), UID, SisFormula.TOTAL_POINTS).shares
    assert {cell.sis for cell in share.cells} == {"by points"}
    equal = pair.sides()
    equal = replace(equal, gradebook=replace(equal.gradebook, weighted=False))
    (share,) = explain_total(equal, UID, SisFormula.CATEGORY_WEIGHTS).shares
    assert {cell.source for cell in share.cells} == {"equal weight"}


def test_categories_that_count_by_percent_are_named() -> None:
    pair = pair_of(2, 9, 8)
    pair.items[1].points, pair.items[2].category = Decimal(20), "b"
    pair.weights = pair.sis_weights = {"a": TEN, "b": TEN}
    pair.by_percent = {"a"}
    (share,) = explain_total(pair.sides(), UID, SisFormula.CATEGORY_WEIGHTS).shares
    assert share.cells == (Cell("", "a", "by percent", "by points", category="a"),)


@pytest.mark.parametrize(
    ("decimals", "before", "after"),
    [(0, "63.33%", "63%"), (1, "63.333%", "63.3%"), (2, "63.3333%", "63.33%")],
)
def test_categories_that_the_sis_rounds_are_named(decimals: int, before: str, after: str) -> None:
    pair = pair_of(2, 9, 8)
    pair.items.append(DrawnItem("4", "b", TEN, Decimal(5), Decimal(5), Decimal(5)))
    pair.weights = pair.sis_weights = {"a": TEN, "b": TEN}
    pair.decimals = decimals
    (share,) = explain_total(pair.sides(), UID, SisFormula.CATEGORY_WEIGHTS).shares
    assert share.cause is Cause.CATEGORY_ROUNDING
    assert share.cells == (Cell("", "a", before, after, category="a"),)


def test_unread_scores_count_as_sent_and_are_named() -> None:
    pair = pair_of(8, 6)
    pair.items[0].sis_score = Decimal(1)
    sides = pair.sides()
    sides = replace(sides, live=replace(sides.live, scores={}))
    assert causes_of(sides) == {}
    assert Assumption.SIS_SCORES in find_assumptions(sides)


def test_student_unknown_to_the_sis_has_no_worth() -> None:
    sides = replace(pair_of(8, 6).sides(), students={})
    explained = explain_total(sides, UID, SisFormula.TOTAL_POINTS)
    assert (explained.sis, explained.difference) == (None, None)
    assert [(share.cause, share.worth) for share in explained.shares] == [(Cause.NOT_SENT, None)]


def test_item_of_a_later_period_is_named() -> None:
    pair = pair_of(8, 6, 2)
    sides = pair.sides()
    later = sides.gradebook.assignments[2]._replace(period_id="p2")
    book = replace(sides.gradebook, assignments=(*sides.gradebook.assignments[:2], later))
    assert causes_of(replace(sides, gradebook=book)) == {Cause.OTHER_PERIOD: ["3"]}


def test_total_points_weigh_large_categories_more() -> None:
    pair = pair_of(10, 5)
    pair.items[1].category, pair.items[1].points = "b", Decimal(40)
    pair.weights = pair.sis_weights = {"a": TEN, "b": TEN}
    assert list(causes_of(pair.sides(), SisFormula.TOTAL_POINTS)) == [Cause.WEIGHT]
    assert causes_of(pair.sides()) == {}


def test_shown_worths_add_up_to_the_shown_difference() -> None:
    parts = [Part(str(n), "a", Fraction(3), Fraction(2)) for n in range(3)]
    changes = [
        Change(Cause.CHANGED_IN_SIS, "0", "earned", Fraction(1)),
        Change(Cause.UNSYNCED, "1", "earned", Fraction(0)),
        Change(Cause.EXCUSED, "2", "earned", None),
    ]
    shown = show(explain(parts, Formula({"a": Fraction(1)}), changes, {}))
    assert (shown.source, shown.sis) == (Decimal("66.67"), Decimal("16.67"))
    assert sum(worth or 0 for worth in shown.worths) == shown.difference == Decimal("-50.00")


@pytest.mark.parametrize(
    ("number", "rounded"), [("5/2", 3), ("-5/2", -3), ("-12/10", -1), (f"{10**40 - 2}/{2 * 10**40}", 0)]
)
def test_half_is_rounded_away_from_zero(number: str, rounded: int) -> None:
    assert round_half_up(Fraction(number)) == rounded


def test_many_causes_are_explained_over_some_orders() -> None:
    causes = list(Cause)
    parts = [Part(str(n), "a", Fraction(10), Fraction(10)) for n in range(len(causes))]
    changes = [Change(cause, str(n), "earned", Fraction(n)) for n, cause in enumerate(causes)]
    explained = explain(parts, Formula({"a": Fraction(1)}), changes, {})
    # What each takes away is the same beside any others.
    lost = {cause: Fraction(100 * (n - 10), 10 * len(causes)) for n, cause in enumerate(causes) if n != 10}
    assert {share.cause: share.worth for share in explained.shares} == lost
    assert not explained.exact
    few = explain(parts, Formula({"a": Fraction(1)}), changes[:8], {})
    assert {share.cause: share.worth for share in few.shares} == {c: lost[c] for c in causes[:8]}
    assert few.exact


def test_period_that_runs_today_is_chosen() -> None:
    items = [quiz("1", period_id="p1"), quiz("2", period_id="p2")]
    book = gradebook({}, assignments=items, periods={"p1": LAST, "p2": AFTER, "p3": date(2026, 2, 1)})
    assert [choose_period(book, day) for day in (FIRST, AFTER, date(2027, 1, 1))] == ["p1", "p2", "p2"]
    assert choose_period(gradebook({}), FIRST) is None
