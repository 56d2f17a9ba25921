"""Build small gradebooks, ledgers and SIS lists that a test can show at a glance."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from gradesync.core.assignments import Binding, bind
from gradesync.core.fit import Pairing, pair
from gradesync.core.gradebook import Assignment, Category, Cell, Gradebook, Student
from gradesync.core.ledger import Doubtful, Ledger, LedgerAssignment, Value
from gradesync.core.plan import Action, AssignmentPlan, Plan, ScoreOutcome, Selection
from gradesync.core.planner import plan
from gradesync.core.rules import Rulebook, judge_assignments
from gradesync.core.sis import (
    Capabilities,
    LiveAssignment,
    LiveGradebook,
    Policy,
    Ref,
    SisCategory,
    SisSection,
    Spec,
)
from gradesync.core.writes import ScoreWrite

T = TypeVar("T")

DUE = date(2026, 3, 2)
FIRST, LAST = date(2026, 1, 5), date(2026, 6, 12)
SECTION = SisSection(Ref("s1"), FIRST, LAST)
QUIZZES = Ref("k1")
CATEGORIES = (Category("c1", "Quizzes"),)
PAIRING = pair(CATEGORIES, [SisCategory(QUIZZES, "Quizzes")], {}, many_to_one=False)
CAPABILITIES = Capabilities(
    name_max=50,
    points_max=Decimal(9999),
    score_decimals=6,
    score_max=Decimal(999_999_999),
    has_counts=True,
    exception_flags=frozenset(),
    rows_per_write=500,
    reads_scores=True,
)
FLAGGED = replace(CAPABILITIES, exception_flags=frozenset({1, 3}))

FIVE, SIX, SEVEN, EIGHT, NINE = map(Decimal, range(5, 10))
ANN, BEN, CAM = "501", "502", "503"
STUDENTS = {uid: Student(uid, f"e{uid}", f"1_{uid}") for uid in (ANN, BEN, CAM)}
KEYS = {ANN: "81", BEN: "82", CAM: "83"}


def rulebook(
    *,
    policy: Policy | None = None,
    capabilities: Capabilities = CAPABILITIES,
    pairing: Pairing = PAIRING,
) -> Rulebook:
    return Rulebook(SECTION, pairing, capabilities, policy or Policy())


BOOK = rulebook()


def quiz(assignment_id: str = "1", title: str = "Quiz", **fields: object) -> Assignment:
    known: dict[str, object] = {"max_points": Decimal(10), "due": DUE, "category_id": "c1"}
    return Assignment(assignment_id, title, **(known | fields))  # type: ignore[arg-type]  # fields by name


def spec(name: str = "Quiz", **fields: object) -> Spec:
    known: dict[str, object] = {"points": Decimal(10), "due": DUE, "category": QUIZZES}
    return Spec(name, **(known | fields))  # type: ignore[arg-type]  # fields by name


def gradebook(
    cells: Mapping[str, Cell] | None = None,
    *,
    assignments: Iterable[Assignment] | None = None,
    columns: Mapping[str, Mapping[str, Cell]] | None = None,
    students: Mapping[str, Student] | None = None,
    **fields: object,
) -> Gradebook:
    """Build a gradebook of one quiz with some `cells`, or of several `assignments` with their `columns`."""
    known: dict[str, object] = {
        "section_id": "7900000001",
        "section_code": "85001",
        "from_sis": True,
        "students": STUDENTS if students is None else students,
        "course_admins": frozenset(),
        "categories": CATEGORIES,
        "periods": {},
        "assignments": (quiz(),) if assignments is None else tuple(assignments),
        "cells": {"1": cells or {}} if columns is None else columns,
        "full": True,
    }
    return Gradebook(**(known | fields))  # type: ignore[arg-type]  # fields by name


def entry(
    sent: Mapping[str, Value] | None = None,
    assignment_id: str = "1",
    *,
    doubtful: Mapping[str, Doubtful] | None = None,
    **fields: object,
) -> LedgerAssignment:
    """Build the ledger's entry of a synced assignment; `sent` and `doubtful` by uid."""
    known: dict[str, object] = {"ref": Ref(f"r{assignment_id}"), "spec": spec()}
    return LedgerAssignment(
        assignment_id,
        sent=by_key(sent or {}),
        doubtful=by_key(doubtful or {}),
        **(known | fields),  # type: ignore[arg-type]  # fields by name
    )


