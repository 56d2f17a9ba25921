"""Count what syncs do: the numbers of each, which its outcomes list (R54), and metrics for operators."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import prometheus_client as prometheus

from gradesync.core.catalog import Attention
from gradesync.core.plan import Action, Plan
from gradesync.core.reasons import Result
from gradesync.db import partitions, queue
from gradesync.db.outcomes import Kind, Outcome, Recorded, summarize
from gradesync.db.syncs import Sync
from gradesync.observability.tracing import span
from gradesync.sync.context import SyncContext

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
    reasons: Counter[str] = field(default_factory=Counter)
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
        for code in row.reasons:
            self.reasons[code] += by

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
        return any(self.assignments.results[kind] or self.scores.results[kind] for kind in WRITES)


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
QUEUE = prometheus.Gauge("gradesync_queue_syncs", "Syncs that wait, as every process sees them.", ["class"])
OLDEST = prometheus.Gauge(
    "gradesync_queue_oldest_seconds", "Time for which the oldest of those could have started.", ["class"]
)

PARTITIONS_AHEAD = prometheus.Gauge(
    "gradesync_partitions_ahead_seconds", "Time until the last partition ends, 0 without any.", ["table"]
)
ROWS_ASTRAY = prometheus.Gauge(
    "gradesync_partition_rows_astray", "Rows that have no partition yet, up to a thousand.", ["table"]
)

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
    for result, (assignments, scores) in OUTCOMES.items():
        assignments.inc(sync.assignments.get(result, 0))
        scores.inc(sync.scores.get(result, 0))
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
    with STAGE_SECONDS.labels(name).time(), span(name):
        yield


async def observe_queue(context: SyncContext) -> None:
    """Measure the queue of all districts.

    Class `ready`: a free worker would take it now. `throttled`: its district's own limits keep it, and no
    further worker would help: as many are running as may be, a call budget is spent, a circuit is open, or it
    waits until a time that an upstream named. `paused`: it waits until a person resumes it.
    """
    skipped_districts = await context.systems.skipped_districts()
    async with context.database.without_tenant() as db:
        depths = await queue.measure_depths(
            db,
            takeover_wait_seconds=context.limits.call_timeout,
            per_district=context.limits.per_district,
            skipped_districts=skipped_districts,
        )
    for name in ("ready", "throttled", "paused"):
        depth = depths.get(name, queue.Depth(0, 0.0))
        QUEUE.labels(name).set(depth.syncs)
        OLDEST.labels(name).set(depth.oldest_seconds)


async def observe_partitions(context: SyncContext) -> None:
    """Measure how far ahead the owner's `maintain` made partitions, and how many rows wait for one."""
    async with context.database.without_tenant() as db:
        states = await partitions.read_states(db)
    for table, state in states.items():
        until = state.made_until
        PARTITIONS_AHEAD.labels(table).set((until - context.clock()).total_seconds() if until else 0)
        ROWS_ASTRAY.labels(table).set(state.in_default)
