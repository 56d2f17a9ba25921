"""Write a row every few milliseconds, and measure how long no write was acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic

from sqlalchemy import text

from gradesync.db import tokens
from gradesync.db.session import DATABASE_AWAY, Database

DISTRICT = "probe"
EVERY = 0.02


@dataclass
class Probe:
    """Count acknowledged writes, and hold the time of each."""

    database: Database
    times: list[float] = field(default_factory=list)

    async def write(self) -> None:
        """Write until canceled; a write that fails is written again under its number."""
        until = datetime.now(UTC) + timedelta(days=1)
        while True:
            try:
                async with self.database.district(DISTRICT) as db:
                    await tokens.use(db, f"probe {len(self.times)}", until)
            except DATABASE_AWAY:
                await asyncio.sleep(EVERY)
                continue
            self.times.append(monotonic())
            await asyncio.sleep(EVERY)

    def gap(self, since: float) -> tuple[float, float]:
        """Return the longest time without an acknowledged write since then, and when it ended."""
        times = [time for time in self.times if time >= since - 1]
        return max((after - before, after) for before, after in pairwise(times))

    async def lost(self) -> int:
        """Return how many acknowledged writes the database does not have."""
        async with self.database.district(DISTRICT) as db:
            found = await db.scalar(text("SELECT count(*) FROM used_token"))
        return len(self.times) - min(len(self.times), int(found or 0))


@asynccontextmanager
async def probing(database: Database) -> AsyncIterator[Probe]:
    """Write while the block lasts."""
    probe = Probe(database)
    writing = asyncio.create_task(probe.write())
    try:
        yield probe
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
