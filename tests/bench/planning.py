"""Measure planning: scores planned per second on one core, core types in, plan out."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from time import process_time

from bench.measure import Measure, ratio
from gradesync.core.fit import pair
from gradesync.core.gradebook import Assignment, Category, Gradebook, Mark, Score, Student
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.planner import plan
from gradesync.core.rules import Rulebook, judge_assignments
from gradesync.core.sis import (
    LiveAssignment,
    LiveGradebook,
    Policy,
    Ref,
    SisCategory,
    SisSection,
)
from gradesync.settings import Settings
from harness.gradebooks import CAPABILITIES, DUE

CASES = (("unchanged", 0, False), ("unchanged, read back", 0, True), ("changed", 1, False))
"""List cases: name, how much lower every sent number was, and whether the SIS's scores were read."""


class Section:
    """Build a section's gradebook, ledger and SIS list: `assignments` x `students`, all sent once.

    One score in ten is blank, one in fifty excused, one in fifty missing; every number is an object of its
    own, as it is when it was just decoded.
    """

    def __init__(self, assignments: int, students: int) -> None:
        self.uids = [str(5_790_000 + n) for n in range(students)]
        self.keys = {uid: str(n) for n, uid in enumerate(self.uids)}
        self.assignments = tuple(
            Assignment(str(n), f"Quiz {n}", Decimal(20), DUE, "c1") for n in range(1, assignments + 1)
        )
        category = SisCategory(Ref("k1"), "Quizzes")
        categories = (Category("c1", "Quizzes"),)
        self.book = Rulebook(
            SisSection(Ref("s1"), date(2026, 1, 5), date(2026, 6, 12)),
            pair(categories, [category], {}, many_to_one=False),
            CAPABILITIES,
            Policy(guard_scores=10**9),
        )
        self.gradebook = Gradebook(
            section_id="7900000001",
            section_code="85001",
            from_sis=True,
            students={uid: Student(uid, f"e{uid}", f"1_{uid}") for uid in self.uids},
            course_admins=frozenset(),
            categories=categories,
            periods={},
            assignments=self.assignments,
            cells={a.id: self.column(int(a.id), 0) for a in self.assignments},
            full=True,
        )
        verdicts = judge_assignments(self.gradebook, {}, self.book)
        self.specs = {assignment_id: verdict.spec for assignment_id, verdict in verdicts.items()}

    def column(self, assignment: int, shift: int) -> dict[str, Score]:
        return {uid: _cell(assignment * 7 + n, shift) for n, uid in enumerate(self.uids)}

    def ledger(self, shift: int) -> dict[str, LedgerAssignment]:
        """Return the ledger of a sync in which every number was lower by `shift`."""
        entries = {}
        for assignment in self.assignments:
            cells = self.column(int(assignment.id), shift)
            sent = {self.keys[uid]: _sent(cell) for uid, cell in cells.items() if _sent(cell) is not None}
            ref = Ref(f"r{assignment.id}")
            entries[assignment.id] = LedgerAssignment(assignment.id, ref, self.specs[assignment.id], sent)
        return entries

    def live(self, ledger: Mapping[str, LedgerAssignment], *, scores: bool = False) -> LiveGradebook:
        listed = tuple(
            LiveAssignment(entry.ref, entry.spec.name, entry.spec.due, entry.spec, ours=True)
            for entry in ledger.values()
            if entry.ref and entry.spec
        )
        held = {
            entry.ref.key: {key: _points(value) for key, value in entry.sent.items()}
            for entry in ledger.values()
            if entry.ref and scores
        }
        return LiveGradebook(listed, scores=held)


def _cell(seed: int, shift: int) -> Score:
    if seed % 10 == 9:
        return None
    if seed % 50 in {1, 2}:
        return Mark(seed % 50 * 2 - 1)  # 1 excused, 3 missing
    return Decimal(seed % 37 - shift + 1) / 2


def _points(value: Score) -> Decimal | None:
    return value.points if isinstance(value, Mark) else value


def _sent(cell: Score) -> Decimal | None:
    return Decimal(0) if cell == Mark(3) else None if isinstance(cell, Mark) else cell


def planning_rates(rounds: int = 5) -> dict[str, float]:
    """Return scores planned per second, by case: the best of some rounds, as only noise slows one down."""
    rates = {}
    for assignments, students in ((500, 1000), (36, 30)):
        section = Section(assignments, students)
        for case, shift, full in CASES:
            ledger = section.ledger(shift)
            live = section.live(ledger, scores=full)
            repeat = max(1, 100_000 // (assignments * students))
            name = f"{assignments} x {students}, {case}"
            rates[name] = max(_rate(section, ledger, live, full, repeat) for _ in range(rounds))
    return rates


def _rate(
    section: Section, ledger: Mapping[str, LedgerAssignment], live: LiveGradebook, full: bool, repeat: int
) -> float:
    planned = 0
    started = process_time()
    for _ in range(repeat):
        made = plan(section.gradebook, ledger, live, section.book, section.keys, full=full)
        planned += sum(item.read for item in made.assignments)
    return planned / (process_time() - started)


def beside_equality(rounds: int) -> float:
    """Return the time to plan unchanged scores by that to compare the same maps with `==`."""
    section = Section(500, 1000)
    ledger = section.ledger(0)
    live = section.live(ledger)
    sent = {key: entry.sent for key, entry in ledger.items()}
    again = {key: dict(entry.sent) for key, entry in section.ledger(0).items()}

    def timed(work: Callable[[], object]) -> float:
        started = process_time()
        work()
        return process_time() - started

    return ratio(
        (
            timed(lambda: plan(section.gradebook, ledger, live, section.book, section.keys, full=False)),
            timed(lambda: sent == again),
        )
        for _ in range(rounds)
    )


async def planning(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure planning, without servers; the slowest size counts."""
    rates = planning_rates(rounds=1 if quick else 5)
    unchanged = min(rate for case, rate in rates.items() if "unchanged" in case)
    changed = min(rate for case, rate in rates.items() if "unchanged" not in case)
    return [
        Measure("planning unchanged scores ÷ dict == dict", 20, beside_equality(3 if quick else 7)),
        Measure("planning, nothing changed: scores/s", None, unchanged),
        Measure("planning, all changed: scores/s", None, changed),
    ]
