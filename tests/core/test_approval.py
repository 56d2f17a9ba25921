"""Test the guard that stops accidents, and the fingerprint that approves one plan and no other."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from gradesync.core.gradebook import EXCUSED, MISSING, Cell, Mark, Student
from gradesync.core.ledger import Doubtful, Ledger
from gradesync.core.plan import Danger, Guard, Plan
from gradesync.core.sis import Policy, Ref
from harness.gradebooks import (
    ANN,
    BEN,
    CAM,
    FLAGGED,
    NINE,
    STUDENTS,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    plan_of,
    quiz,
    rulebook,
    spec,
)

CLASS = [str(600 + n) for n in range(60)]
MANY = {uid: Student(uid, f"e{uid}", f"1_{uid}") for uid in CLASS}


def planned(cells: dict[str, Cell], sent: int = 60, policy: Policy | None = None) -> Plan:
    """Plan a class of which `sent` had a nine; `cells` are what changed."""
    known = ledger(entry(dict.fromkeys(CLASS[:sent], NINE)))
    rules = rulebook(policy=policy)
    return plan_of(gradebook(cells, students=MANY), known, rules=rules, students={uid: uid for uid in CLASS})


def first(count: int, cell: Cell) -> dict[str, Cell]:
    return dict.fromkeys(CLASS[:count], cell)


def test_the_guard_weighs_what_a_plan_does_to_what_was_sent() -> None:
    cells: dict[str, Cell] = {
        CLASS[0]: None,
        CLASS[1]: Mark(EXCUSED),
        CLASS[2]: Mark(MISSING),
        CLASS[3]: Decimal(0),
        CLASS[4]: Decimal(8),
        CLASS[5]: NINE,
        CLASS[59]: NINE,
    }
    made = planned(cells, sent=59)
    assert made.guard == Guard(sent=59, cleared=2, zeroed=1, changed=2, known=1)
    assert not made.needs_approval


@pytest.mark.parametrize("cell", [None, Mark(EXCUSED), Mark(MISSING)])
def test_emptying_more_than_the_share_needs_approval(cell: Cell) -> None:
    assert not planned(first(18, cell)).needs_approval
    assert planned(first(19, cell)).needs_approval


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (first(19, None), "Of 60 scores in PowerSchool, 19 would be cleared."),
        (first(19, Mark(MISSING)), "Of 60 scores in PowerSchool, 19 would become zero."),
        (
            first(20, Mark(MISSING)) | first(12, None),
            "Of 60 scores in PowerSchool, 12 would be cleared and 8 would become zero.",
        ),
        (first(18, None), ""),
    ],
)
def test_the_guard_names_the_one_danger_with_its_numbers(cells: dict[str, Cell], sentence: str) -> None:
    assert planned(cells).guard.describe() == sentence


@pytest.mark.parametrize("cell", [Decimal(0), Decimal(1)])
def test_regrading_everybody_needs_no_approval(cell: Cell) -> None:
    made = planned(first(60, cell))
    assert (made.guard.changed, made.needs_approval) == (60, False)


def test_a_small_gradebook_may_be_emptied() -> None:
    assert not planned(first(49, None), sent=49).needs_approval
    assert planned(first(50, None), sent=50).needs_approval


def test_the_district_sets_the_limits() -> None:
    generous = Policy(guard_share=Decimal(1))
    assert not planned(first(60, None), policy=generous).needs_approval
    strict = Policy(guard_share=Decimal(0), guard_scores=1)
    assert planned(first(1, None), policy=strict).needs_approval


def test_a_score_that_is_sent_again_unchanged_weighs_nothing() -> None:
    doubtful = dict.fromkeys(CLASS, Doubtful(NINE))
    known = ledger(entry(dict.fromkeys(CLASS, NINE), doubtful=doubtful))
    made = plan_of(gradebook({}, students=MANY), known, students={uid: uid for uid in CLASS})
    assert made.guard == Guard(sent=60, known=1)
    assert len(made.assignments[0].writes) == 60


def test_a_zero_by_mark_weighs_as_a_zero() -> None:
    marks = rulebook(capabilities=FLAGGED, policy=Policy(exception_flags=True))
    made = plan_of(gradebook({ANN: Mark(MISSING)}), ledger(entry({ANN: NINE})), rules=marks)
    assert made.guard.zeroed == 1


def recreating(gone: int, known: int) -> Plan:
    keys = [str(n) for n in range(1, known + 1)]
    entries = ledger(*(entry(assignment_id=key, spec=spec(f"Quiz {key}")) for key in keys))
    shown = [listed(f"r{key}", spec(f"Quiz {key}")) for key in keys[gone:]]
    book = gradebook(assignments=[quiz(key, f"Quiz {key}") for key in keys], columns={})
    return plan_of(book, entries, live(*shown, gone=[f"r{key}" for key in keys[:gone]]))


def test_R20_recreating_more_than_the_share_needs_approval() -> None:
    assert not recreating(3, 10).needs_approval
    made = recreating(4, 10)
    assert (made.guard.recreated, made.guard.known, made.guard.danger) == (4, 10, Danger.ASSIGNMENTS)
    assert made.guard.describe() == (
        "Of 10 assignments in PowerSchool, 4 are deleted there and would be created again."
    )
    assert not recreating(4, 4).needs_approval
    assert recreating(5, 5).needs_approval


# Fingerprints

CHANGED: dict[str, Cell] = {ANN: NINE, BEN: Decimal(7)}
SENT: Ledger = ledger(entry({ANN: Decimal(8)}))


def fingerprint(cells: Mapping[str, Cell], known: Ledger = SENT, **fields: Any) -> str:
    return plan_of(gradebook(cells, **fields), known).fingerprint


def test_equal_plans_have_equal_fingerprints() -> None:
    alike = {BEN: Decimal("7.000"), ANN: Decimal("9.0")}
    assert fingerprint(CHANGED) == fingerprint(alike)
    known = ledger(entry({ANN: Decimal("8.00")}, ref=Ref("r1", {"id": 4})))
    assert fingerprint(CHANGED) == fingerprint(CHANGED, known)
    assert fingerprint(CHANGED) == fingerprint(CHANGED, students=dict(reversed(STUDENTS.items())))


def test_a_fingerprint_is_the_same_on_every_machine() -> None:
    assert fingerprint(CHANGED) == "ef3604dbd540eb76ad001212d125b4fabb3a84efa590747e02d9e9eecf431108"


def test_a_fingerprint_covers_writes_only() -> None:
    assert fingerprint(CHANGED) == fingerprint(CHANGED | {CAM: None})
    idle = plan_of(gradebook({ANN: Decimal(8)}), SENT)
    assert idle.fingerprint == plan_of(gradebook({}, assignments=[], columns={})).fingerprint


def test_another_write_is_another_fingerprint() -> None:
    moved = ledger(SENT["1"]._replace(ref=Ref("r2")))
    shown = live(listed("r2"))
    fingerprints = {
        fingerprint(CHANGED),
        fingerprint(CHANGED | {BEN: Decimal("7.01")}),
        fingerprint(CHANGED | {BEN: None}),
        fingerprint(CHANGED | {CAM: NINE}),
        fingerprint({ANN: Decimal(7), BEN: NINE}),
        fingerprint(CHANGED, assignments=[quiz(title="Quiz A")]),
        fingerprint(CHANGED, assignments=[quiz(counts=False)]),
        fingerprint(CHANGED, {}),
        plan_of(gradebook(CHANGED), moved, shown).fingerprint,
        plan_of(gradebook(CHANGED), SENT, live(gone=["r1"])).fingerprint,
        plan_of(gradebook(CHANGED), SENT, students={ANN: "81", BEN: "99"}).fingerprint,
    }
    assert len(fingerprints) == 11


def test_a_mark_is_another_write_than_its_points() -> None:
    marks = rulebook(capabilities=FLAGGED, policy=Policy(exception_flags=True))
    cells: dict[str, Cell] = {ANN: Mark(MISSING), BEN: Mark(EXCUSED)}
    plain = plan_of(gradebook(cells), SENT).fingerprint
    assert plain != plan_of(gradebook(cells), SENT, rules=marks).fingerprint
