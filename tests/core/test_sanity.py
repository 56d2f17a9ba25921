"""Test the advice before sending: what it finds, what it names, and that ordinary classes are left alone."""

from decimal import Decimal

import pytest

from gradesync.core.catalog import CATALOG
from gradesync.core.gradebook import Cell, Student
from gradesync.core.plan import AssignmentPlan
from gradesync.core.reasons import Reason
from gradesync.core.sanity import CLASS
from harness.gradebooks import entry, gradebook, ledger, only, plan_of, quiz, rulebook, spec
from harness.sanity_books import ADVICE, find_advice

UIDS = [str(510 + n) for n in range(CLASS)]
CLASS_STUDENTS = {uid: Student(uid, f"e{uid}", f"1_{uid}") for uid in UIDS}
NONE_ABOVE = "None of the 8 scores is above 1"
KEYS = {uid: uid for uid in UIDS}


def plan_column(*points: str) -> AssignmentPlan:
    cells: dict[str, Cell] = {uid: Decimal(points[n % len(points)]) for n, uid in enumerate(CLASS_STUDENTS)}
    return only(plan_of(gradebook(cells, students=CLASS_STUDENTS), students=KEYS))


@pytest.mark.parametrize(
    ("points", "reason", "sentence"),
    [
        (["0"], Reason.ALL_ZERO, "All 8 scores of this assignment are zero."),
        (["7"], Reason.ALL_EQUAL, "All 8 scores of this assignment are 7 of 10 points."),
        (["85", "90"], Reason.ALL_ABOVE_TOTAL, "All 8 scores are above the 10 total points."),
        (
            ["0.9", "1"],
            Reason.ALL_AT_MOST_ONE,
            f"{NONE_ABOVE}, and the assignment has 10 points.",
        ),
    ],
)
def test_advice_names_its_facts(points: list[str], reason: Reason, sentence: str) -> None:
    item = plan_column(*points)
    assert item.warnings == (reason,)
    assert CATALOG[reason].describe(item.facts) == sentence
    assert len(item.writes) == CLASS  # nothing is held back


def test_full_marks_for_all_are_ordinary() -> None:
    assert plan_column("10").warnings == ()


def test_unchanged_columns_are_not_looked_at() -> None:
    zeros = dict.fromkeys(UIDS, Decimal(0))
    known = ledger(entry(zeros))
    book = gradebook({**zeros}, students=CLASS_STUDENTS)
    assert only(plan_of(book, known, students=KEYS)).warnings == ()


def test_bound_of_the_class_average_is_the_districts() -> None:
    names = {str(n): f"Quiz {n}" for n in range(1, 5)}
    sent = dict.fromkeys(UIDS, Decimal(9))
    known = ledger(*(entry({**sent}, n, spec=spec(name)) for n, name in names.items() if n != "4"))
    low = {uid: Decimal(1 + n % 2) for n, uid in enumerate(UIDS)}
    columns = {**dict.fromkeys("123", sent), "4": low}
    items = [quiz(n, name) for n, name in names.items()]
    book = gradebook(assignments=items, columns=columns, students=CLASS_STUDENTS)
    rules = rulebook()
    made = [
        plan_of(book, known, students=KEYS, rules=rulebook(policy=type(rules.policy)(mean_shift=bound)))
        for bound in (Decimal(20), Decimal(15))
    ]
    assert [plan.assignments[3].warnings for plan in made] == [(), (Reason.MEAN_MOVED,)]
    assert made[0].fingerprint == made[1].fingerprint


def test_ordinary_classes_raise_few_alarms() -> None:
    alarms = [seed for seed in range(200) if find_advice(seed, None)]
    assert len(alarms) < 2, alarms


@pytest.mark.parametrize("mistake", ADVICE)
def test_planted_mistakes_are_found(mistake: Reason) -> None:
    found = sum(mistake in find_advice(seed, mistake) for seed in range(30))
    assert found >= 27
