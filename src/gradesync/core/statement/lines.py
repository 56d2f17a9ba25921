"""Define the lines of a section's statement, their balances, and what a statement is made of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from gradesync.core.comparison import ComparedCell
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import Cause, Event
from gradesync.core.ledger import Ledger, points_of


class Kind(StrEnum):
    """Name the lines of a statement, in their order.

    `OPENING` and `CLOSING` are balances. `WRITTEN`, `CLEARED`, `REMOVED` (the SIS assignment is gone),
    `FOUND` (the SIS had it) and `DRIFTED` (a comparison read another value) move the balance. The others show
    what is open, and what is not known.
    """

    OPENING = "opening"
    WRITTEN = "written"
    CLEARED = "cleared"
    REMOVED = "removed"
    FOUND = "found"
    FAILED = "failed"
    OWED = "owed"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    CLOSING = "closing"


MOVEMENTS = (Kind.WRITTEN, Kind.CLEARED, Kind.REMOVED, Kind.FOUND, Kind.DRIFTED)


class Balance(NamedTuple):
    """Count scores that stand in the SIS, blanks apart, and add up their points."""

    scores: int = 0
    points: Decimal = Decimal(0)

    def plus(self, other: "Balance") -> "Balance":
        return Balance(self.scores + other.scores, self.points + other.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Describe one line. `count`: it stands for so many scores. `cause`: the sync that it is tied to.

    `student` is the Schoology uid and `sis_student` the SIS key, each empty where it is not known. `late`:
    the SIS was changed after the section's term had ended.
    """

    kind: Kind
    at: datetime | None = None
    assignment_id: str = ""
    ref: str = ""
    sis_student: str = ""
    student: str = ""
    before: Sent = NEVER_SENT
    after: Sent = NEVER_SENT
    count: int = 1
    reason: str = ""
    cause: Cause | None = None
    late: bool = False

    @property
    def change(self) -> Balance:
        """Return by how much the line moves the balance; a balance's own line is its amount."""
        if self.kind in {Kind.OPENING, Kind.CLOSING}:
            return amount(self.after)
        if self.kind not in MOVEMENTS:
            return Balance()
        was, now = amount(self.before), amount(self.after)
        return Balance(now.scores - was.scores, now.points - was.points)


@dataclass(frozen=True, slots=True)
class Failure:
    """Describe scores, an assignment (`student` empty) or a whole sync (both empty) that failed."""

    at: datetime
    cause: Cause
    assignment_id: str
    student: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class SeenCells:
    """Hold a comparison: the cells that it read, and when it had read them."""

    at: datetime
    cells: Sequence[ComparedCell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Hold all that a statement is made of.

    `events` are all that are kept of the section, with what comparisons saw, and are read once. `students`
    are the SIS keys by uid. `seen` is the newest comparison that ended in time, and `seen_before` the newest
    that ended by `since`. `syncs_since` is the time of the oldest sync whose failures are kept. `term_over`
    is the end of the section's term in the SIS, None where that is not known.
    """

    since: datetime
    until: datetime
    events: Iterable[Event] = ()
    failures: Sequence[Failure] = ()
    ledger: Ledger = field(default_factory=dict)
    students: Mapping[str, str] = field(default_factory=dict)
    seen: SeenCells | None = None
    seen_before: SeenCells | None = None
    syncs_since: datetime | None = None
    term_over: datetime | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold the lines of a section's statement for the time after `since`, up to `until`."""

    since: datetime
    until: datetime
    lines: tuple[Line, ...]

    @property
    def rows(self) -> dict[str, int]:
        """Count the lines of each kind."""
        found = Counter(line.kind for line in self.lines)
        return {kind.value: found[kind] for kind in Kind}

    @property
    def totals(self) -> dict[Kind, Balance]:
        """Add up the lines of each balance and movement."""
        found = dict.fromkeys((Kind.OPENING, *MOVEMENTS, Kind.CLOSING), Balance())
        for line in self.lines:
            if line.kind in found:
                found[line.kind] = found[line.kind].plus(line.change)
        return found

    @property
    def late(self) -> int:
        """Count the changes after the term's end."""
        return sum(line.late for line in self.lines)

    @property
    def closes(self) -> bool:
        """Return True where the opening balance and all movements make the closing balance."""
        totals = self.totals
        reached = totals[Kind.OPENING]
        for kind in MOVEMENTS:
            reached = reached.plus(totals[kind])
        return reached == totals[Kind.CLOSING]


def amount(value: Sent) -> Balance:
    """Return what one score adds to a balance: nothing, where it is blank or was never sent."""
    if value is NEVER_SENT or value is None:
        return Balance()
    return Balance(1, points_of(value) or Decimal(0))
