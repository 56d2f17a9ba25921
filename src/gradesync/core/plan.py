"""Describe a plan: the actions of one sync and their reasons, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from gradesync.core.ledger import Value, points_of
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, Spec


class Action(StrEnum):
    """Name what is to be done with an assignment."""

    CREATE = "create"
    RECREATE = "recreate"
    UPDATE = "update"
    ADOPT = "adopt"
    KEEP = "keep"
    SKIP = "skip"
    FAIL = "fail"


class Result(StrEnum):
    """Name what became of one assignment or one score."""

    CREATED = "created"
    RECREATED = "recreated"
    UPDATED = "updated"
    WRITTEN = "written"
    CLEARED = "cleared"
    UNCHANGED = "unchanged"
    ADOPTED = "adopted"
    SKIPPED = "skipped"
    FAILED = "failed"


# Assignment id -> the selected students, None for all of them.
Selection: TypeAlias = Mapping[str, frozenset[str] | None]


class ScoreWrite(NamedTuple):
    """Describe one score to send. `student` is the uid, `sis_student` the SIS's key for the same person.

    `before` is what was last sent, None also where nothing was. `owed`: an earlier sync owed this very value.
    `detail` explains a warning.
    """

    student: str
    sis_student: str
    value: Value
    before: Value = None
    warnings: tuple[Reason, ...] = ()
    owed: bool = False
    detail: str = ""

    @property
    def result(self) -> Result:
        """Return the result of the score once the SIS has accepted it."""
        return Result.CLEARED if points_of(self.value) is None else Result.WRITTEN


class ScoreOutcome(NamedTuple):
    """Describe the outcome of one score without any write: adopted, skipped, failed by rule, or unchanged.

    `after` is the value that the SIS holds (adopted), or that it should hold and does not (failed).
    `sis_student` is the SIS key under which the student's scores stand, empty where there is none. `detail`
    names what the reason or a warning is about. An unchanged score has an outcome only where there is
    something to tell.
    """

    student: str
    result: Result
    reason: Reason | None = None
    warnings: tuple[Reason, ...] = ()
    before: Value = None
    after: Value = None
    sis_student: str = ""
    detail: str = ""


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
    a warning is about.
    """

    id: str
    title: str
    action: Action
    reason: Reason | None = None
    warnings: tuple[Reason, ...] = ()
    spec: Spec | None = None
    before: Spec | None = None
    ref: Ref | None = None
    writes: tuple[ScoreWrite, ...] = ()
    settled: tuple[ScoreOutcome, ...] = ()
    unchanged: int = 0
    may_hold: bool = False
    detail: str = ""

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Return the fields to write to an assignment that stands in the SIS already."""
        if self.action not in {Action.UPDATE, Action.ADOPT} or self.before is None or self.spec is None:
            return ()
        rows = zip(FIELDS, _field_texts(self.before), _field_texts(self.spec), strict=True)
        return tuple(Edit(*row) for row in rows if row[1] != row[2])

    @property
    def read(self) -> int:
        """Return the number of scores read, owed or in doubt."""
        return self.unchanged + len(self.settled) + len(self.writes)


CATEGORY = "category"
FIELDS = ("name", "points", "due", CATEGORY, "counts")  # in the order of `_field_texts`


def _field_texts(spec: Spec) -> tuple[str, ...]:
    counts = "yes" if spec.counts else "no"
    return spec.name, format(spec.points, "f"), spec.due.isoformat(), spec.category.key, counts


@dataclass(frozen=True, slots=True)
class Guard:
    """Count how much of what stands in the SIS a plan would change.

    `sent`: scores the ledger holds with a value. `cleared`, `zeroed`, `changed`: of these, how many would
    lose it, become zero by an exception, or change otherwise. `recreated` of `known` assignments.
    """

    sent: int = 0
    cleared: int = 0
    zeroed: int = 0
    changed: int = 0
    known: int = 0
    recreated: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold the plan of one sync: sorted, complete, and equal for equal inputs on any machine.

    `needs_approval`: by the guard, a person must approve it first.
    `fingerprint` is a hash of everything that would be written. `orphans` hold scores of assignments that the
    gradebook does not list: the scores count as read, the assignments do not.
    """

    assignments: tuple[AssignmentPlan, ...]
    orphans: tuple[AssignmentPlan, ...]
    guard: Guard
    needs_approval: bool
    fingerprint: str
