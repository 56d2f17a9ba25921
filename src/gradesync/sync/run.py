"""Run a claimed sync to its end. Whatever happens, it settles or goes back to the queue."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from gradesync.core.reasons import Reason
from gradesync.db import syncs
from gradesync.errors import LeaseLost, Rejected, Retriable, SyncStopped
from gradesync.observability.tracing import start_span
from gradesync.sync.attempt import Attempt, open_attempt
from gradesync.sync.claim import Claimed, claim
from gradesync.sync.context import SyncContext
from gradesync.sync.journal import Settlement, SliceOver, still_ours
from gradesync.sync.metrics import LEASES_LOST, mode, record_settled
from gradesync.sync.outcomes import note_not_attempted
from gradesync.sync.stages import run_stages
from gradesync.sync.sweep import render_circuits, settle_as_failed

log = structlog.get_logger()

# The database refuses the statement, and is not away: trying again cannot help.
STATEMENT_ERRORS = (DataError, IntegrityError, ProgrammingError)
DATABASE_AWAY_SECONDS = 2.0


async def run_next_sync(context: SyncContext) -> bool:
    """Claim the next sync, of the district that was served longest ago, and run it.

    False where nothing can be claimed now.
    """
    claimed = await claim(context)
    if claimed is None:
        return False
    await run_sync(context, claimed)
    return True


async def run_sync(context: SyncContext, claimed: Claimed) -> None:
    """Make one attempt at a claimed sync. Raises nothing but cancellation, which releases the sync first."""
    district, sync = claimed.district, claimed.sync
    bound = structlog.contextvars.bound_contextvars(
        district=district.id, section=sync.section_id, sync=str(sync.id)
    )
    facts = {"gradesync.district.id": district.id, "gradesync.sync.id": sync.id, "gradesync.mode": mode(sync)}
    with bound, start_span("sync", facts, kind="consumer", parent=sync.trace) as span:
        attempt: Attempt | None = None
        try:
            async with claimed.lease.renewing():
                attempt = await open_attempt(context, claimed)
                await run_stages(attempt)
            log.info("sync.settled")
        except asyncio.CancelledError:
            await asyncio.shield(_release(context, claimed))
            raise
        except Exception as error:
            try:
                await _handle_failure(context, claimed, attempt, error)
            except LeaseLost:
                log.warning("sync.lease-lost")
                LEASES_LOST.inc()
        if attempt is not None and (settled := attempt.journal.settled) is not None:
            code = settled.error_code or "none"
            span.set_attributes({"gradesync.status": settled.status, "gradesync.code": code})


async def _handle_failure(
    context: SyncContext, claimed: Claimed, attempt: Attempt | None, error: Exception
) -> None:
    """Release the sync or settle it as failed, as the error demands. Raises `LeaseLost`."""
    match error:
        case LeaseLost():
            raise error
        case SliceOver():
            await _release(context, claimed)
        case Retriable(retry_at=datetime() as later) if later < claimed.sync.settles_by:
            log.info("sync.waits", until=later.isoformat())
            await _flush(attempt)
            await _release(context, claimed, (later - context.clock()).total_seconds())
        case Retriable():
            circuits = render_circuits(await context.systems.open_circuits(claimed.district))
            detail = "; ".join(filter(None, (error.detail, circuits)))
            await _stop(context, claimed, attempt, _Stop(Reason.UPSTREAM_UNAVAILABLE, detail))
        case SyncStopped() | Rejected():
            await _stop(context, claimed, attempt, _Stop(Reason(error.reason), error.detail))
        case DBAPIError() | OSError() if not isinstance(error, STATEMENT_ERRORS):
            log.warning("sync.database-away", error=type(error).__name__)
            await _release(context, claimed, DATABASE_AWAY_SECONDS)
        case _:
            log.exception("sync.error")
            await _stop(context, claimed, attempt, _Stop(Reason.INTERNAL_ERROR))


@dataclass(frozen=True, slots=True)
class _Stop:
    """Describe why a sync cannot go on."""

    reason: Reason
    detail: str = ""


async def _stop(context: SyncContext, claimed: Claimed, attempt: Attempt | None, stop: _Stop) -> None:
    """Settle a sync that cannot go on, with an outcome for everything that it read."""
    log.warning("sync.stopped", reason=stop.reason)
    if attempt is None:  # what is stored of the section could not be loaded: there is nothing to add
        async with context.database.district(claimed.district.id) as db:
            settled = await settle_as_failed(db, claimed.sync, claimed.lease.token, stop.reason, stop.detail)
        record_settled(still_ours(settled))
        return
    if attempt.journal.plan is not None:
        note_not_attempted(attempt.journal, attempt.journal.plan)
    await attempt.journal.settle(Settlement(reason=stop.reason, detail=stop.detail))


async def _flush(attempt: Attempt | None) -> None:
    """Record what was done before the sync goes back to the queue."""
    if attempt is not None and attempt.journal.plan is not None:
        with suppress(SliceOver):
            await attempt.journal.record("writing")


async def _release(context: SyncContext, claimed: Claimed, pause: float = 0) -> None:
    """Put a sync back into the queue, for `pause` seconds at least. If that fails, its lease lapses."""
    sync = claimed.sync
    try:
        async with context.database.district(sync.district_id) as db:
            await syncs.release(db, sync.id, claimed.lease.token, not_before=max(0.0, pause))
    except (DBAPIError, OSError) as error:
        log.warning("sync.not-released", error=type(error).__name__)
        return
    await context.wakeup.notify(sync.district_id)
