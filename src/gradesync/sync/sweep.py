"""Finds what was lost: rings that nobody heard, leases that lapsed, syncs past their bound."""

from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.reasons import Reason
from gradesync.db import queue, syncs
from gradesync.db.syncs import Sync
from gradesync.sync.engine import Engine
from gradesync.sync.tally import WRITES, closed

log = structlog.get_logger()

RUNG_WITHIN = 5
"""Seconds after which a sync that nobody took must have lost its bell."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found: districts with work that was rung for again, and syncs that it settled."""

    rung: int
    settled: int


async def sweep(engine: Engine) -> Swept:
    """Ring for work that waits, and settle syncs past `settles_by`. Needs PostgreSQL only.

    Safe in any number of processes: a lost ring rung twice costs nothing, and a sync settles once.
    """
    async with engine.database.open_door() as db:
        overdue = await queue.overdue(db)
        waiting = await queue.unrung(
            db, older_than_seconds=RUNG_WITHIN, takeover_wait_seconds=engine.bounds.call_timeout
        )
    settled = 0
    for district_id, sync_id in overdue:
        settled += await settle_overdue(engine, district_id, sync_id)
    for district_id in waiting:
        await engine.bell.ring(district_id)
    return Swept(rung=len(waiting), settled=settled)


async def settle_overdue(engine: Engine, district_id: str, sync_id: str) -> bool:
    """Settle a sync that is past its bound as failed `timed-out`; False where it has settled already.

    What was recorded stands; what was read and has no outcome is counted as failed, not attempted.
    """
    async with engine.database.district(district_id) as db:
        sync = await syncs.get(db, sync_id)
        if sync is None or sync.status != "processing":
            return False
        settled = await end_as_it_is(db, sync, None, Reason.TIMED_OUT)
    if settled:
        log.warning("sync.timed-out", district=district_id, sync=str(sync_id))
    return settled


async def end_as_it_is(
    db: AsyncSession, sync: Sync, token: str | None, reason: Reason, detail: str = ""
) -> bool:
    """Settle a sync as failed with the counts that are stored. Without a `token` only an overdue one."""
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


def _wrote(sync: Sync) -> bool:
    return any(sync.assignments.get(kind) or sync.scores.get(kind) for kind in WRITES)
