"""Find what was lost: wake-ups that no worker received, leases that lapsed, syncs past their deadline."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.reasons import Reason
from gradesync.db import districts, queue, syncs
from gradesync.db.codec import SecretUnreadable
from gradesync.db.syncs import Sync
from gradesync.sync.context import SyncContext
from gradesync.sync.journal import WRITES, closed
from gradesync.sync.metrics import SWEEPS, record_settled

log = structlog.get_logger()

CIRCUITS_SECONDS = 1.0
NOTIFY_AFTER = 5  # seconds after which the wake-up of a sync that nobody claimed may be lost


@dataclass(frozen=True, slots=True)
class Swept:
    """Count what one sweep did: districts with work that it notified again, and syncs that it settled."""

    notified: int
    settled: int


async def sweep(context: SyncContext) -> Swept:
    """Notify workers of work that waits, and settle syncs past `settles_by`. Needs PostgreSQL only.

    Safe in any number of processes: a repeated wake-up costs nothing, and a sync settles once.
    """
    async with context.database.without_tenant() as db:
        overdue = await queue.list_overdue(db)
        waiting = await queue.list_overlooked_districts(
            db, older_than_seconds=NOTIFY_AFTER, takeover_wait_seconds=context.limits.call_timeout
        )
    settled = 0
    causes = {id_: await _explain_wait(context, id_) for id_ in {district_id for district_id, _ in overdue}}
    for district_id, sync_id in overdue:
        settled += await _settle(context, district_id, sync_id, causes[district_id])
    for district_id in waiting:
        await context.wakeup.notify(district_id)
    SWEEPS.labels("settled").inc(settled)
    SWEEPS.labels("notified").inc(len(waiting))
    return Swept(notified=len(waiting), settled=settled)


async def settle_overdue(context: SyncContext, district_id: str, sync_id: str) -> bool:
    """Settle a sync that is past its deadline as failed `timed-out`; False where it is not, or is settled.

    What was recorded stands; what was read and has no outcome is counted as failed, not attempted. The
    detail names systems that no sync of the district may call now.
    """
    async with context.database.district(district_id) as db:
        if not await syncs.is_overdue(db, sync_id):
            return False
    return await _settle(context, district_id, sync_id, await _explain_wait(context, district_id))


async def _settle(context: SyncContext, district_id: str, sync_id: str, detail: str) -> bool:
    async with context.database.district(district_id) as db:
        sync = await syncs.get(db, sync_id)
        settled = sync and await settle_as_failed(db, sync, None, Reason.TIMED_OUT, detail)
    if settled is None:  # by now
        return False
    record_settled(settled)
    log.warning("sync.timed-out", district=district_id, sync=str(sync_id))
    return True


async def _explain_wait(context: SyncContext, district_id: str) -> str:
    """Return why a district's syncs wait, as far as it is known at once: a sync ends without it too."""
    with suppress(SecretUnreadable, TimeoutError):
        async with context.database.district(district_id) as db:
            district = await districts.get(db)
        async with asyncio.timeout(CIRCUITS_SECONDS):
            return render_circuits(await context.systems.open_circuits(district)) if district else ""
    return ""


async def settle_as_failed(
    db: AsyncSession, sync: Sync, token: str | None, reason: Reason, detail: str = ""
) -> Sync | None:
    """Settle a sync as failed with the counts that are stored. Without a `token` only an overdue one.

    The caller counts it in the metrics, once the transaction is over. None where it is not ours to end.
    """
    wrote = any(sync.assignments.get(kind) or sync.scores.get(kind) for kind in WRITES)
    return await syncs.settle(
        db,
        sync.id,
        token,
        status="failed",
        applied="some" if wrote else "none",
        assignments=closed(sync.assignments),
        scores=closed(sync.scores),
        error_code=reason,
        error_detail=detail,
    )


def render_circuits(systems: Sequence[str]) -> str:
    """Return the systems whose circuit is open, in words; empty for none."""
    return f"circuit open: {', '.join(systems)}" if systems else ""
