"""Find what a retry has to send by now: what failed may stand elsewhere, or nowhere."""

from collections.abc import Collection

from gradesync.core.ledger import Ledger
from gradesync.core.plan import Selection


def follow_selection(selection: Selection, ledger: Ledger, gone: Collection[str]) -> Selection:
    """Return what stands today for the assignments and students of a selection.

    A successor stands for an assignment that was removed (R45). One that the SIS does not hold, or not any
    more (`gone`), is made with all its scores (R20): what some students' retry left in it would look whole.
    """
    successors = {entry.taken_from: entry.id for entry in ledger.values() if entry.taken_from is not None}
    stands = {key for key, entry in ledger.items() if entry.ref is not None} - set(gone)
    followed = {successors.get(key, key): students for key, students in selection.items()}
    return {key: students if key in stands else None for key, students in followed.items()}
