"""Find whose column a removed assignment leaves amid a swap of names (R45)."""

from collections.abc import Mapping

from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import ITEMS, UNTOUCHED, Cell, Gradebook
from gradesync.core.ledger import (
    Ledger,
    LedgerAssignment,
    has_column,
    list_removed,
    points_of,
    release,
    succeed,
)
from gradesync.core.sis import LiveGradebook, Slot, Spec, fold_case, id_order


def reassign_held_up(
    gradebook: Gradebook,
    specs: Mapping[str, Spec],
    ledger: Ledger,
    live: LiveGradebook,
    *,
    keys: Mapping[str, str],
    fitter: ScoreFitter,
) -> Ledger:
    """Return the ledger in which columns that hold up a circle of names belong to what completes it.

    A new assignment wants the name of a column, whose assignment wants the name of another one, and so on to
    the column of a removed assignment: imported anew amid a swap, it is the same one where most scores are
    those that stand there. `keys` maps uids to SIS keys. All of its cells have been read.
    """
    if ITEMS in gradebook.partial_lists or not (columns := dict(list_removed(gradebook, ledger, live))):
        return ledger
    removed = {fold_case(slot): entry for slot, entry in columns.items()}
    following = _list_following(specs, ledger, live)
    changed: dict[str, LedgerAssignment] = {}
    for a in sorted(specs, key=id_order):
        entry = ledger.get(a)
        left = None if has_column(entry, live) else _find_left(fold_case(specs[a].slot), following, removed)
        if left is None or left.id in changed:
            continue
        if _is_borne_out(left, gradebook.cells.get(a, {}), keys, fitter):
            changed[a] = succeed(entry or LedgerAssignment(a), left)
            changed[left.id] = release(left)
    return {**ledger, **changed} if changed else ledger


def _list_following(specs: Mapping[str, Spec], ledger: Ledger, live: LiveGradebook) -> dict[Slot, Slot]:
    """Map the name and due date of each column to the one that its assignment is to get, without case."""
    wanted = {entry.ref.key: specs[a].slot for a, entry in ledger.items() if entry.ref and a in specs}
    return {
        fold_case(item.slot): fold_case(wanted[item.ref.key])
        for item in live.assignments
        if item.ref.key in wanted
    }


def _find_left(
    slot: Slot, following: Mapping[Slot, Slot], removed: Mapping[Slot, LedgerAssignment]
) -> LedgerAssignment | None:
    """Return the removed assignment at the end of the line of those that wait for each other's names."""
    passed: set[Slot] = set()
    while slot in following and slot not in passed:
        passed.add(slot)
        slot = following[slot]
    return removed.get(slot) if passed else None


def _is_borne_out(
    removed: LedgerAssignment, cells: Mapping[str, Cell], keys: Mapping[str, str], fitter: ScoreFitter
) -> bool:
    """Return True where more than half of the scores that stand in a column are those of an assignment."""
    stands = {key: points_of(value) for key, value in removed.sent.items() if points_of(value) is not None}
    same = [
        uid
        for uid, cell in cells.items()
        if cell is not UNTOUCHED
        and keys.get(uid) in stands
        and points_of(fitter.fit(cell).value) == stands[keys[uid]]
    ]
    return len(same) * 2 > len(stands) or not (stands or removed.may_hold)
