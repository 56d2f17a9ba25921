"""Reserve calls for work that no sync may wait for: pre-flights, comparisons, totals, reads for a person."""

import asyncio
from dataclasses import dataclass

from gradesync.core.district import District
from gradesync.db import queue
from gradesync.sync.context import SyncContext

WAIT_SECONDS = 0.5  # between two looks whether syncs still wait


@dataclass(frozen=True, slots=True)
class SpareTurn:
    """Permit calls to the SIS one by one, while no sync of the district waits. Nothing needs a lease."""

    context: SyncContext
    district_id: str

    async def wait_turn(self) -> None:
        while True:
            async with self.context.database.district(self.district_id) as db:
                if not await queue.count_queued(db):
                    return
            await asyncio.sleep(WAIT_SECONDS)

    async def __call__(self, seconds: float) -> None:
        """Permit it: a call that had to wait did so before."""

    def note_lost(self, seconds: float) -> None:
        """Forget it: nothing is written in such a turn."""


async def reserve_spare_calls(context: SyncContext, district: District, calls: int) -> bool:
    """Reserve calls to Schoology; False where a sync waits, or would have to wait for them."""
    async with context.database.district(district.id) as db:
        waiting = await queue.count_queued(db)
    return not waiting and await context.systems.reserve_spare(district, calls)
