"""Measure for operators what all processes share: the queue of syncs, and the partitions of old rows."""

import prometheus_client as prometheus

from gradesync.db import partitions, queue
from gradesync.sync.context import SyncContext

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
