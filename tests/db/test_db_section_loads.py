"""Check what stored syncs say of a district's load: the writes of its sections, and the time of a call."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gradesync.core.rehearsal import SectionLoad
from gradesync.db import section_loads
from gradesync.db.codec import first_id_at
from gradesync.db.session import Database

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ADD = text("""
    INSERT INTO sync (id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, requested_at, settles_by, started_at, finished_at, attempt,
                      assignments, scores)
    VALUES (:id, :section, 'complete', 'settled', 'all', 'changes', :dry_run, 'teacher', '1', :at, :at, :at,
            :end, 1, jsonb_build_object('created', CAST(:created AS int)),
            jsonb_build_object('written', CAST(:written AS int), 'unchanged', 90))
""")


async def add(
    database: Database,
    section: str,
    at: float,
    seconds: float,
    *,
    created: int = 0,
    written: int = 0,
    dry_run: bool = False,
) -> None:
    """Store a sync that began so many seconds after noon."""
    began = NOON + timedelta(seconds=at)
    values = {"section": section, "created": created, "written": written, "dry_run": dry_run}
    values |= {"id": first_id_at(began), "at": began, "end": began + timedelta(seconds=seconds)}
    async with database.district("riverside") as db:
        await db.execute(ADD, values)


async def test_loads_are_those_of_later_syncs(database: Database) -> None:
    await add(database, "1", 0, 9, created=30, written=900)
    await add(database, "1", 100, 1, written=4)
    await add(database, "1", 200, 1, written=8)
    await add(database, "1", 300, 1, written=999, dry_run=True)
    await add(database, "2", 400, 9, created=2, written=20)
    async with database.district("riverside") as db:
        assert await section_loads.list_loads(db) == [SectionLoad("1", 0, 6), SectionLoad("2", 2, 20)]
    async with database.district("hilltop") as db:
        assert await section_loads.list_loads(db) == []


async def test_latency_is_of_syncs_that_ran_alone(database: Database) -> None:
    for section in "12":
        await add(database, section, int(section), 0.5)
    await add(database, "1", 100, 1.0, written=4)  # two rounds of calls
    await add(database, "1", 200, 0.5)
    await add(database, "2", 300, 60)
    await add(database, "1", 301, 60)
    async with database.district("riverside") as db:
        measured = await section_loads.measure_latency(db, rows_per_write=500)
    assert measured.seconds == pytest.approx(0.5)
    assert measured.syncs == 2


async def test_latency_is_unknown_without_later_syncs(database: Database) -> None:
    await add(database, "1", 0, 9, created=30)
    async with database.district("riverside") as db:
        assert await section_loads.measure_latency(db, rows_per_write=500) == (None, 0)
