"""Pause and resume syncs for a person."""

import structlog

from gradesync.db import pauses
from gradesync.db.districts import open_staying
from gradesync.db.pauses import Where
from gradesync.db.queue import Pause
from gradesync.sync.context import SyncContext
from gradesync.sync.manual_links import Author

log = structlog.get_logger()


async def pause(context: SyncContext, district_id: str, where: Where, reason: str, by: Author) -> Pause:
    """Pause a district, a school or a section at once. The reason is what teachers read."""
    async with open_staying(context.database, district_id) as db:
        paused = await pauses.pause(db, where, reason, by.actor, by.source_ip)
    log.warning("syncs.paused", district=district_id, level=paused.level, target=paused.target)
    return paused


async def resume(
    context: SyncContext, district_id: str, pause_id: str, by: Author, *, least_seconds: float
) -> Pause | None:
    """Lift a pause, and wake nobody; None where there is none.

    Each sync that goes on has `least_seconds` at least.
    """
    async with open_staying(context.database, district_id) as db:
        lifted = await pauses.resume(db, pause_id, by.actor, by.source_ip, least_seconds=least_seconds)
    if lifted is not None:
        log.warning("syncs.resumed", district=district_id, level=lifted.level, target=lifted.target)
    return lifted
