"""Finds what was lost: rings that nobody heard, leases that lapsed, syncs past their bound."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.reasons import Reason
from gradesync.db import districts, queue, syncs
from gradesync.db.crypto import SecretUnreadable
from gradesync.db.syncs import Sync
from gradesync.sync.context import SyncContext
from gradesync.sync.metrics import SWEEPS, record_settled
from gradesync.sync.tally import WRITES, closed

log = structlog.get_logger()

PATIENCE_SECONDS = 1.0
RUNG_WITHIN = 5
"""Seconds after which a sync that nobody took may have lost its bell."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found: districts with work that was rung for again, and syncs that it settled."""

    rung: int
    settled: int


async def sweep(engine: SyncContext) -> Swept:
    """Ring for work that waits, and settle syncs past `settles_by`. Needs PostgreSQL only.

    Safe in any number of processes: a lost ring rung twice costs nothing, and a sync settles once.
    """
    async with engine.database.without_tenant() as db:
        overdue = await queue.overdue(db)
        waiting = await queue.unrung(
            db, older_than_seconds=RUNG_WITHIN, takeover_wait_seconds=engine.bounds.call_timeout
        )
    settled = 0
    reasons = {district_id: await _why(engine, district_id) for district_id in {one for one, _ in overdue}}
    for district_id, sync_id in overdue:
        settled += await _settle(engine, district_id, sync_id, reasons[district_id])
    for district_id in waiting:
        await engine.bell.ring(district_id)
    SWEEPS.labels("settled").inc(settled)
    SWEEPS.labels("rung").inc(len(waiting))
    return Swept(rung=len(waiting), settled=settled)


async def settle_overdue(engine: SyncContext, district_id: str, sync_id: str) -> bool:
    """Settle a sync that is past its bound as failed `timed-out`; False where it is not, or is settled.

    What was recorded stands; what was read and has no outcome is counted as failed, not attempted. Systems
    that no sync of the district may call now are named.
    """
    async with engine.database.district(district_id) as db:
        if not await syncs.is_overdue(db, sync_id):
            return False
    return await _settle(engine, district_id, sync_id, await _why(engine, district_id))


async def _settle(engine: SyncContext, district_id: str, sync_id: str, why: str) -> bool:
    async with engine.database.district(district_id) as db:
        sync = await syncs.get(db, sync_id)
        settled = sync and await end_as_it_is(db, sync, None, Reason.TIMED_OUT, why)
    if settled is None:  # by now
        return False
    record_settled(settled)
    log.warning("sync.timed-out", district=district_id, sync=str(sync_id))
    return True


async def _why(engine: SyncContext, district_id: str) -> str:
    """What keeps a district's syncs waiting, as far as it is known at once: a sync ends without it too."""
    with suppress(SecretUnreadable, TimeoutError):
        async with engine.database.district(district_id) as db:
            district = await districts.get(db)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return circuits(await engine.systems.open_circuits(district)) if district else ""
    return ""


async def end_as_it_is(
    db: AsyncSession, sync: Sync, token: str | None, reason: Reason, detail: str = ""
) -> Sync | None:
    """Settle a sync as failed with the counts that are stored. Without a `token` only an overdue one.

    Who calls it tells the metrics, once the transaction is over. None where it is not ours to end.
    """
    return await syncs.settle(
        db,
        sync.id,
        token,
        status="failed",
        applied="some" if _wrote(sync) else "none",
        assignments=closed(sync.assignments),
        scores=closed(sync.scores),
        error_code=reason,
        error_detail=detail,
    )


def circuits(tripped: Sequence[str]) -> str:
    """The systems whose circuit is open, in words; empty for none."""
    return f"circuit open: {', '.join(tripped)}" if tripped else ""


def _wrote(sync: Sync) -> bool:
    return any(sync.assignments.get(kind) or sync.scores.get(kind) for kind in WRITES)
