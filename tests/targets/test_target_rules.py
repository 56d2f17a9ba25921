"""Prove the rules on every SIS: one class has a case of each, and every transition of a score.

What a server demands decides alone where they differ: its limits, its categories, whether it clears scores.
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from gradesync_sandbox.schoology.model import ARCHIVED, Item, Mark
from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import Kind, open_kind

Outcome = tuple[str, str | None]
Cells = dict[tuple[int, int | None], Outcome]
CREATED: Outcome = ("created", None)
UNHEARD_OF = 7
# Score -> what the SIS shows of it, without marks.
STATES = {"points": "8", "missing": "0", "blank": None, "excused": None, "incomplete": None, "never": None}
AFTER = ("points", "missing", "blank", "excused", "incomplete")
MOVES = list(product(STATES, AFTER))


@dataclass(frozen=True)
class Case:
    """Hold an assignment, its outcome and its warnings. `rules` are those that it is a case of."""

    rules: str
    outcome: Outcome = CREATED
    points: Decimal | int = 10
    warnings: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


def put(harness: DistrictHarness, item: Item, uid: int, state: str, points: int = 8) -> None:
    """Give a student's score a state; `never` is one that nobody touched."""
    marks = {"missing": Mark.MISSING, "excused": Mark.EXCUSED, "incomplete": Mark.INCOMPLETE}
    if state in marks:
        harness.mark(item, uid, marks[state])
    elif state == "points":
        harness.grade(item, uid, points)
    elif state == "blank":
        harness.clear(item, uid)


def list_cases(harness: DistrictHarness, kind: Kind) -> list[Case]:
    """Return a case of each rule about assignments, as this SIS must take it."""
    school, section, term = harness.world.schoology, harness.room.section.id, harness.room.term
    nowhere = school.add_category(section, "Nowhere else").id
    twice, _ = (school.add_category(section, title).id for title in ("Labs", " LABS "))
    harness.world.powerschool.add_category(harness.room.sis_teacher, "Labs")
    limit = kind.title_limit
    last = datetime.combine(term.lastday, time(23, 59, 59))
    not_taken: Outcome = ("failed", "points-not-accepted")
    unmapped, ambiguous = ("skipped", "category-unmapped"), ("skipped", "category-ambiguous")
    return [
        Case("R8 factor", warnings=("factor-not-sent",), fields={"factor": Decimal(2)}),
        Case("R9 ungraded", ("skipped", "ungraded"), fields={"category": 0}),
        Case("R10 unmapped", unmapped if kind.has_categories else CREATED, fields={"category": nowhere}),
        Case("R12 " + "x" * (limit - 4)),
        Case("R12 " + "y" * (limit - 3), ("skipped", "title-too-long")),
        Case("R12 \ttab", ("failed", "title-not-accepted")),
        Case("R13 none", warnings=("due-date-filled",), fields={"due": None}),
        Case("R13 last second", fields={"due": last}),
        Case("R14 after", ("failed", "due-date-outside-term"), fields={"due": last + timedelta(days=1)}),
        Case("R15 unpublished", fields={"published": False}),
        Case("R17 off", ("skipped", "opted-out")),
        Case("R25 discussion", fields={"type": "discussion"}),
        Case("R28 nothing", not_taken, 0),
        Case("R28 half", not_taken if kind.whole_points else CREATED, Decimal("9.5")),
        Case("R28 too many", not_taken, 10_000),
        Case("R29 twin"),
        Case("R29 twin", ("failed", "duplicate-name")),
        Case(
            "R31 no count",
            ("skipped", "does-not-count") if kind.demands else CREATED,
            fields={"count_in_grade": False},
        ),
        Case("R32 collected", ("skipped", "collected-only"), fields={"collected_only": True}),
        Case("R33 final", fields={"is_final": True}),
        Case("R34 labs", ambiguous if kind.has_categories else CREATED, fields={"category": twice}),
    ]


async def send_cases(harness: DistrictHarness, kind: Kind) -> dict[str, Item]:
    """Sync a class with every case, and expect the outcome of each; return the assignments by rule."""
    uid, cases = harness.students[0], list_cases(harness, kind)
    made = [harness.add(case.rules, case.points, **case.fields) for case in cases]
    for item in made:
        harness.grade(item, uid, 7)
    items = dict(zip((case.rules for case in cases), made, strict=True))
    await harness.opt_out(items["R17 off"])
    done = await harness.sync()
    assert await find_false_claims(harness, done) == []
    cells, warnings = await harness.outcomes_by_cell(done), await harness.warnings(done)
    scores = {"created": ("written", None), "skipped": ("skipped", "assignment-skipped")}
    for case, item in zip(cases, made, strict=True):
        found = cells[item.id, None], tuple(warnings.get((item.id, None), ()))
        assert found == (case.outcome, case.warnings), case.rules
        assert cells[item.id, uid] == scores.get(case.outcome[0], ("failed", "assignment-failed"))
    return items


