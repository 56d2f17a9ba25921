"""What sources and targets hand to a sync, beside gradebooks and what the SIS holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gradesync.core.gradebook import Cell
from gradesync.core.plan import ScoreWrite
from gradesync.core.sis import Ref


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells asked for again: the same shapes as in `Gradebook`."""

    cells: Mapping[str, Mapping[str, Cell]]
    unreadable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    read_through: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a section, with the name that teachers see. Never stored, never logged."""

    uid: str
    display_name: str
    admin: bool
    active: bool


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """The answer to a create. `ref` is None where only the list can tell it."""

    ref: Ref | None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score of one assignment of the SIS, ready to go."""

    assignment_id: str
    ref: Ref
    write: ScoreWrite


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What the SIS said to a batch of scores. Batches are all or nothing: `accepted`, or nothing was written.

    `students`: SIS keys named as not acceptable; `pairs`: the same with the ref key of the assignment, where
    the SIS named it. `gone`: ref keys of assignments that are deleted.
    `foreign`: ref keys of assignments that the SIS refuses for this section or teacher.
    `too_large`: fewer rows may pass. `reason` and `detail`: why, where the SIS said so without naming a row.
    """

    accepted: bool
    students: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    gone: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    too_large: bool = False
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a connection check, in an admin's words."""

    check: str
    ok: bool
    detail: str
    fix: str = ""
