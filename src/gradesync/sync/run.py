"""Sees a claimed sync through: read, plan, apply, settle. Whatever happens, it ends or goes back."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from gradesync.core.district import District
from gradesync.core.reasons import Reason
from gradesync.db import syncs
from gradesync.db.syncs import Sync
from gradesync.errors import LeaseLost, Rejected, Retriable, SyncStopped
from gradesync.observability.tracing import begun
from gradesync.sync.attempt import Attempt, open_attempt
from gradesync.sync.claim import Claimed, claim
from gradesync.sync.context import SyncContext
from gradesync.sync.journal import Settlement, SliceOver
from gradesync.sync.lease import Lease
from gradesync.sync.metrics import LEASES_LOST, mode, record_settled
from gradesync.sync.outcomes import note_not_attempted
from gradesync.sync.stages import run_stages
from gradesync.sync.sweep import circuits, end_as_it_is

log = structlog.get_logger()

OURS = (DataError, IntegrityError, ProgrammingError)
"""What the database says of a statement, not of itself: trying again cannot help."""
RESTING = 2.0
"""Seconds that a sync rests whose database went away under it."""


async def work(engine: SyncContext) -> bool:
    """Claim the next sync, of the district that was served longest ago, and see it through.

    False where nothing can be claimed now.
    """
    claimed = await claim(engine)
    if claimed is None:
        return False
    await perform(engine, claimed)
    return True


async def perform(engine: SyncContext, claimed: Claimed) -> None:
    """One attempt at one claimed sync. Raises nothing but cancellation, which gives the sync back first."""
    district, sync, lease = claimed.district, claimed.sync, claimed.lease
    bound = structlog.contextvars.bound_contextvars(
        district=district.id, section=sync.section_id, sync=str(sync.id)
    )
    facts = {"gradesync.district.id": district.id, "gradesync.sync.id": sync.id, "gradesync.mode": mode(sync)}
    with bound, begun("sync", facts, kind="consumer", parent=sync.trace) as span:
        attempt: Attempt | None = None
        try:
            async with lease.kept():
                attempt = await open_attempt(engine, claimed)
                await run_stages(attempt)
            log.info("sync.settled")
        except asyncio.CancelledError:
            await asyncio.shield(_give_back(engine, sync, lease))
            raise
        except Exception as error:
            try:
                await _end(engine, district, sync, lease, attempt=attempt, error=error)
            except LeaseLost:
                log.warning("sync.lease-lost")
                LEASES_LOST.inc()
        if attempt is not None and (settled := attempt.journal.settled) is not None:
            code = settled.error_code or "none"
            span.tell({"gradesync.status": settled.status, "gradesync.code": code})


async def _end(
    engine: SyncContext,
    district: District,
    sync: Sync,
    lease: Lease,
    *,
    attempt: Attempt | None,
    error: Exception,
) -> None:
    """Do what an error asks for: give the sync back, or settle it with the reason. Raises `LeaseLost`."""
    match error:
        case LeaseLost():
            raise error
        case SliceOver():
            await _give_back(engine, sync, lease)
        case Retriable(retry_at=datetime() as later) if later < sync.settles_by:
            log.info("sync.waits", until=later.isoformat())
            await _flush(attempt)
            await _give_back(engine, sync, lease, (later - engine.clock()).total_seconds())
        case Retriable():
            tripped = await engine.systems.open_circuits(district)
            why = _Stop(
                Reason.UPSTREAM_UNAVAILABLE, "; ".join(filter(None, (error.detail, circuits(tripped))))
            )
            await _stop(engine, attempt, sync, lease, why)
        case SyncStopped() | Rejected():
            await _stop(engine, attempt, sync, lease, _Stop(Reason(error.reason), error.detail))
        case DBAPIError() | OSError() if not isinstance(error, OURS):
            log.warning("sync.database-away", error=type(error).__name__)
            await _give_back(engine, sync, lease, RESTING)
        case _:
            log.exception("sync.error")
            await _stop(engine, attempt, sync, lease, _Stop(Reason.INTERNAL_ERROR))


@dataclass(frozen=True, slots=True)
class _Stop:
    """Why a sync cannot go on."""

    reason: Reason
    detail: str = ""


async def _stop(engine: SyncContext, attempt: Attempt | None, sync: Sync, lease: Lease, why: _Stop) -> None:
    """Settle a sync that cannot go on, with every outcome that it owes."""
    log.warning("sync.stopped", reason=why.reason)
    if attempt is None:  # what is stored of the section could not be loaded: there is nothing to add
        async with engine.database.district(sync.district_id) as db:
            settled = await end_as_it_is(db, sync, lease.token, why.reason, why.detail)
        if settled is None:
            raise LeaseLost("the sync is no longer this worker's")
        record_settled(settled)
        return
    if attempt.journal.plan is not None:
        note_not_attempted(attempt.journal, attempt.journal.plan)
    await attempt.journal.settle(Settlement(reason=why.reason, detail=why.detail))


async def _flush(attempt: Attempt | None) -> None:
    """Record what was done before the sync goes back to the queue."""
    if attempt is not None and attempt.journal.plan is not None:
        with suppress(SliceOver):
            await attempt.journal.record("writing")


async def _give_back(engine: SyncContext, sync: Sync, lease: Lease, rest: float = 0) -> None:
    """Put a sync back into the queue, for `rest` seconds at least; else its lease lapses."""
    try:
        async with engine.database.district(sync.district_id) as db:
            await syncs.release(db, sync.id, lease.token, not_before=max(0.0, rest))
    except (DBAPIError, OSError) as error:
        log.warning("sync.not-given-back", error=type(error).__name__)
        return
    await engine.bell.ring(sync.district_id)
