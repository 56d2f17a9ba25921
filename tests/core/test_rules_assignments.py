"""Test the rules that decide which assignments sync, and as what."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gradesync.core.fit import Pairing
from gradesync.core.gradebook import CATEGORIES, PERIODS, Assignment
from gradesync.core.plan import Action
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook, judge_assignments
from gradesync.core.sis import Policy, Ref
from harness.gradebooks import (
    BOOK,
    CAPABILITIES,
    DUE,
    FIRST,
    LAST,
    QUIZZES,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
    quiz,
    rulebook,
    spec,
)

LONG = "Reading log: chapters eleven to fourteen, with notes"


def judge(assignment: Assignment, rules: Rulebook = BOOK, **fields: Any) -> tuple[Action, Reason | None]:
    item = only(plan_of(gradebook(assignments=[assignment], **fields), rules=rules))
    return item.action, item.reason


def test_R1_an_assignment_sends_name_points_due_date_category() -> None:
    item = only(plan_of(gradebook(assignments=[quiz(title=" Quiz ", max_points=Decimal("12.50"))])))
    assert item.action is Action.CREATE
    assert item.spec == spec("Quiz", points=Decimal("12.5"))
    assert item.spec
    assert item.spec.category == QUIZZES
    assert item.warnings == ()


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"title": "Quiz A"}, {"name": "Quiz A"}),
        ({"max_points": Decimal(20)}, {"points": Decimal(20)}),
        ({"due": date(2026, 3, 9)}, {"due": date(2026, 3, 9)}),
        ({"counts": False}, {"counts": False}),
    ],
)
def test_R1_each_field_is_sent_when_it_changes(fields: dict[str, Any], changed: dict[str, object]) -> None:
    item = only(plan_of(gradebook(assignments=[quiz(**fields)]), ledger(entry())))
    assert item.action is Action.UPDATE
    assert item.before == spec()
    assert item.spec == spec()._replace(**changed)  # type: ignore[arg-type]  # fields by name


def test_R8_a_factor_is_a_warning() -> None:
    item = only(plan_of(gradebook(assignments=[quiz(factor=Decimal("1.5"))])))
    assert (item.action, item.warnings) == (Action.CREATE, (Reason.FACTOR_NOT_SENT,))


def test_R9_an_ungraded_assignment_does_not_sync() -> None:
    assert judge(quiz(category_id=None)) == (Action.SKIP, Reason.UNGRADED)


def test_R10_an_unmapped_category_does_not_sync() -> None:
    assert judge(quiz(category_id="c2")) == (Action.SKIP, Reason.CATEGORY_UNMAPPED)


def test_R12_a_name_of_exactly_the_limit_syncs() -> None:
    title = LONG[:50]
    item = only(plan_of(gradebook(assignments=[quiz(title=title)])))
    assert item.spec == spec(title)


def test_R12_a_name_too_long_does_not_sync() -> None:
    assert judge(quiz(title=LONG)) == (Action.SKIP, Reason.TITLE_TOO_LONG)


def test_R12_a_district_may_shorten_instead() -> None:
    rules = rulebook(policy=Policy(shorten_titles=True))
    item = only(plan_of(gradebook(assignments=[quiz(title=LONG)]), rules=rules))
    assert item.spec == spec("Reading log: chapters eleven to fourteen, with not")
    assert item.warnings == (Reason.TITLE_SHORTENED,)


def test_R12_no_space_is_left_where_a_name_is_cut() -> None:
    rules = rulebook(policy=Policy(shorten_titles=True), capabilities=replace(CAPABILITIES, name_max=13))
    item = only(plan_of(gradebook(assignments=[quiz(title=LONG)]), rules=rules))
    assert item.spec == spec("Reading log:")


@pytest.mark.parametrize("title", ["", "  ", "\u200b", "\u3164", "A\x00", "A\n2", "A \u202egpj.", "A \ud800"])
def test_R12_a_name_that_cannot_be_shown_fails(title: str) -> None:
    assert judge(quiz(title=title)) == (Action.FAIL, Reason.TITLE_NOT_ACCEPTED)


@pytest.mark.parametrize("title", ["Prüfung 1", "測驗一", "Quiz 🎈👩\u200d🏫", "اختبار أول"])
def test_R12_any_other_script_is_a_name(title: str) -> None:
    assert judge(quiz(title=title)) == (Action.CREATE, None)


@pytest.mark.parametrize(
    ("period_ends", "due"),
    [
        (date(2026, 3, 27), date(2026, 3, 27)),
        (LAST, LAST),
        (LAST + timedelta(days=30), LAST),
    ],
)
def test_R13_a_missing_due_date_is_filled_with_a_warning(period_ends: date, due: date) -> None:
    assignments, periods = [quiz(due=None, period_id="p1")], {"p1": period_ends}
    item = only(plan_of(gradebook(assignments=assignments, periods=periods)))
    assert item.spec == spec(due=due)
    assert item.warnings == (Reason.DUE_DATE_FILLED,)


def test_R13_a_period_that_ends_before_the_term_fails() -> None:
    before = {"p1": FIRST - timedelta(days=1)}
    assert judge(quiz(due=None, period_id="p1"), periods=before) == (
        Action.FAIL,
        Reason.DUE_DATE_OUTSIDE_TERM,
    )


@pytest.mark.parametrize("due", [FIRST - timedelta(days=1), LAST + timedelta(days=1)])
def test_R14_a_due_date_outside_the_term_fails(due: date) -> None:
    assert judge(quiz(due=due)) == (Action.FAIL, Reason.DUE_DATE_OUTSIDE_TERM)


@pytest.mark.parametrize("due", [FIRST, LAST])
def test_R14_the_first_and_last_day_lie_in_the_term(due: date) -> None:
    assert judge(quiz(due=due)) == (Action.CREATE, None)


def test_R17_a_switched_off_assignment_stays_as_it_is_in_the_sis() -> None:
    known = ledger(entry(opted_out=True))
    item = only(plan_of(gradebook(assignments=[quiz(title="Renamed")]), known))
    assert (item.action, item.reason) == (Action.SKIP, Reason.OPTED_OUT)
    assert item.ref == Ref("r1")


@pytest.mark.parametrize("points", ["0.000001", "9999", "33.333333"])
def test_R28_total_points_within_the_limits_sync(points: str) -> None:
    item = only(plan_of(gradebook(assignments=[quiz(max_points=Decimal(points))])))
    assert item.spec == spec(points=Decimal(points))


@pytest.mark.parametrize("points", [None, "0", "-1", "9999.000001", "1e30", "NaN", "Infinity", "0.0000001"])
def test_R28_total_points_beyond_the_limits_fail(points: str | None) -> None:
    limit = None if points is None else Decimal(points)
    assert judge(quiz(max_points=limit)) == (Action.FAIL, Reason.POINTS_NOT_ACCEPTED)


@pytest.mark.parametrize(("points", "fits"), [("20", True), ("20.0", True), ("42.5", False)])
def test_R28_total_points_may_have_to_be_whole(points: str, fits: bool) -> None:
    rules = rulebook(capabilities=replace(CAPABILITIES, whole_points=True))
    item = only(plan_of(gradebook(assignments=[quiz(max_points=Decimal(points))]), rules=rules))
    assert (item.reason is None) is fits


def test_R28_total_points_are_rounded_to_the_decimals_of_the_sis() -> None:
    item = only(plan_of(gradebook(assignments=[quiz(max_points=Decimal("3.3333335"))])))
    assert item.spec == spec(points=Decimal("3.333334"))
    assert item.warnings == (Reason.SCORE_ROUNDED,)


def test_R29_the_second_of_a_name_and_due_date_fails() -> None:
    quizzes = [quiz("20"), quiz("9", " Quiz"), quiz("30", due=DUE + timedelta(days=1))]
    made = plan_of(gradebook(assignments=quizzes))
    assert [(item.id, item.action, item.reason) for item in made.assignments] == [
        ("9", Action.CREATE, None),
        ("20", Action.FAIL, Reason.DUPLICATE_NAME),
        ("30", Action.CREATE, None),
    ]


def test_R29_names_are_compared_as_the_sis_will_hold_them() -> None:
    rules = rulebook(policy=Policy(shorten_titles=True))
    made = plan_of(gradebook(assignments=[quiz("1", LONG + "!"), quiz("2", LONG + "?")]), rules=rules)
    assert [item.reason for item in made.assignments] == [None, Reason.DUPLICATE_NAME]


def test_R29_the_one_that_stands_in_the_sis_wins() -> None:
    made = plan_of(gradebook(assignments=[quiz("1"), quiz("2")]), ledger(entry(assignment_id="2")))
    assert [item.reason for item in made.assignments] == [Reason.DUPLICATE_NAME, None]


def test_R29_the_present_owner_of_a_name_wins_over_a_renamed_one() -> None:
    known = ledger(entry(spec=spec("Old")), entry(assignment_id="2"))
    made = plan_of(gradebook(assignments=[quiz("1"), quiz("2")]), known)
    assert [item.reason for item in made.assignments] == [Reason.DUPLICATE_NAME, None]


def test_R29_an_assignment_that_does_not_sync_takes_no_name() -> None:
    made = plan_of(gradebook(assignments=[quiz("1", category_id=None), quiz("2")]))
    assert [item.action for item in made.assignments] == [Action.SKIP, Action.CREATE]


def test_R31_what_does_not_count_is_sent_as_not_counting() -> None:
    item = only(plan_of(gradebook(assignments=[quiz(counts=False)])))
    assert item.spec == spec(counts=False)


def test_R31_without_a_counts_field_it_is_skipped() -> None:
    rules = rulebook(capabilities=replace(CAPABILITIES, has_counts=False))
    assert judge(quiz(counts=False), rules) == (Action.SKIP, Reason.DOES_NOT_COUNT)
    assert judge(quiz(), rules) == (Action.CREATE, None)


def test_R32_a_collected_only_assignment_does_not_sync() -> None:
    assert judge(quiz(collected_only=True, max_points=None)) == (Action.SKIP, Reason.COLLECTED_ONLY)


def test_R34_an_ambiguous_category_is_not_guessed() -> None:
    for reason in (Reason.CATEGORY_AMBIGUOUS, Reason.CATEGORY_TAKEN):
        assert judge(quiz(), rulebook(pairing=Pairing({}, {}, {"c1": reason}))) == (Action.SKIP, reason)


def test_an_unreadable_assignment_fails_alone() -> None:
    rows = [quiz("1", unreadable="max_points is no number"), quiz("2", "Other")]
    made = plan_of(gradebook(assignments=rows))
    assert [(item.action, item.reason) for item in made.assignments] == [
        (Action.FAIL, Reason.ROW_UNREADABLE),
        (Action.CREATE, None),
    ]


def test_the_first_rule_that_stops_an_assignment_is_its_reason() -> None:
    worst = quiz(
        title=LONG,
        max_points=None,
        due=LAST + timedelta(days=1),
        category_id=None,
        counts=False,
        collected_only=True,
    )
    rules = rulebook(capabilities=replace(CAPABILITIES, has_counts=False))
    reasons = []
    fixes: list[dict[str, object]] = [
        {"category_id": "c9"},
        {"collected_only": False},
        {"counts": True},
        {"category_id": "c1"},
        {"title": "Quiz"},
        {"max_points": Decimal(5)},
        {"due": DUE},
    ]
    for fix in fixes:
        reasons.append(judge(worst, rules)[1])
        worst = worst._replace(**fix)  # type: ignore[arg-type]  # fields by name
    assert reasons == [
        Reason.UNGRADED,
        Reason.COLLECTED_ONLY,
        Reason.DOES_NOT_COUNT,
        Reason.CATEGORY_UNMAPPED,
        Reason.TITLE_TOO_LONG,
        Reason.POINTS_NOT_ACCEPTED,
        Reason.DUE_DATE_OUTSIDE_TERM,
    ]
    assert judge(worst, rules) == (Action.CREATE, None)


def test_what_syncs_is_known_before_the_sis_is_asked() -> None:
    verdicts = judge_assignments(gradebook(assignments=[quiz("1"), quiz("2"), quiz("3", "Other")]), {}, BOOK)
    assert [assignment_id for assignment_id, verdict in verdicts.items() if verdict.spec] == ["1", "3"]


def test_R33_everything_that_is_graded_and_mapped_syncs() -> None:
    made = plan_of(
        gradebook(assignments=[quiz("1", "Midterm"), quiz("2", "Final")]), {}, live(listed("r9", spec("x")))
    )
    assert [item.action for item in made.assignments] == [Action.CREATE, Action.CREATE]


def test_R49_nothing_is_judged_by_a_partial_list() -> None:
    items = [
        quiz("1", "Unlisted", category_id="c9"),
        quiz("2", "Undated", due=None, period_id="p9"),
        quiz("3", "Filled", due=None),
        quiz("4", "Listed"),
    ]
    book = gradebook(assignments=items, columns={}, partial_lists=frozenset({CATEGORIES, PERIODS}))
    planned = {item.id: (item.action, item.reason) for item in plan_of(book).assignments}
    failed = (Action.FAIL, Reason.PARTIAL_READ)
    assert planned == {"1": failed, "2": failed, "3": (Action.CREATE, None), "4": (Action.CREATE, None)}
    whole = plan_of(replace(book, partial_lists=frozenset())).assignments
    reasons = [Reason.CATEGORY_UNMAPPED, Reason.ROW_UNREADABLE, None, None]
    assert [item.reason for item in whole] == reasons
