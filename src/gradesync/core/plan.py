"""Describe what one sync will do as data; weigh it and fingerprint it, so that a person can approve it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from gradesync.core.catalog import NO_FACTS, Facts, count_of, needs_attention, sis_name, word_late
from gradesync.core.gradebook import Cell, Mark
from gradesync.core.ledger import Ledger, Value, count_standing, points_of
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Policy, Ref, Spec
from gradesync.core.writes import NO_WRITES, ScoreWrite, Writes


class Action(StrEnum):
    """Name what is to be done with an assignment."""

    CREATE = "create"
    RECREATE = "recreate"
    UPDATE = "update"
    ADOPT = "adopt"
    KEEP = "keep"
    SKIP = "skip"
    FAIL = "fail"


# An enum's members are slow to look up by attribute, and every assignment of a plan is asked for these.
CHANGING = frozenset({Action.UPDATE, Action.ADOPT})
STOPPED = frozenset({Action.SKIP, Action.FAIL})

# Assignment id -> the selected students, None for all of them.
Selection: TypeAlias = Mapping[str, frozenset[str] | None]


class ScoreOutcome(NamedTuple):
    """Describe the outcome of one score without any write: adopted, skipped, failed by rule, or unchanged.

    `after` is the value that the SIS holds (adopted), or that it should hold and does not (failed).
    `sis_student` is the SIS key under which the student's scores stand, empty where there is none. `detail`
    names what the reason or a warning is about. It `stands` where a rule leaves out a score although no
    teacher chose that: `left_out` stays so until it is read again. `held` is what the SIS
    holds instead, where a person is to decide. An unchanged score has an outcome only
    where there is something to show.
    """

    student: str
    result: Result
    reason: Reason | None = None
    warnings: tuple[Reason, ...] = ()
    before: Value = None
    after: Value = None
    sis_student: str = ""
    detail: str = ""
    stands: bool = False
    left_out: Value = None
    held: Value = None

    def stand(self, left_out: Value) -> "ScoreOutcome":
        """Keep in mind what a rule leaves out, where no teacher chose that."""
        if self.result is not Result.SKIPPED or not needs_attention(self.result, self.reason, ()):
            return self
        return self._replace(stands=True, left_out=left_out)


class Edit(NamedTuple):
    """Describe one field of an assignment that changes, as text; a category by its key in the SIS."""

    field: str
    before: str
    after: str


class AssignmentPlan(NamedTuple):
    """Describe what becomes of one assignment and its scores.

    `spec` is what the SIS should hold, None where the assignment does not go. `before` is what it holds as
    far as known: as its list shows it, else as last sent; an update writes the difference, and an assignment
    that is adopted is written too where they differ. `ref` is where it stands in the SIS, None for a create.
    `may_hold` is what the ledger keeps by that name once this is applied. `detail` names what the reason or
    a warning is about, `facts` what their sentences name. `unchanged` are the students whose scores were read
    and stay as they are, with nothing to report.
    """

    id: str
    title: str
    action: Action
    reason: Reason | None = None
    warnings: tuple[Reason, ...] = ()
    spec: Spec | None = None
    before: Spec | None = None
    ref: Ref | None = None
    writes: Writes = NO_WRITES
    settled: tuple[ScoreOutcome, ...] = ()
    unchanged: Set[str] = frozenset()
    may_hold: bool = False
    detail: str = ""
    facts: Facts = NO_FACTS

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Return the fields to write to an assignment that stands in the SIS already."""
        if self.action not in CHANGING or self.before is None or self.spec is None:
            return ()
        rows = zip(FIELDS, _field_texts(self.before), _field_texts(self.spec), strict=True)
        return tuple(Edit(*row) for row in rows if row[1] != row[2])

    @property
    def read(self) -> int:
        """Return the number of scores read, owed or in doubt."""
        return len(self.unchanged) + len(self.settled) + len(self.writes)


CATEGORY = "category"
FIELDS = ("name", "points", "due", CATEGORY, "counts")  # in the order of `_field_texts`


def _field_texts(spec: Spec) -> tuple[str, ...]:
    counts = "yes" if spec.counts else "no"
    return spec.name, format(spec.points, "f"), spec.due.isoformat(), spec.category.key, counts


def changes(action: Action, before: Spec | None, spec: Spec) -> bool:
    """Return True if an assignment that stands in the SIS is to be changed there."""
    return action in CHANGING and before != spec


class Danger(StrEnum):
    """Name what is too much of it for the guard: scores emptied, or assignments created again."""

    SCORES = "scores"
    ASSIGNMENTS = "assignments"


