"""Predict for a preview which assignments the SIS would refuse to create or to rename (R52)."""

from collections.abc import Mapping, Sequence, Set

from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.names import list_names
from gradesync.core.ordering import CREATES, order_writes
from gradesync.core.plan import AssignmentPlan
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveAssignment, Slot, fold_case


def predict_refused(
    assignments: Sequence[AssignmentPlan],
    ledger: Ledger,
    live: Sequence[LiveAssignment],
    *,
    ignores_case: bool = False,
) -> Mapping[str, Reason]:
    """Return id -> reason of the planned creates that the SIS refused when they were last sent.

    `live` is its list. None is predicted whose cause the list, or the plan of another assignment, ends. With
    `ignores_case` a new name is expected to clash with one that differs in letter case alone, unless the list
    has two such names.
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
    if ignores_case and not _holds_alike(live):
        refused |= _find_clashing(assignments, refused.keys(), ledger, live)
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


def _holds_alike(live: Sequence[LiveAssignment]) -> bool:
    """Return True where the SIS holds two names of one due date that differ in letter case alone."""
    slots = {column.slot for column in live}
    return len({fold_case(slot) for slot in slots}) < len(slots)


def _find_clashing(
    assignments: Sequence[AssignmentPlan],
    refused: Set[str],
    ledger: Ledger,
    live: Sequence[LiveAssignment],
) -> dict[str, Reason]:
    """Return id -> reason of what finds its name taken in any letter case, written in order.

    The `refused` are left out. A circle of names never clashes: one sets its name aside, and each of the
    others takes what the one before it left.
    """
    order = order_writes(assignments)
    entries = {entry.ref.key: entry for entry in ledger.values() if entry.ref is not None}
    standing = {column.ref.key: _fold_names(column, entries.get(column.ref.key)) for column in live}
    for temporary in order.temporary:
        standing.pop(temporary.ref.key, None)
    clashing: dict[str, Reason] = {}
    kept: set[Slot] = set()
    for item, spec, _ in order.writes:
        wanted = fold_case(spec.slot)
        if item.id in refused or (item.before is not None and fold_case(item.before.slot) == wanted):
            continue
        if wanted not in set().union(*standing.values()):
            standing[item.ref.key if item.ref else f"new {item.id}"] = {wanted}
            continue
        clashing[item.id] = Reason.NAME_NOT_FREE if spec.slot in kept else Reason.DUPLICATE_NAME
        kept |= {item.before.slot} if item.before else set()
    return clashing


def _fold_names(column: LiveAssignment, entry: LedgerAssignment | None) -> set[Slot]:
    return {fold_case(slot) for slot in list_names(column, entry)}