async def expect_students(harness: DistrictHarness, item: Item) -> None:
    """Sync once more, and expect who is not sent (R27, R35)."""
    gone, _, by_hand, odd = harness.students[-4:]
    for uid in (gone, by_hand, odd):
        harness.grade(item, uid, 6)
    cells = await harness.outcomes_by_cell(await harness.sync())
    assert cells[item.id, gone] == ("failed", "student-not-in-sis-section")
    assert cells[item.id, by_hand] == ("skipped", "student-not-from-sis")
    assert cells[item.id, odd] == ("failed", "student-unmatched")


async def send_changes(harness: DistrictHarness, items: dict[str, Item]) -> Cells:
    """Change, delete and recreate; sync, expect what the rules demand of it, and return the outcomes."""
    school, section = harness.world.schoology, harness.room.section.id
    first, (ann, ben, cam, *_), left = harness.items[0], harness.students, harness.students[-3]
    harness.grade(first, left, 2)
    school.drop_student(section, left, ARCHIVED)
    harness.mark(first, ben, UNHEARD_OF)
    harness.mark(first, cam, UNHEARD_OF, 3)
    harness.delete_in_sis(items["R15 unpublished"])
    harness.edit(items["R33 final"], title="R33 renamed", due=first.due, max_points=Decimal(40))
    school.delete_assignment(section, items["R25 discussion"].id)
    await harness.opt_out(items["R17 off"], opted_out=False)
    done = await harness.sync()
    assert await find_false_claims(harness, done) == []
    cells = await harness.outcomes_by_cell(done)
    assert cells[items["R15 unpublished"].id, None] == ("recreated", None)
    assert cells[items["R15 unpublished"].id, ann] == ("written", None)
    assert cells[items["R33 final"].id, None] == ("updated", None)
    assert cells[items["R17 off"].id, None] == CREATED
    assert cells[first.id, left] == ("skipped", "student-not-enrolled")
    assert cells[first.id, ben] == ("skipped", "unknown-exception")
    assert cells[first.id, cam] == ("written", None)
    assert "R25 discussion" in harness.table()
    return cells


def expect_move(before: str, after: str, kind: Kind, *, marks: bool) -> Outcome | None:
    """Return the outcome that the rules demand of a score that changed; None where there is none."""
    marked = {"excused"} if marks else set()
    holds = {"points", "missing"} | marked
    cleared: Outcome = ("cleared", None) if kind.clears else ("skipped", "cannot-clear")
    if after == "incomplete":
        return ("skipped", "incomplete-not-sent")
    if before == after:
        return None
    if after in marked or (after == "excused" and kind.excuses and before in holds):
        return ("cleared", None)
    if after in {"blank", "excused"}:
        return cleared if before in holds else None
    return ("written", None)


async def test_every_rule_holds_on_every_sis(environment: Environment, kind: Kind) -> None:
    # With marks where a result needs a number; test_target_syncs.py has some of the others' with marks too.
    marks = kind.demands is not None and kind.demands.old
    async with open_kind(environment, kind, build(7, 1, len(MOVES) + 4, 1, ideal=True)) as harness:
        await harness.change_policy(exception_flags=marks)
        gone, _, by_hand, odd = harness.students[-4:]
        moved = harness.add("Moves")
        for uid, (before, _) in zip(harness.students, MOVES, strict=False):
            put(harness, moved, uid, before)
        harness.world.powerschool.drop(harness.room.students[gone], harness.room.sis)
        harness.world.schoology.set_school_uid(by_hand, "")
        harness.world.schoology.set_school_uid(odd, "guest-17")
        items = await send_cases(harness, kind)
        await expect_students(harness, harness.items[0])
        for uid, (before, after) in zip(harness.students, MOVES, strict=False):
            if before != after:
                put(harness, moved, uid, after)
        cells = await send_changes(harness, items)
        for uid, (before, after) in zip(harness.students, MOVES, strict=False):
            outcome = expect_move(before, after, kind, marks=marks)
            assert (before, after, cells.get((moved.id, uid))) == (before, after, outcome)
            if outcome in {("written", None), ("cleared", None)}:
                assert (before, after, harness.sis_text(moved, uid)) == (before, after, STATES[after])
        harness.forget_calls()
        harness.world.schoology.restore_assignment(harness.room.section.id, items["R25 discussion"].id)
        for mode in (None, "full"):
            await harness.sync(mode=mode)
        assert harness.writes == []
