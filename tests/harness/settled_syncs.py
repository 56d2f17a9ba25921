"""Store settled syncs, with the time that they took and what they wrote."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

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


async def add_settled(
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
