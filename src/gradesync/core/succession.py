"""Find whose column a removed assignment leaves amid a swap of names (R45)."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    match = _ScoreMatch(gradebook.cells, keys, fitter)
    changed: dict[str, LedgerAssignment] = {}
    for a in sorted(specs, key=id_order):
        waits = not has_column(ledger.get(a), live)
        left = _find_left(fold_case(specs[a].slot), following, removed) if waits else None
        if left is None or left.id in changed:
            continue
        for successor, column in match.assign(a, left, ledger):
            changed[successor] = succeed(ledger.get(successor) or LedgerAssignment(successor), column)
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


@dataclass(frozen=True, slots=True)
class _ScoreMatch:
    """Compare what was sent to a column with the cells of an assignment; `keys` maps uids to SIS keys."""

    cells: Mapping[str, Mapping[str, Cell]]
    keys: Mapping[str, str]
    fitter: ScoreFitter

    def assign(
        self, assignment_id: str, left: LedgerAssignment, ledger: Ledger
    ) -> list[tuple[str, LedgerAssignment]]:
        """Return which assignment goes to which column, where its scores are those of an assignment.

        It may be one that took another column by name: the two are exchanged where both have their scores.
        """
        if self.agrees(assignment_id, left):
            return [(assignment_id, left)]
        for other in ledger.values():
            if other.taken_from and self.agrees(other.id, left) and self.agrees(assignment_id, other):
                return [(other.id, left), (assignment_id, other._replace(id=other.taken_from))]
        return []

    def agrees(self, assignment_id: str, column: LedgerAssignment) -> bool:
        """Return True where more than half of the scores in a column are those of an assignment."""
        sent = {key: points_of(value) for key, value in column.sent.items()}
        stands = {key: points for key, points in sent.items() if points is not None}
        same = [
            uid
            for uid, cell in self.cells.get(assignment_id, {}).items()
            if cell is not UNTOUCHED
            and self.keys.get(uid) in stands
            and points_of(self.fitter.fit(cell).value) == stands[self.keys[uid]]
        ]
        return len(same) * 2 > len(stands) or not (stands or column.may_hold)
