"""Reserve calls for work that no sync may wait for: pre-flights, comparisons and totals."""

from gradesync.core.district import District
from gradesync.db import queue
from gradesync.sync.context import SyncContext


async def reserve_spare_calls(context: SyncContext, district: District, calls: int) -> bool:
    """Reserve calls to Schoology; False where a sync waits, or would have to wait for them."""
    async with context.database.district(district.id) as db:
        waiting = await queue.count_queued(db)
    return not waiting and await context.systems.reserve_spare(district, calls)
