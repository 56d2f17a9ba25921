"""Count what syncs do: the numbers of each, which its outcomes list (R54), and metrics for operators."""

from array import array
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

import prometheus_client as prometheus

from gradesync.core.catalog import Attention
from gradesync.core.plan import Action, Plan
from gradesync.core.reasons import Result
from gradesync.db.outcomes import Kind, Outcome, RecordedOutcome, summarize
from gradesync.db.syncs import Sync
from gradesync.observability.tracing import span

RESULTS_OF: Mapping[Kind, tuple[str, ...]] = {
    "assignment": ("created", "recreated", "updated", "unchanged", "adopted", "skipped", "failed"),
    "score": ("written", "cleared", "unchanged", "adopted", "skipped", "failed"),
}
WRITES = frozenset({"created", "recreated", "updated", "written", "cleared"})


# What an outcome adds to the counts, and the number of its plan: 0 for an earlier attempt's.
_Counted: TypeAlias = tuple[RecordedOutcome, int]


class _Outcomes:
    """Hold one outcome for each id of a group in two bytes: ids and outcomes repeat in every group."""

    def __init__(self) -> None:
        self._groups: dict[str, array[int]] = {}
        self._numbers: dict[str, int] = {}
        self._codes: dict[_Counted, int] = {}
        self._values: list[_Counted | None] = [None]
        self._counts = [0]  # the first is of places without an outcome, and no count: it goes below 0

    def __contains__(self, group: str) -> bool:
        return group in self._groups

    def get(self, group: str, id_: str) -> _Counted | None:
        codes, number = self._groups.get(group, ()), self._numbers.get(id_)
        return self._values[codes[number]] if number is not None and number < len(codes) else None

    def put(self, group: str, id_: str, value: _Counted) -> bool:
        """Keep an outcome. Return True where it replaces one."""
        if (codes := self._groups.get(group)) is None:
            codes = self._groups[group] = array("H")
        number = self._numbers.setdefault(id_, len(self._numbers))
        if number >= len(codes):
            codes.extend([0] * (number + 1 - len(codes)))
        if (code := self._codes.get(value)) is None:
            code = self._codes[value] = len(self._values)
            self._values.append(value)
            self._counts.append(0)
        replaced, codes[number] = codes[number], code
        self._counts[replaced] -= 1
        self._counts[code] += 1
        return replaced != 0

    def rows(self) -> Iterator[tuple[RecordedOutcome, int]]:
        """Yield each kind of outcome, and how many there are."""
        for value, number in zip(self._values, self._counts, strict=True):
            if value is not None and number:
                yield value[0], number


