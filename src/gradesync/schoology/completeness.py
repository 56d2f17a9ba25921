"""Whether a full read answered for every student and assignment; an absent row proves nothing (R36)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gradesync.core.gradebook import Assignment
from gradesync.core.ports import Cells
from gradesync.schoology.roster import Roster

TOLERATED = 0.2
"""The part of the cells that may be missing before the answer as a whole is not believed."""


@dataclass(frozen=True, slots=True)
class Census:
    """How many cells a full answer should have, and how many of which assignment it has not."""

    expected: int
    missing: Mapping[str, int]

    @property
    def believable(self) -> bool:
        return sum(self.missing.values()) <= TOLERATED * self.expected

    def worst(self, most: int) -> list[str]:
        """The assignments with gaps, the widest first, `most` at most."""
        return sorted(self.missing, key=lambda each: (-self.missing[each], each))[:most]


def census(assignments: Iterable[Assignment], roster: Roster, found: Cells) -> Census:
    """Count the cells of the active students, for an assignment with assignees of those among them."""
    active = roster.active()
    doubted: dict[str, set[str]] = {}
    for assignment, key in found.unreadable:
        doubted.setdefault(assignment, set()).add(key)
    expected = 0
    missing: Counter[str] = Counter()
    for each in assignments:
        if each.unreadable is None:
            wanted = active if each.assignees is None else active & each.assignees
            expected += len(wanted)
            missing[each.id] = len(wanted - found.cells.get(each.id, {}).keys() - doubted.get(each.id, set()))
    return Census(expected, +missing)
