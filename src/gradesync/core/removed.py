"""Give the columns of assignments that the source removed to those that now have their place (R45)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gradesync.core.gradebook import ITEMS, Gradebook, id_order
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.rules import Verdict
from gradesync.core.sis import LiveGradebook, Slot


def hand_over_columns(
    gradebook: Gradebook, verdicts: Mapping[str, Verdict], ledger: Ledger, live: LiveGradebook
) -> Ledger:
    """Return the ledger in which columns of removed assignments belong to their successors.

    A successor has the name and due date of the column, as the SIS lists it or as they were sent, and no
    column of its own. A partial list of assignments proves no removal.
    """
    if ITEMS in gradebook.partial_lists:
        return ledger
    columns = dict(_list_removed(gradebook, ledger, live))
    changed: dict[str, LedgerAssignment] = {}
    for assignment_id in sorted(verdicts, key=id_order):
        spec, entry = verdicts[assignment_id].spec, ledger.get(assignment_id)
        removed = columns.get(spec.slot) if spec else None
        if removed is None or removed.id in changed or _has_column(entry, live):
            continue
        changed[assignment_id] = _succeed(entry or LedgerAssignment(assignment_id), removed)
        changed[removed.id] = _release(removed)
    return {**ledger, **changed} if changed else ledger


def _list_removed(
    gradebook: Gradebook, ledger: Ledger, live: LiveGradebook
) -> Iterator[tuple[Slot, LedgerAssignment]]:
    """List the columns whose assignment the source lacks, by name and due date: as sent, then as listed."""
    present = {assignment.id for assignment in gradebook.assignments}
    listed = {item.ref.key: item for item in live.assignments}
    removed = [
        (entry, listed[entry.ref.key])
        for entry in ledger.values()
        if entry.id not in present and entry.ref is not None and entry.ref.key in listed
    ]
    yield from ((entry.spec.slot, entry) for entry, _ in removed if entry.spec)
    yield from ((item.slot, entry) for entry, item in removed)


def _has_column(entry: LedgerAssignment | None, live: LiveGradebook) -> bool:
    return entry is not None and entry.ref is not None and entry.ref.key not in live.gone


def _succeed(entry: LedgerAssignment, removed: LedgerAssignment) -> LedgerAssignment:
    """Return a successor's entry, with the column and all that was sent to it. The switch stays."""
    return replace(
        entry,
        ref=removed.ref,
        spec=removed.spec,
        sent=removed.sent,
        doubtful=removed.doubtful,
        may_hold=removed.may_hold,
        shown=removed.shown,
        intent=None,
        read_through=None,
        taken_from=removed.id,
    )


def _release(removed: LedgerAssignment) -> LedgerAssignment:
    """Return a removed assignment's entry without its column: restored, it is a new one."""
    return LedgerAssignment(
        removed.id, opted_out=removed.opted_out, problem=removed.problem, former=removed.former
    )
