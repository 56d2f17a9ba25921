"""Count and time syncs for operators. Labels are closed sets: no district, section or person is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from gradesync.core.plan import Result
from gradesync.db import queue
from gradesync.db.syncs import Sync
from gradesync.observability.tracing import span
from gradesync.sync.context import SyncContext

SYNC_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)

SYNCS = Counter("gradesync_syncs_total", "Syncs that this process settled.", ["mode", "status", "code"])
SYNC_SECONDS = Histogram(
    "gradesync_sync_seconds",
    "From the request to the end of the syncs that this process settled.",
    ["mode", "status"],
    buckets=SYNC_BUCKETS,
)
STAGE_SECONDS = Histogram(
    "gradesync_sync_stage_seconds",
    "Time that one attempt at a sync spends in a stage.",
    ["stage"],
    buckets=STAGE_BUCKETS,
)
ASSIGNMENTS = Counter("gradesync_assignments_total", "Outcomes of assignments.", ["result"])
SCORES = Counter("gradesync_scores_total", "Outcomes of scores.", ["result"])
WARNINGS = Counter("gradesync_warnings_total", "Warnings of outcomes.", ["code"])
LEASES_LOST = Counter("gradesync_leases_lost_total", "Leases on syncs that this worker lost.")
SWEEPS = Counter(
    "gradesync_sweeps_total", "Districts that sweeps notified, syncs that they settled.", ["what"]
)
QUEUE = Gauge("gradesync_queue_syncs", "Syncs that wait, as every process sees them.", ["class"])
OLDEST = Gauge(
    "gradesync_queue_oldest_seconds", "Time for which the oldest of those could have started.", ["class"]
)

Stage = Literal["reading", "planning", "writing"]


def mode(sync: Sync) -> str:
    """Return the mode of a sync: `changes`, `full`, or `preview` for every dry run."""
    return "preview" if sync.dry_run else sync.mode


def record_settled(sync: Sync) -> None:
    """Count a sync that this process has just settled, and its outcomes unless it is a preview."""
    SYNCS.labels(mode(sync), sync.status, sync.error_code or "none").inc()
    if sync.finished_at is not None:  # pragma: no branch - a settled sync has one
        seconds = (sync.finished_at - sync.requested_at).total_seconds()
        SYNC_SECONDS.labels(mode(sync), sync.status).observe(seconds)
    if sync.dry_run:
        return
    for counter, counts in ((ASSIGNMENTS, sync.assignments), (SCORES, sync.scores)):
        for result in Result:
            counter.labels(result).inc(counts.get(result, 0))
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
    waits until a time that an upstream named.
    """
    skipped_districts = await context.systems.skipped_districts()
    async with context.database.without_tenant() as db:
        depths = await queue.measure_depths(
            db,
            takeover_wait_seconds=context.limits.call_timeout,
            per_district=context.limits.per_district,
            skipped_districts=skipped_districts,
        )
    for name in ("ready", "throttled"):
        depth = depths.get(name, queue.Depth(0, 0.0))
        QUEUE.labels(name).set(depth.syncs)
        OLDEST.labels(name).set(depth.oldest_seconds)
