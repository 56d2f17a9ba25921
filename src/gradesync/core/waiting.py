"""Find what waits for the next sync of a section: plan it as if the SIS held what was last sent."""

from collections.abc import Mapping
from typing import NamedTuple

from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.plan import Action
from gradesync.core.planner import plan
from gradesync.core.rules import Rulebook
from gradesync.core.sis import LiveAssignment, LiveGradebook, Ref, Spec

_UNSENT = frozenset({Action.CREATE, Action.UPDATE})


class Waiting(NamedTuple):
    """Describe what waits of one assignment: whether it is new or changed itself, and how many scores."""

    assignment: bool
    scores: int


def find_waiting(
    gradebook: Gradebook, ledger: Ledger, book: Rulebook, students: Mapping[str, str]
) -> dict[str, Waiting]:
    """Return what waits by assignment id, of a gradebook whose cells are those that changed since a sync.

    `students` are the SIS keys that the last sync found, by uid. What a sync could not send, and owes since
    then, doesn't wait: it needs attention.
    """
    made = plan(gradebook, ledger, _hold_sent(ledger), book, students)
    return {
        item.id: Waiting(item.action in _UNSENT, sum(not write.owed for write in item.writes))
        for item in made.assignments
    }


def _hold_sent(ledger: Ledger) -> LiveGradebook:
    """Return a SIS that lists the assignments as they were last sent."""
    return LiveGradebook(
        tuple(
            _list_as_sent(entry, entry.ref, entry.spec)
            for entry in ledger.values()
            if entry.ref is not None and entry.spec is not None
        )
    )


def _list_as_sent(entry: LedgerAssignment, ref: Ref, spec: Spec) -> LiveAssignment:
    return LiveAssignment(ref, entry.shown or spec.name, spec.due, spec, ours=True)