def by_key(by_uid: Mapping[str, T]) -> dict[str, T]:
    """Return a map by SIS student key for one by uid."""
    return {KEYS.get(uid, uid): value for uid, value in by_uid.items()}


def ledger(*entries: LedgerAssignment) -> Ledger:
    return {item.id: item for item in entries}


def listed(
    key: str = "r1", shown: Spec | None = None, *, ours: bool = True, **fields: bool
) -> LiveAssignment:
    shown = shown or spec()
    return LiveAssignment(Ref(key), shown.name, shown.due, shown, ours, **fields)


def live(
    *items: LiveAssignment,
    scores: Mapping[str, Mapping[str, Decimal | None]] | None = None,
    gone: Iterable[str] = (),
) -> LiveGradebook:
    """Build the SIS's list; `scores` by ref key and uid."""
    held = {ref: by_key(column) for ref, column in (scores or {}).items()}
    return LiveGradebook(items, frozenset(gone), held)


def plan_of(
    book: Gradebook,
    known: Ledger | None = None,
    shown: LiveGradebook | None = None,
    *,
    rules: Rulebook = BOOK,
    students: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
    selection: Selection | None = None,
    full: bool = False,
) -> Plan:
    """Plan with what a test leaves out filled in: the SIS lists what the ledger knows, as it was sent."""
    known = known or {}
    if shown is None:
        items = [
            LiveAssignment(item.ref, item.spec.name, item.spec.due, item.spec, ours=True)
            for item in known.values()
            if item.ref and item.spec
        ]
        shown = LiveGradebook(tuple(items))
    keys = KEYS if students is None else students
    return plan(
        book,
        known,
        shown,
        rules,
        keys,
        remembered=keys if remembered is None else remembered,
        selection=selection,
        full=full,
    )


def specs_of(book: Gradebook, known: Ledger, rules: Rulebook = BOOK) -> dict[str, Spec]:
    """Return what the rules let stand of each assignment that may be sent."""
    verdicts = judge_assignments(book, known, rules)
    return {assignment_id: verdict.spec for assignment_id, verdict in verdicts.items() if verdict.spec}


def bound(assignments: list[Assignment], known: Ledger, shown: LiveGradebook) -> dict[str, Binding]:
    """Bind assignments by the plain rulebook."""
    verdicts = judge_assignments(gradebook(assignments=assignments), known, BOOK)
    return bind(verdicts, known, shown, Policy())


def only(made: Plan) -> AssignmentPlan:
    """Return the one assignment of a plan."""
    (item,) = made.assignments
    return item


def renamed(assignment_id: str, before: str | None, after: str) -> AssignmentPlan:
    """Return an assignment that is renamed, or created where there is no name before."""
    return AssignmentPlan(
        id=assignment_id,
        title=after,
        action=Action.CREATE if before is None else Action.UPDATE,
        spec=spec(after),
        before=None if before is None else spec(before),
        ref=None if before is None else Ref(f"r{assignment_id}"),
    )


def count_scores(item: AssignmentPlan) -> tuple[int, int, int]:
    """Return how many scores are written, settled without a write, and unchanged."""
    return len(item.writes), len(item.settled), len(item.unchanged)


def write(item: AssignmentPlan, uid: str = ANN) -> ScoreWrite | None:
    return next((row for row in item.writes if row.student == uid), None)


def settled(item: AssignmentPlan, uid: str = ANN) -> ScoreOutcome | None:
    """Return the outcome of a student's score, without the student's SIS key."""
    return next((row._replace(sis_student="") for row in item.settled if row.student == uid), None)


def outcome_of(item: AssignmentPlan, uid: str = ANN) -> ScoreOutcome:
    """Return the outcome of a student's score, which is settled."""
    found = settled(item, uid)
    assert found is not None
    return found
