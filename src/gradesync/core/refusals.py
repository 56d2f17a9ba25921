"""Predict for a preview which assignments the SIS would refuse to create (R52)."""

from collections.abc import Mapping, Sequence

from gradesync.core.ledger import Ledger
from gradesync.core.ordering import CREATES, fold_case
from gradesync.core.plan import AssignmentPlan
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveAssignment, Slot


def predict_refused(
    assignments: Sequence[AssignmentPlan], ledger: Ledger, live: Sequence[LiveAssignment]
) -> Mapping[str, Reason]:
    """Return id -> reason of the planned creates that the SIS refused when they were last sent.

    `live` is its list. None is predicted whose cause the list, or the plan of another assignment, ends.
    """
    refused: dict[str, Reason] = {}
    for item in assignments:
        entry = ledger.get(item.id)
        if item.action in CREATES and entry is not None and item.spec == entry.intent:
            if entry.problem == Reason.ASSIGNMENT_NOT_ACCEPTED:
                refused[item.id] = Reason.ASSIGNMENT_NOT_ACCEPTED
            elif entry.problem == Reason.TERM_LOCKED and all(column.locked for column in live):
                refused[item.id] = Reason.TERM_LOCKED
            elif entry.problem == Reason.DUPLICATE_NAME and _is_taken(item, assignments, live):
                refused[item.id] = Reason.DUPLICATE_NAME
    return refused


def _is_taken(
    item: AssignmentPlan, assignments: Sequence[AssignmentPlan], live: Sequence[LiveAssignment]
) -> bool:
    """Return True where another assignment has the name and due date, in whatever letter case, or gets it."""
    others = [other for other in assignments if other is not item]
    left: set[Slot] = {fold_case(other.before.slot) for other in others if other.before and other.spec}
    kept = {fold_case(other.spec.slot) for other in others if other.spec}
    stands = {fold_case(column.slot) for column in live} - left
    return item.spec is not None and fold_case(item.spec.slot) in stands | kept
