"""Count what one sync does, so that each number is that of the outcomes to list (R54)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from gradesync.core.plan import Action, Plan, Result
from gradesync.core.sync_result import Attention
from gradesync.db.outcomes import Kind, Outcome, Recorded, summarize

RESULTS_OF: Mapping[Kind, tuple[str, ...]] = {
    "assignment": ("created", "recreated", "updated", "unchanged", "adopted", "skipped", "failed"),
    "score": ("written", "cleared", "unchanged", "adopted", "skipped", "failed"),
}
WRITES = frozenset({"created", "recreated", "updated", "written", "cleared"})


@dataclass(slots=True)
class Count:
    """Count the assignments, or the scores, of one sync: each number is that of the outcomes to list.

    Ids are in groups: scores by assignment, and all assignments in the group "". `recorded` are the outcomes
    of every attempt. Those that are `unchanged` and have none are counted by a summary of their group;
    `pending` still wait for one.
    """

    kind: Kind
    recorded: dict[str, dict[str, Recorded]] = field(default_factory=dict)
    results: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    unchanged: Mapping[str, Set[str]] = field(default_factory=dict)
    summarized: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    attention: int = 0

    def __post_init__(self) -> None:
        for rows in self.recorded.values():
            for row in rows.values():
                self._count(row, 1)

    def start(self, unchanged: Mapping[str, Set[str]]) -> None:
        """Forget the plan of before; of this one the `unchanged` are those that need no outcome."""
        self.unchanged, self.pending = unchanged, 0
        known = self.recorded
        self.summarized = Counter(
            {
                group: len(ids - known[group].keys()) if group in known else len(ids)
                for group, ids in unchanged.items()
            }
        )

    def expect(self, group: str, ids: Iterable[str]) -> None:
        """Wait for an outcome of each, unless an earlier attempt recorded one: this attempt's replaces it."""
        known = self.recorded.get(group, {})
        self.pending += sum(id_ not in known for id_ in ids)

    def add(self, group: str, id_: str, row: Recorded) -> None:
        """Count an outcome, instead of one that it replaces."""
        rows = self.recorded.setdefault(group, {})
        if (replaced := rows.get(id_)) is not None:
            self._count(replaced, -1)
        elif id_ in self.unchanged.get(group, ()):
            self.summarized[group] -= 1
        else:
            self.pending -= 1
        self._count(row, 1)
        rows[id_] = row

    def _count(self, row: Recorded, by: int) -> None:
        self.results[row.result] += by
        self.attention += by if row.needs_attention else 0
        for code in row.warnings:
            self.warnings[code] += by

    def by_result(self) -> dict[str, int]:
        """Return one count per result under its name, and `read`, their sum with those that are pending."""
        return render_counts(self.kind, self.results, self.summarized.total(), self.pending)

    def summaries(self, titles: Mapping[str, str]) -> Iterator[Outcome]:
        """Yield one outcome for the unchanged ones of each group."""
        for group, number in self.summarized.items():
            if number:
                yield summarize(self.kind, Result.UNCHANGED, number, group, title=titles.get(group))


@dataclass(slots=True)
class Tally:
    """Count the results and the warnings of one sync."""

    assignments: Count
    scores: Count

    @classmethod
    def of(cls, recorded: dict[str, dict[str, Recorded]]) -> "Tally":
        """Start from what earlier attempts recorded, by assignment and student; takes `recorded` over."""
        own = {key: rows.pop("") for key, rows in recorded.items() if "" in rows}
        return cls(Count("assignment", {"": own}), Count("score", recorded))

    def start(self, plan: Plan) -> None:
        """Count against a plan from now on."""
        kept = frozenset(item.id for item in plan.assignments if item.action is Action.KEEP)
        self.assignments.start({"": kept})
        self.assignments.expect("", [item.id for item in plan.assignments if item.id not in kept])
        self.scores.start({item.id: item.unchanged for item in plan.assignments})
        for item in plan.assignments + plan.orphans:
            self.scores.expect(item.id, [write.student for write in item.writes])
            self.scores.expect(item.id, [score.student for score in item.settled])

    def add(self, outcome: Outcome) -> None:
        row = Recorded.of(outcome.result, outcome.reason, tuple(outcome.warnings))
        if outcome.student_id:
            self.scores.add(outcome.assignment_id, outcome.student_id, row)
        else:
            self.assignments.add("", outcome.assignment_id, row)

    @property
    def warnings(self) -> dict[str, int]:
        return dict(self.assignments.warnings + self.scores.warnings)

    @property
    def attention(self) -> Attention:
        return Attention(self.assignments.attention, self.scores.attention)

    @property
    def failed(self) -> bool:
        return bool(self.assignments.results[Result.FAILED] or self.scores.results[Result.FAILED])

    @property
    def wrote(self) -> bool:
        """Return True where anything was written to the SIS."""
        return any(self.assignments.results[kind] or self.scores.results[kind] for kind in WRITES)


def render_counts(kind: Kind, results: Mapping[str, int], unchanged: int, pending: int = 0) -> dict[str, int]:
    """Return the counts of a kind: `results` are those of outcomes, the `unchanged` are beside them."""
    counts = {name: results.get(name, 0) for name in RESULTS_OF[kind]}
    counts[Result.UNCHANGED] += unchanged
    return {"read": sum(counts.values()) + pending, **counts}
