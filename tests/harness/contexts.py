"""Make sync contexts, with limits that a busy machine keeps or with hurried ones, and run syncs in them."""

from dataclasses import replace
from datetime import UTC, datetime

from arq.connections import ArqRedis

from gradesync.db.session import Database
from gradesync.sync.claim import claim
from gradesync.sync.context import SyncContext, SyncLimits
from gradesync.sync.run import run_sync
from gradesync.systems import UpstreamSystems
from gradesync.upstream.client import Backoff
from gradesync.upstream.egress import GuardedClient
from gradesync.wakeup import Wakeup

# A busy machine may take seconds for a call: only where calls time out on purpose are they hurried.
LIMITS = SyncLimits(lease=60, call_timeout=20, slice=120, per_district=4)
HURRIED = replace(LIMITS, call_timeout=1.0)
BUSY_REDIS_SECONDS = 20.0
REDIS_SECONDS = 0.5  # as the settings have it, where Redis fails on purpose
SOON = Backoff(attempts=4, initial=0.01, longest=0.05, jitter=0.01)


def new_context(
    database: Database, client: GuardedClient, redis: ArqRedis, limits: SyncLimits
) -> SyncContext:
    """Return a context as a new process has it."""

    def clock() -> datetime:
        return datetime.now(UTC)

    return SyncContext(
        database=database,
        systems=UpstreamSystems(client.transport, redis, clock, limits.call_timeout, 500, backoff=SOON),
        wakeup=Wakeup(redis, limit=8),
        clock=clock,
        limits=limits,
    )


async def run_next_sync(context: SyncContext) -> bool:
    """Claim and run the next sync, of the district served longest ago; False where none can be claimed."""
    claimed = await claim(context)
    if claimed is None:
        return False
    await run_sync(context, claimed)
    return True
