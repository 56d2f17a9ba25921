"""Hold back blanks that are older than the score that was sent: they take nothing back (R38)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from gradesync.core.gradebook import UNTOUCHED, Cell, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment

# (Assignment id, student uid) -> when the blank was made, by the source's clock.
Blanks: TypeAlias = Mapping[tuple[str, str], datetime]


def find_older_blanks(gradebook: Gradebook, ledger: Ledger, students: Mapping[str, str]) -> Blanks:
    """Return the blanks that may be from before what was sent, and that no sync is still to clear.

    Whatever was sent had been read at the last read of its assignment, so a blank that was made afterwards is
    newer. Where that time is not known, any blank may be older. `students` are SIS keys by uid.
    """
    return {
        (assignment_id, uid): made
        for (assignment_id, uid), made in gradebook.blanked.items()
        if (entry := ledger.get(assignment_id)) is not None
        and _is_older(entry, uid, students.get(uid, ""), made)
    }


def is_certain(gradebook: Gradebook, entry: LedgerAssignment, uid: str) -> bool:
    """Return True where such a blank took nothing back: what was sent may be of another enrollment."""
    student = gradebook.students.get(uid)
    return entry.read_through is not None and student is not None and bool(student.enrollments)


def hold_blanks(gradebook: Gradebook, blanks: Iterable[tuple[str, str]]) -> Gradebook:
    """Return a gradebook in which these blanks count as never made."""
    held: dict[str, dict[str, Cell]] = {}
    for assignment_id, uid in blanks:
        held.setdefault(assignment_id, {})[uid] = UNTOUCHED
    if not held:
        return gradebook
    columns = {key: {**gradebook.cells[key], **cells} for key, cells in held.items()}
    return replace(gradebook, cells={**gradebook.cells, **columns})


def _is_older(entry: LedgerAssignment, uid: str, key: str, made: datetime) -> bool:
    waits = uid in entry.owed or key in entry.doubtful or key in entry.decisions
    return (entry.read_through is None or made < entry.read_through) and not waits