@dataclass(slots=True)
class Count:
    """Count the assignments, or the scores, of one sync: each number is that of the outcomes to list.

    Ids are in groups: scores by assignment, and all assignments in the group "". `recorded` are the outcomes
    of every attempt. Those that are `unchanged` and have none are counted by a summary of their group;
    `pending` still wait for one. `plan` is the number of the attempt's plan.
    """

    kind: Kind
    recorded: _Outcomes = field(default_factory=_Outcomes)
    unchanged: Mapping[str, Set[str]] = field(default_factory=dict)
    summarized: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    plan: int = 0

    def start(self, unchanged: Mapping[str, Set[str]]) -> None:
        """Forget the plan of before; of this one the `unchanged` are those that need no outcome."""
        self.unchanged, self.pending = unchanged, 0
        self.plan += 1
        self.summarized = Counter({group: self._count_new(group, ids) for group, ids in unchanged.items()})

    def expect(self, group: str, ids: Collection[str]) -> None:
        """Wait for an outcome of each, unless an earlier attempt recorded one: this attempt's replaces it."""
        self.pending += self._count_new(group, ids)

    def _count_new(self, group: str, ids: Collection[str]) -> int:
        if group not in self.recorded:
            return len(ids)
        return sum(self.recorded.get(group, id_) is None for id_ in ids)

    def add(self, group: str, id_: str, row: RecordedOutcome) -> None:
        """Count an outcome, instead of one that it replaces."""
        if self.recorded.put(group, id_, (row, self.plan)):
            return
        if id_ in self.unchanged.get(group, ()):
            self.summarized[group] -= 1
        else:
            self.pending -= 1

    def add_earlier(self, group: str, id_: str, row: RecordedOutcome) -> None:
        """Count an outcome that an earlier attempt recorded."""
        self.recorded.put(group, id_, (row, 0))

    def is_noted(self, group: str, id_: str) -> bool:
        """Return True where there is an outcome by the plan of now."""
        counted = self.recorded.get(group, id_)
        return counted is not None and counted[1] == self.plan

    @property
    def results(self) -> Counter[str]:
        return _sum((row.result, number) for row, number in self.recorded.rows())

    @property
    def warnings(self) -> Counter[str]:
        return _sum((code, number) for row, number in self.recorded.rows() for code in row.warnings)

    @property
    def reasons(self) -> Counter[str]:
        return _sum((code, number) for row, number in self.recorded.rows() for code in row.reasons)

    @property
    def attention(self) -> int:
        return sum(number for row, number in self.recorded.rows() if row.needs_attention)

    def by_result(self) -> dict[str, int]:
        """Return one count per result under its name, and `read`, their sum with those that are pending."""
        return render_counts(self.kind, self.results, self.summarized.total(), self.pending)

    def summaries(self, titles: Mapping[str, str]) -> Iterator[Outcome]:
        """Yield one outcome for the unchanged ones of each group."""
        for group, number in self.summarized.items():
            if number:
                yield summarize(self.kind, Result.UNCHANGED, number, group, title=titles.get(group))


