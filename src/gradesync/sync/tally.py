"""Counts what became of the assignments and scores of one sync: always as many as were read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gradesync.core.plan import Result

Key = tuple[str, str]
"""(assignment id, student uid); the student is "" for the assignment itself."""

ASSIGNMENT_RESULTS = ("created", "recreated", "updated", "unchanged", "adopted", "skipped", "failed")
SCORE_RESULTS = ("written", "cleared", "unchanged", "adopted", "skipped", "failed")
WRITES = frozenset({"created", "recreated", "updated", "written", "cleared"})


@dataclass(slots=True)
class Count:
    """The count of one kind of thing: how many were read, how many still wait for a result, and the results.

    What was read, has no result and waits for none is unchanged, so that the counts of a settled sync add up
    to what was read by construction.
    """

    kinds: tuple[str, ...]
    read: int = 0
    pending: int = 0
    results: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, int]:
        """`read`, and one count per result under its name."""
        told = sum(self.results[kind] for kind in self.kinds if kind != Result.UNCHANGED)
        # A later slice may read less than an earlier one wrote: what was written was read.
        unchanged = max(0, self.read - told - self.pending)
        counts = {kind: self.results[kind] for kind in self.kinds} | {Result.UNCHANGED.value: unchanged}
        return {"read": told + unchanged + self.pending, **counts}


@dataclass(slots=True)
class Tally:
    """The results of one sync. `earlier` are those that an earlier attempt at it recorded, by assignment."""

    earlier: dict[str, dict[str, Result]] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    assignments: Count = field(default_factory=lambda: Count(ASSIGNMENT_RESULTS))
    scores: Count = field(default_factory=lambda: Count(SCORE_RESULTS))

    @classmethod
    def of(cls, earlier: dict[str, dict[str, Result]], warnings: Mapping[str, int]) -> "Tally":
        """Start from what earlier attempts recorded; takes `earlier` over."""
        tally = cls(earlier=earlier, warnings=Counter(warnings))
        for results in earlier.values():
            for student, result in results.items():
                tally._count(student).results[result] += 1
        return tally

    def add(self, key: Key, result: str) -> None:
        """Count a result that was waited for, in the place of what an earlier attempt said."""
        assignment, student = key
        count = self._count(student)
        if (before := self.earlier.get(assignment, {}).pop(student, None)) is not None:
            count.results[before] -= 1
        count.results[result] += 1
        count.pending = max(0, count.pending - (result != Result.UNCHANGED))

    def _count(self, student: str) -> Count:
        return self.scores if student else self.assignments

    @property
    def failed(self) -> bool:
        return bool(self.assignments.results[Result.FAILED] or self.scores.results[Result.FAILED])

    @property
    def wrote(self) -> bool:
        """Whether anything was written to the SIS."""
        return any(self.assignments.results[kind] or self.scores.results[kind] for kind in WRITES)


def closed(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of a sync that ends as it is: what was read and has no result was not attempted."""
    told = sum(count for result, count in counts.items() if result != "read")
    missing = max(0, counts.get("read", 0) - told)
    return {**counts, Result.FAILED.value: counts.get(Result.FAILED, 0) + missing}
