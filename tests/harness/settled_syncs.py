"""Store settled syncs, with the time that they took and what they wrote."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from gradesync.db.codec import first_id_at
from gradesync.db.session import Database

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ADD = text("""
    INSERT INTO sync (id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, requested_at, settles_by, started_at, finished_at, attempt,
                      error_code, undo, assignments, scores)
    VALUES (:id, :section, :status, 'settled', :applied, 'changes', :dry_run, 'teacher', '1', :at, :at, :at,
            :end, 1, :error, CAST(:undo AS jsonb), jsonb_build_object('created', CAST(:created AS int)),
            jsonb_build_object('written', CAST(:written AS int), 'unchanged', 90,
                               'failed', CAST(:failed AS int)))
""")


async def add_settled(
    database: Database,
    section: str,
    at: float,
    seconds: float,
    *,
    created: int = 0,
    written: int = 0,
    failed: int = 0,
    error: str | None = None,
    dry_run: bool = False,
    undo: bool = False,
) -> None:
    """Store a sync that began so many seconds after noon. `failed` scores and an `error` make it fail."""
    began = NOON + timedelta(seconds=at)
    complete = not failed and error is None
    applied = "all" if complete else "some" if created or written else "none"
    values = {
        "section": section,
        "status": "complete" if complete else "failed",
        "applied": "none" if dry_run else applied,
        "created": created,
        "written": written,
        "failed": failed,
        "error": error,
        "dry_run": dry_run,
        "undo": '{"sync": "1"}' if undo else None,
        "id": first_id_at(began),
        "at": began,
        "end": began + timedelta(seconds=seconds),
    }
    async with database.district("riverside") as db:
        await db.execute(ADD, values)