def _sum(numbers: Iterable[tuple[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for code, number in numbers:
        sums[code] += number
    return sums


@dataclass(slots=True)
class Tally:
    """Count the results and the warnings of one sync."""

    assignments: Count = field(default_factory=lambda: Count("assignment"))
    scores: Count = field(default_factory=lambda: Count("score"))

    @classmethod
    async def of(cls, recorded: AsyncIterator[tuple[str, str, RecordedOutcome]]) -> "Tally":
        """Start from what earlier attempts recorded, each with its assignment and student."""
        tally = cls()
        async for assignment_id, student_id, row in recorded:
            count, group, id_ = tally._locate(assignment_id, student_id)
            count.add_earlier(group, id_, row)
        return tally

    def start(self, plan: Plan) -> None:
        """Count against a plan from now on."""
        kept = frozenset(item.id for item in plan.assignments if item.action is Action.KEEP)
        self.assignments.start({"": kept})
        self.assignments.expect("", [item.id for item in plan.assignments if item.id not in kept])
        self.scores.start({item.id: item.unchanged for item in plan.assignments})
        for item in plan.assignments + plan.orphans:
            if students := [*item.writes.students, *[score.student for score in item.settled]]:
                self.scores.expect(item.id, students)

    def add(self, outcome: Outcome) -> None:
        row = RecordedOutcome.of(outcome.result, outcome.reason, tuple(outcome.warnings))
        count, group, id_ = self._locate(outcome.assignment_id, outcome.student_id)
        count.add(group, id_, row)

    def is_noted(self, assignment_id: str, student_id: str = "") -> bool:
        """Return True where an assignment, or a student's score in it, has an outcome by the plan of now."""
        count, group, id_ = self._locate(assignment_id, student_id)
        return count.is_noted(group, id_)

    def _locate(self, assignment_id: str, student_id: str) -> tuple[Count, str, str]:
        """Return where an outcome counts, with its group and id there; an assignment has no student."""
        return (
            (self.scores, assignment_id, student_id) if student_id else (self.assignments, "", assignment_id)
        )

    @property
    def warnings(self) -> dict[str, int]:
        return dict(self.assignments.warnings + self.scores.warnings)

    @property
    def reasons(self) -> dict[str, int]:
        """Return how many assignments and scores need attention for each reason."""
        return dict(self.assignments.reasons + self.scores.reasons)

    @property
    def attention(self) -> Attention:
        return Attention(self.assignments.attention, self.scores.attention)

    @property
    def failed(self) -> bool:
        return bool(self.assignments.results[Result.FAILED] or self.scores.results[Result.FAILED])

    @property
    def wrote(self) -> bool:
        """Return True where anything was written to the SIS."""
        results = self.assignments.results + self.scores.results
        return any(results[kind] for kind in WRITES)


def render_counts(kind: Kind, results: Mapping[str, int], unchanged: int, pending: int = 0) -> dict[str, int]:
    """Return the counts of a kind: `results` are those of outcomes, the `unchanged` are beside them."""
    counts = {name: results.get(name, 0) for name in RESULTS_OF[kind]}
    counts[Result.UNCHANGED] += unchanged
    return {"read": sum(counts.values()) + pending, **counts}


SYNC_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)

SYNCS = prometheus.Counter(
    "gradesync_syncs_total", "Syncs that this process settled.", ["mode", "status", "result", "code"]
)
SYNC_SECONDS = prometheus.Histogram(
    "gradesync_sync_seconds",
    "From the request to the end of the syncs that this process settled.",
    ["mode", "status"],
    buckets=SYNC_BUCKETS,
)
STAGE_SECONDS = prometheus.Histogram(
    "gradesync_sync_stage_seconds",
    "Time that one attempt at a sync spends in a stage.",
    ["stage"],
    buckets=STAGE_BUCKETS,
)
ASSIGNMENTS = prometheus.Counter("gradesync_assignments_total", "Outcomes of assignments.", ["result"])
SCORES = prometheus.Counter("gradesync_scores_total", "Outcomes of scores.", ["result"])
OUTCOMES = {result: (ASSIGNMENTS.labels(result), SCORES.labels(result)) for result in Result}
WARNINGS = prometheus.Counter("gradesync_warnings_total", "Warnings of outcomes.", ["code"])
LEASES_LOST = prometheus.Counter("gradesync_leases_lost_total", "Leases on syncs that this worker lost.")
SWEEPS = prometheus.Counter(
    "gradesync_sweeps_total", "Districts that sweeps notified, syncs that they settled.", ["what"]
)
RUN_SECTIONS = prometheus.Counter(
    "gradesync_run_sections_total", "Sections of runs that this process came to.", ["what"]
)

_stage_seconds = cache(STAGE_SECONDS.labels)  # a label costs more to find than to observe
Stage = Literal["reading", "planning", "writing"]


def mode(sync: Sync) -> str:
    """Return the mode of a sync: `changes`, `full`, or `preview` for every dry run."""
    return "preview" if sync.dry_run else sync.mode


def record_settled(sync: Sync) -> None:
    """Count a sync that this process has just settled, and its outcomes unless it is a preview."""
    SYNCS.labels(mode(sync), sync.status, sync.result or "none", sync.error_code or "none").inc()
    if sync.finished_at is not None:  # pragma: no branch - a settled sync has one
        seconds = (sync.finished_at - sync.requested_at).total_seconds()
        SYNC_SECONDS.labels(mode(sync), sync.status).observe(seconds)
    if sync.dry_run:
        return
    for result, counters in OUTCOMES.items():
        for counter, counts in zip(counters, (sync.assignments, sync.scores), strict=True):
            if number := counts.get(result):
                counter.inc(number)
    for code, number in sync.warnings.items():
        WARNINGS.labels(code).inc(number)


def record_claimed(sync: Sync, lease_seconds: float) -> None:
    """Observe how long a sync was queued that this process has just claimed, by the database's clock."""
    if sync.lease_until is not None:  # pragma: no branch - a claimed sync has one
        queued = (sync.lease_until - sync.not_before).total_seconds() - lease_seconds
        STAGE_SECONDS.labels("queued").observe(max(0.0, queued))


@contextmanager
def time_stage(name: Stage) -> Iterator[None]:
    """Time one stage of an attempt, also where it ends by an error, and trace it as a span."""
    with _stage_seconds(name).time(), span(name):
        yield
