"""Measure the queue in PostgreSQL alone, with a thousand and ten thousand districts that all wait."""

from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import owner
from bench.measure import Measure
from gradesync.db import queue, syncs
from gradesync.db.codec import Secrets
from gradesync.db.queue import CLAIMABLE
from gradesync.db.session import Database
from gradesync.db.syncs import NEVER
from gradesync.settings import Settings

SIZES = ((1000, 100, 500), (10_000, 10, 20))
"""Count districts, queued syncs of each, and settled syncs of each."""
QUICK_SIZES = ((100, 100, 500), (1000, 10, 20))
TARGET = 5.0  # milliseconds from the list of districts to the lease, where the most districts wait
CLAIMS = 300
TAKEOVER = 30.0
PER_DISTRICT = 4
FILL = text("""
    INSERT INTO sync (district_id, id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, settles_by, not_before)
    SELECT 'd' || lpad(d::text, 5, '0'), uuidv7(), (7900000000 + n)::text,
           CASE WHEN n <= CAST(:settled AS int) THEN 'complete' ELSE 'processing' END,
           'queued', 'none', 'changes', false, 'teacher', '1', now() + interval '1 day', now()
    FROM generate_series(1, CAST(:districts AS int)) d,
         generate_series(1, CAST(:each AS int) + CAST(:settled AS int)) n
""")
MARK = text("""
    INSERT INTO turn (district_id, served_at, waiting)
    SELECT DISTINCT district_id, CAST('epoch' AS timestamptz), true
    FROM sync
    ON CONFLICT (district_id) DO UPDATE SET served_at = excluded.served_at, waiting = true
""")
CAN_START = 10  # districts that can be claimed, where nearly none can
# Of the others a few are at their limit, as many as eight workers of 40 syncs at once can serve, and of the
# rest each second one is paused.
HOLD_BACK = text("""
    UPDATE sync SET
        lease_token = CASE WHEN d <= 80 AND n <= 4 THEN gen_random_uuid() END,
        lease_until = CASE WHEN d <= 80 AND n <= 4 THEN now() + interval '1 hour' END,
        paused_at = CASE WHEN d > 80 AND d % 2 = 0 THEN now() END,
        ready_at = CASE WHEN d > 80 AND d % 2 = 0 THEN not_before END,
        not_before = CASE WHEN d <= 80 THEN not_before WHEN d % 2 = 0 THEN CAST(:never AS timestamptz)
                          ELSE now() + interval '1 hour' END
    FROM (SELECT id, CAST(substr(district_id, 2) AS int) AS d,
                 row_number() OVER (PARTITION BY district_id) AS n
          FROM sync WHERE status = 'processing') numbered
    WHERE sync.id = numbered.id AND d <= CAST(:districts AS int) - CAST(:can_start AS int)
""")
PLAN = text("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) " + str(CLAIMABLE))


async def fill(connection: AsyncConnection, districts: int, each: int, settled: int) -> None:
    """Make so many districts the only ones, each with queued and settled syncs."""
    await connection.execute(text("TRUNCATE sync, turn"))
    await connection.execute(FILL, {"districts": districts, "each": each, "settled": settled})
    await connection.execute(MARK)
    await connection.execute(text("VACUUM ANALYZE sync, turn"))


async def hold_back(connection: AsyncConnection, districts: int) -> None:
    """Keep nearly all districts from starting: they are paused, deferred, or at their limit."""
    values = {"districts": districts, "can_start": CAN_START, "never": NEVER}
    await connection.execute(HOLD_BACK, values)
    await connection.execute(text("VACUUM ANALYZE sync, turn"))


class Claimed(NamedTuple):
    """Hold the seconds of a claim: to find whom it is for, of both statements, and PostgreSQL's processor."""

    finding: float
    whole: float
    processor: float


async def claims(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure a claim in the database, from the list of waiting districts to the lease."""
    sizes, times = (QUICK_SIZES, 50) if quick else (SIZES, CLAIMS)
    measures = []
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    secrets = Secrets([key.get_secret_value() for key in settings.secret_keys])
    database = Database.open(url, secrets, application_name="bench", pool_size=1)
    async with owner(settings) as connection:
        for districts, each, settled in sizes:
            await fill(connection, districts, each, settled)
            name = f"{districts:,} districts x {each} queued, {settled} settled"
            bound = TARGET if districts == sizes[-1][0] else None
            measures += await _measured(database, name, bound, times)
        await fill(connection, districts, each, settled)
        await hold_back(connection, districts)
        name = f"{districts:,} districts wait and {CAN_START} of them can start"
        measures += await _measured(database, name, TARGET, min(times, CAN_START * each))
    await database.close()
    return measures


async def _measured(database: Database, name: str, bound: float | None, times: int) -> list[Measure]:
    """Measure so many claims. `bound`: the most milliseconds of PostgreSQL's processor."""
    taken = [await _claimed(database) for _ in range(times)]
    processor = median(each.processor for each in taken)
    finding = median(each.finding for each in taken) * 1000
    return [
        Measure(f"{name}: who waits, ms", None, finding),
        Measure(f"{name}: a claim, PostgreSQL's processor, ms", bound, processor * 1000),
        Measure(f"{name}: a claim, ms", None, median(each.whole for each in taken) * 1000),
        Measure(f"{name}: slowest of {times}, ms", None, max(each.whole for each in taken) * 1000),
    ]


async def _claimed(database: Database) -> Claimed:
    """Claim and settle a sync of the district that waited longest."""
    async with database.without_tenant() as db:
        backend = await db.scalar(text("SELECT pg_backend_pid()"))
    used, began = _processor_seconds(backend), perf_counter()
    async with database.for_statement() as db:
        (district, _), *_ = await queue.list_waiting_districts(
            db, takeover_wait_seconds=TAKEOVER, per_district=PER_DISTRICT
        )
    found = perf_counter()
    async with database.for_statement() as db:
        granted = await queue.claim(
            db,
            district,
            str(uuid4()),
            lease_seconds=60,
            takeover_wait_seconds=TAKEOVER,
            per_district=PER_DISTRICT,
        )
    claimed = Claimed(found - began, perf_counter() - began, _processor_seconds(backend) - used)
    assert granted is not None
    sync = granted.sync
    async with database.district(district) as db:
        await syncs.settle(db, sync.id, sync.lease_token, status="complete", applied="all")
    return claimed


def _processor_seconds(process: int) -> float:
    """Return how long a process has run by Linux: on a busy machine, all else waits for others too."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


async def explained(settings: Settings) -> list[str]:
    """Return PostgreSQL's plan of the query for waiting districts."""
    async with owner(settings) as connection:
        await fill(connection, *SIZES[-1])
        bounds = {"takeover_wait": timedelta(seconds=TAKEOVER), "per_district": PER_DISTRICT, "at_most": 20}
        bounds |= queue.FIRST_TURN._asdict()
        return list((await connection.execute(PLAN, bounds)).scalars())
