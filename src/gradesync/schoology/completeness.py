"""Check that a full read has a row for every student and assignment; an absent row proves nothing (R36)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gradesync.core.gradebook import Assignment
from gradesync.core.ports import Cells
from gradesync.schoology.section import Roster

# The part of the cells that may be missing before the response as a whole is not believed.
TOLERATED_GAPS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Gaps:
    """Count the cells that a full response should have, and those `missing`, by assignment."""

    expected: int
    missing: Mapping[str, int]

    @property
    def is_tolerable(self) -> bool:
        return sum(self.missing.values()) <= TOLERATED_GAPS * self.expected

    def widest(self, limit: int) -> list[str]:
        """Return the assignments with gaps, the widest first, `limit` at most."""
        return sorted(self.missing, key=lambda each: (-self.missing[each], each))[:limit]


def count_gaps(assignments: Iterable[Assignment], roster: Roster, cells: Cells) -> Gaps:
    """Count the cells of the active students, for an assignment with assignees of those among them."""
    active = roster.active_uids()
    doubted: dict[str, set[str]] = {}
    for assignment, key in cells.unreadable:
        doubted.setdefault(assignment, set()).add(key)
    expected = 0
    missing: Counter[str] = Counter()
    for each in assignments:
        if each.unreadable is None:
            wanted = active if each.assignees is None else active & each.assignees
            expected += len(wanted)
            missing[each.id] = len(wanted - cells.cells.get(each.id, {}).keys() - doubted.get(each.id, set()))
    return Gaps(expected, +missing)
