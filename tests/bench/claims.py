"""Measure the queue in PostgreSQL alone, with a thousand districts and a backlog in each."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from time import perf_counter
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import owner
from bench.measure import Measure
from gradesync.db import queue, syncs
from gradesync.db.codec import uuid7
from gradesync.db.queue import WAITING
from gradesync.db.session import Database
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

DISTRICTS, EACH, SETTLED = 1000, 100, 500
"""Count districts, queued syncs of each, and settled syncs of each."""
CLAIMS = 300
TAKEOVER = 30.0
FILL = text("""
    INSERT INTO sync (district_id, id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, settles_by, not_before)
    SELECT :district, id, (7900000000 + n)::text,
           CASE WHEN n <= :settled THEN 'complete' ELSE 'processing' END,
           'queued', 'none', 'changes', false, 'teacher', '1', now() + interval '1 day', now()
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS new (id, n)
""")
PLAN = text("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) " + WAITING.text)


async def fill(connection: AsyncConnection, districts: int, each: int, kept: int) -> Sequence[str]:
    """Queue syncs in many districts and return the districts."""
    names = [f"d{number:05}" for number in range(districts)]
    for name in names:
        ids = [uuid7() for _ in range(each + kept)]
        await connection.execute(FILL, {"district": name, "ids": ids, "settled": kept})
    await connection.execute(text("ANALYZE sync"))
    return names


async def claims(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure a claim in the database, from the list of waiting districts to the lease."""
    districts, times = (100, 50) if quick else (DISTRICTS, CLAIMS)
    async with open_runtime(settings, name="bench") as runtime, owner(settings) as connection:
        await fill(connection, districts, EACH, SETTLED)
        taken = [await _claimed(runtime.context.database) for _ in range(times)]
    finding, claiming = ([pair[part] * 1000 for pair in taken] for part in (0, 1))
    name = f"{districts:,} districts x {EACH} queued, {SETTLED} settled"
    return [
        Measure(f"{name}: who waits, ms", None, median(finding)),
        Measure(f"{name}: claim, ms", None, median(claiming)),
        Measure(f"{name}: slowest claim of {times}, ms", None, max(map(sum, taken)) * 1000),
    ]


async def _claimed(database: Database) -> tuple[float, float]:
    """Claim and settle a sync of the district that waited longest; return seconds to find and claim it."""
    began = perf_counter()
    async with database.without_tenant() as db:
        district, *_ = await queue.list_waiting_districts(db, takeover_wait_seconds=TAKEOVER)
    found = perf_counter()
    async with database.with_lock(district, queue.CLAIMS) as db:
        sync = await queue.claim(
            db, str(uuid4()), lease_seconds=60, takeover_wait_seconds=TAKEOVER, per_district=4
        )
    claimed = perf_counter()
    assert sync is not None
    async with database.district(district) as db:
        await syncs.settle(db, sync.id, sync.lease_token, status="complete", applied="all")
    return found - began, claimed - found


async def explained(settings: Settings, districts: int = DISTRICTS) -> list[str]:
    """Return PostgreSQL's plan of the query for waiting districts."""
    async with owner(settings) as connection:
        await fill(connection, districts, EACH, SETTLED)
        bounds = {"takeover_wait": timedelta(seconds=TAKEOVER), "older_than": timedelta()}
        return list((await connection.execute(PLAN, bounds)).scalars())
