"""Derive the state of each cell of a gradebook from a sync's outcomes, and from the ledger for the others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradesync.api.schemas import GradebookState
from gradesync.core.catalog import needs_attention
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import id_order
from gradesync.db.by_assignment import CellOutcome
from gradesync.db.outcomes import Outcome

SENT = frozenset({Result.CREATED, Result.RECREATED, Result.UPDATED, Result.WRITTEN, Result.CLEARED})


@dataclass(frozen=True, slots=True)
class Column:
    """Hold what is known of one assignment.

    `own` is its own outcome, `cells` are those of its scores by student uid; `entry` is None where the ledger
    is not to be used. `preview`: nothing of it was sent.
    """

    own: Outcome | None
    cells: Mapping[str, CellOutcome]
    entry: LedgerAssignment | None
    preview: bool

    @property
    def title(self) -> str | None:
        """Return the name of the assignment, as far as it is known."""
        if self.own is not None and self.own.title:
            return self.own.title
        titles = (cell.title for cell in self.cells.values() if cell.title)
        spec = self.entry.spec if self.entry else None
        return next(titles, spec.name if spec else None)

    @property
    def state(self) -> GradebookState:
        """Return the state of the assignment itself."""
        if self.own is not None:
            return self._judge(self.own.result, self.own.reason, self.own.warnings)
        return "in-sis" if self.entry is not None and self.entry.ref else "none"

    def find_state(self, uid: str, key: str | None) -> GradebookState:
        """Return the state of a student's score; `key` is the SIS key of the student, where it is known."""
        cell = self.cells.get(uid)
        if cell is not None:
            return self._judge_cell(cell)
        return "none" if self.entry is None else _judge_entry(self.entry, uid, key)

    def _judge_cell(self, cell: CellOutcome) -> GradebookState:
        # The score shares the fate of its assignment, which has the reason.
        if cell.reason == Reason.ASSIGNMENT_FAILED:
            return "waiting" if self.state == "waiting" else "needs-attention"
        if cell.reason == Reason.ASSIGNMENT_SKIPPED:
            return "needs-attention" if self.state == "needs-attention" else "left-out"
        return self._judge(Result(cell.result), cell.reason, cell.warnings)

    def _judge(self, result: Result, reason: str | None, warnings: Sequence[str]) -> GradebookState:
        if reason == Reason.NOT_ATTEMPTED:
            return "waiting"
        if Reason.EDITED_IN_SIS in warnings and result not in {Result.SKIPPED, Result.FAILED}:
            return "edited-in-sis"
        if needs_attention(result, reason, warnings):
            return "needs-attention"
        if result in {Result.SKIPPED, Result.FAILED}:
            return "left-out"
        return "waiting" if self.preview and result in SENT else "in-sis"


def _judge_entry(entry: LedgerAssignment, uid: str, key: str | None) -> GradebookState:
    """Return the state of a score that the sync did not report, by what was sent and what is owed."""
    owed = entry.owed.get(uid)
    if owed is not None:
        return "waiting" if owed.reason == Reason.NOT_ATTEMPTED else "needs-attention"
    if key is None:
        return "none"
    doubt = entry.doubtful.get(key)
    if doubt is not None:
        return "waiting" if doubt.looks else "needs-attention"
    return "none" if entry.sent.get(key) is None else "in-sis"


def list_students(columns: Iterable[Column], keys: Mapping[str, str]) -> list[str]:
    """Return the uids of the students who have a cell, in numeric order; `keys` are SIS keys by uid."""
    students: set[str] = set()
    sent: set[str] = set()
    for column in columns:
        students.update(column.cells)
        if column.entry is not None:
            students.update(column.entry.owed)
            sent.update(column.entry.sent, column.entry.doubtful)
    students.update(uid for uid, key in keys.items() if key in sent)
    return sorted(students, key=id_order)
