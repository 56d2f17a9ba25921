"""Hold back blanks that are older than the score that was sent: they take nothing back (R38)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gradesync.core.gradebook import UNTOUCHED, Cell, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment


def hold_older_blanks(gradebook: Gradebook, ledger: Ledger, students: Mapping[str, str]) -> Gradebook:
    """Return a gradebook in which blanks from before the last read count as never made.

    They are those of students with several enrollments: what was sent may have stood in another one. Whatever
    was sent had been read by then, so a blank that was made afterwards is newer. `students` are SIS keys by
    uid.
    """
    held: dict[str, dict[str, Cell]] = {}
    for (assignment_id, uid), made in gradebook.blanked.items():
        entry = ledger.get(assignment_id)
        if entry is not None and _is_older(entry, uid, students.get(uid, ""), made):
            held.setdefault(assignment_id, {})[uid] = UNTOUCHED
    if not held:
        return gradebook
    columns = {key: {**gradebook.cells[key], **blanks} for key, blanks in held.items()}
    return replace(gradebook, cells={**gradebook.cells, **columns})


def _is_older(entry: LedgerAssignment, uid: str, key: str, made: datetime) -> bool:
    """Return True for a blank that was there at the last read, and which no sync is still to clear."""
    waits = uid in entry.owed or key in entry.doubtful or key in entry.decisions
    return entry.read_through is not None and made < entry.read_through and not waits
