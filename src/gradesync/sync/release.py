"""Give leases back: at once, or as soon as the database is back."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from time import monotonic

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import queue, syncs
from gradesync.db.session import DATABASE_AWAY
from gradesync.errors import Retriable, name_cause
from gradesync.sync.claim import Claimed
from gradesync.sync.context import Release, SyncContext

log = structlog.get_logger()


async def release(context: SyncContext, claimed: Claimed, pause: float = 0) -> None:
    """Put a sync back into the queue, for `pause` seconds at least, and until no call of it is on its way.

    Where the database is away, the lease is kept for `retry_releases`.
    """
    lease = claimed.lease
    left = Release(lease.district_id, lease.token, ready_at=max(monotonic() + pause, lease.lands))
    context.unreleased.add(left)
    try:
        await _give_back(context, left, context.database.district(left.district_id))
    except DATABASE_AWAY as error:
        log.warning("sync.not-released", error=name_cause(error))


async def find_wait(context: SyncContext, claimed: Claimed, error: Retriable) -> float | None:
    """Return the seconds until a sync may be tried again, 0 where it is paused; None where it must end.

    Systems are often paused because one of them is taken down: what fails then only waits.
    """
    if error.retry_at is not None and error.retry_at < claimed.calls_until(context.limits):
        log.info("sync.waits", until=error.retry_at.isoformat())
        return (error.retry_at - context.clock()).total_seconds()
    async with context.database.district(claimed.district.id) as db:
        return None if await queue.find_pause(db, claimed.sync.section_id) is None else 0.0


async def retry_releases(context: SyncContext) -> None:
    """Give back the leases that could not be given back, unless the database is still away.

    One that another worker has taken over is forgotten, and one that was never granted.
    """
    await asyncio.gather(*(_try_to_give_back(context, left) for left in list(context.unreleased)))


async def _try_to_give_back(context: SyncContext, left: Release) -> None:
    # A claim that was given up may still wait for this lock: whoever gets it later sees what it granted.
    locked = context.database.with_lock(left.district_id, queue.CLAIMS)
    with suppress(*DATABASE_AWAY):
        await _give_back(context, left, locked)


async def _give_back(
    context: SyncContext, left: Release, opened: AbstractAsyncContextManager[AsyncSession]
) -> None:
    pause = max(0.0, left.ready_at - monotonic())
    async with opened as db:
        ours = await syncs.release(db, left.token, not_before=pause)
        if ours:
            await queue.mark_waiting(db)
    context.unreleased.discard(left)
    if ours:
        await context.wakeup.notify(left.district_id)