@dataclass(frozen=True, slots=True)
class Guard:
    """Count how much of what stands in the SIS a plan would change.

    `sent`: scores the ledger holds with a value. `cleared`, `zeroed`, `changed`: of these, how many would
    lose it, become zero by an exception, or change otherwise. `recreated` of `known` assignments. A person
    must approve a `danger`, as too much of it, and a second person the `late` changes after `term_ended`.
    """

    sent: int = 0
    cleared: int = 0
    zeroed: int = 0
    changed: int = 0
    known: int = 0
    recreated: int = 0
    danger: Danger | None = None
    late: int = 0
    term_ended: str | None = None

    def describe(self) -> str:
        """Return why a person must approve the plan, as sentences with numbers; empty where nobody must."""
        late = word_late(date.fromisoformat(self.term_ended), self.late) if self.term_ended else ""
        return " ".join(filter(None, (late, self._describe_danger())))

    def _describe_danger(self) -> str:
        if self.danger is None:
            return ""
        if self.danger is Danger.ASSIGNMENTS:
            gone = f"{self.recreated:,} {'is' if self.recreated == 1 else 'are'} deleted there"
            known = count_of(self.known, "assignment")
            return f"Of {known} in {sis_name()}, {gone} and would be created again."
        fates = ((self.cleared, "would be cleared"), (self.zeroed, "would become zero"))
        emptied = " and ".join(f"{number:,} {fate}" for number, fate in fates if number)
        return f"Of {count_of(self.sent, 'score')} in {sis_name()}, {emptied}."


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold the plan of one sync: sorted, complete, and equal for equal inputs on any machine.

    `fingerprint` is a hash of everything that would be written. `orphans` hold scores of assignments that the
    gradebook does not list: the scores count as read, the assignments do not.
    """

    assignments: tuple[AssignmentPlan, ...]
    orphans: tuple[AssignmentPlan, ...]
    guard: Guard
    fingerprint: str

    @property
    def needs_approval(self) -> bool:
        """Return True if, by the guard, a person must approve it first."""
        return self.guard.danger is not None or self.guard.late > 0

    @property
    def writes_assignments(self) -> bool:
        """Return True if assignments are to be created, changed or adopted, beside their scores."""
        return any(item.spec is not None and item.action is not Action.KEEP for item in self.assignments)


_CLEARED, _ZEROED, _CHANGED, _HARMLESS = "cleared", "zeroed", "changed", "harmless"


def weigh(
    plans: Sequence[AssignmentPlan],
    ledger: Ledger,
    cells: Mapping[str, Mapping[str, Cell]],
    policy: Policy,
) -> Guard:
    """Weigh a plan against everything that the section's ledger holds."""
    effects: Counter[str] = Counter()
    for plan in plans:
        if overwrites := [write for write in plan.writes.detailed if write.before is not None]:
            read = cells.get(plan.id, {})
            effects.update([_classify(write, read.get(write.student)) for write in overwrites])
    guard = Guard(
        sent=sum(count_standing(entry.sent) for entry in ledger.values()),
        cleared=effects[_CLEARED],
        zeroed=effects[_ZEROED],
        changed=effects[_CHANGED],
        known=sum(entry.ref is not None for entry in ledger.values()),
        recreated=[plan.action for plan in plans].count(Action.RECREATE),
    )
    return replace(guard, danger=_find_danger(guard, policy))


def _find_danger(guard: Guard, policy: Policy) -> Danger | None:
    emptied, share = guard.cleared + guard.zeroed, policy.guard_share
    if guard.sent >= policy.guard_scores and emptied > share * guard.sent:
        return Danger.SCORES
    if guard.known >= policy.guard_assignments and guard.recreated > share * guard.known:
        return Danger.ASSIGNMENTS
    return None


def _classify(write: ScoreWrite, cell: Cell) -> str:
    """Return the effect of a write on the score that was last sent."""
    before, after = points_of(write.before), points_of(write.value)
    if before is None or before == after:
        return _HARMLESS
    if after:
        return _CHANGED
    if after is None:
        return _CLEARED
    return _ZEROED if isinstance(cell, Mark) or isinstance(write.value, Mark) else _CHANGED


def fingerprint(plans: Iterable[AssignmentPlan]) -> str:
    """Hash every write of a plan's assignments, in their order: SHA-256, as hexadecimal text.

    Equal plans have equal fingerprints, on any machine.
    """
    digest = sha256()
    for plan in plans:
        assignment = _encode_assignment(plan)
        if assignment or plan.writes:
            line = [plan.id, plan.ref.key if plan.ref else None, assignment, _encode_scores(plan.writes)]
            digest.update(json.dumps(line).encode())
    return digest.hexdigest()


def _encode_scores(writes: Writes) -> list[object]:
    # By column, not by row: this is the fastest form to serialize.
    return [writes.students, writes.keys, [_encode_value(value) for value in writes.values]]


def _encode_assignment(plan: AssignmentPlan) -> list[object] | None:
    """Return the fields that would be written of the assignment itself; None where none would be."""
    spec = plan.spec
    if spec is None or not (plan.ref is None or changes(plan.action, plan.before, spec)):
        return None
    due = spec.due.isoformat()
    return [plan.action, spec.name, _format_number(spec.points), due, spec.category.key, spec.counts]


def _encode_value(value: Value) -> object:
    if isinstance(value, Mark):
        return [value.exception, _encode_value(value.points)]
    return None if value is None else _format_number(value)


def _format_number(points: Decimal) -> str:
    """Format equal numbers alike: 9.5 and 9.50 are the same score."""
    return str(points.normalize())
