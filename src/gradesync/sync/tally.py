"""Counts what became of the assignments and scores of one sync: always as many as were read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gradesync.core.plan import Result

Key = tuple[str, str]
"""(assignment id, student uid); the student is "" for the assignment itself."""

ASSIGNMENT_RESULTS = ("created", "recreated", "updated", "unchanged", "adopted", "skipped", "failed")
SCORE_RESULTS = ("written", "cleared", "unchanged", "adopted", "skipped", "failed")


@dataclass(slots=True)
class Tally:
    """The results of one sync, those that an earlier slice of it recorded included.

    What was read, has no result and waits for none is unchanged: the counts of a settled sync add up to what
    was read by construction. `pending` are the keys that will get a result.
    """

    results: dict[Key, str] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    read_assignments: int = 0
    read_scores: int = 0
    pending: set[Key] = field(default_factory=set)
    _assignments: Counter[str] = field(default_factory=Counter)
    _scores: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, earlier: Mapping[Key, str], warnings: Mapping[str, int]) -> "Tally":
        """Start from what earlier slices recorded."""
        tally = cls(warnings=Counter(warnings))
        for key, result in earlier.items():
            tally.add(key, result)
        return tally

    def expect(self, assignments: int, scores: int, keys: Iterable[Key]) -> None:
        """Say how many were read, and which of them will get a result."""
        self.read_assignments, self.read_scores = assignments, scores
        self.pending = {key for key in keys if key not in self.results}

    def add(self, key: Key, result: str) -> None:
        self.pending.discard(key)
        counter = self._scores if key[1] else self._assignments
        if (before := self.results.get(key)) is not None:
            counter[before] -= 1
        counter[result] += 1
        self.results[key] = result

    def assignments(self) -> dict[str, int]:
        """`read`, and one count per result under its name."""
        pending = sum(not student for _, student in self.pending)
        return _counts(self.read_assignments, pending, self._assignments, ASSIGNMENT_RESULTS)

    def scores(self) -> dict[str, int]:
        pending = sum(bool(student) for _, student in self.pending)
        return _counts(self.read_scores, pending, self._scores, SCORE_RESULTS)

    @property
    def failed(self) -> bool:
        return bool(self._assignments[Result.FAILED] or self._scores[Result.FAILED])

    @property
    def applied(self) -> bool:
        """Whether anything was written to the SIS."""
        wrote = self._assignments["created"] + self._assignments["recreated"] + self._assignments["updated"]
        return bool(wrote + self._scores["written"] + self._scores["cleared"])


def closed(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of a sync that ends as it is: what was read and has no result was not attempted."""
    told = sum(count for result, count in counts.items() if result != "read")
    missing = max(0, counts.get("read", 0) - told)
    return {**counts, Result.FAILED: counts.get(Result.FAILED, 0) + missing}


def _counts(read: int, pending: int, counter: Counter[str], results: tuple[str, ...]) -> dict[str, int]:
    told = sum(counter[result] for result in results if result != Result.UNCHANGED)
    # A later slice may read less than an earlier one wrote: what was written was read.
    unchanged = max(0, read - told - pending)
    return {"read": told + unchanged + pending} | {
        result: unchanged if result == Result.UNCHANGED else counter[result] for result in results
    }
