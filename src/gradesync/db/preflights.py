"""Store pre-flight reports: one at a time in a district, made section by section under a lease."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.preflight import Obstacle
from gradesync.core.reasons import Reason
from gradesync.db.codec import LOG_KEPT, parse, uuid7
from gradesync.db.tables import metadata

PREFLIGHT = metadata.tables["preflight"]
FINDING = metadata.tables["preflight_finding"]
LINK = metadata.tables["section_link"].c
NOW: ColumnElement[datetime] = func.statement_timestamp()
PROCESSING = PREFLIGHT.c.status == "processing"
WAITING = text("SELECT district_id FROM tenantless_preflight_districts()")


@dataclass(frozen=True, slots=True)
class Preflight:
    """Describe the state of a report. `sections` None: all of the district; `found`: its findings so far.

    `read_through` is the last section that was examined; `tries` counts attempts at the next one.
    """

    id: str
    status: str
    sections: Sequence[str] | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: datetime
    done: int
    total: int
    found: int
    reasons: Mapping[str, int]
    error_code: str | None
    error_detail: str
    read_through: str
    tries: int
    lease_token: UUID | None


FIELDS = tuple(each.name for each in fields(Preflight))


async def begin(
    db: AsyncSession, *, sections: Sequence[str] | None, requested_by: str, settles_in: float
) -> Preflight | None:
    """Queue a report; None where the district has one processing."""
    chosen = None if sections is None else sorted(set(sections))
    known = await db.scalar(select(func.count(LINK.section_id))) or 0
    new = {
        "id": uuid7(),
        "status": "processing",
        "sections": chosen,
        "requested_by": requested_by,
        "settles_by": NOW + timedelta(seconds=settles_in),
        "total": known if chosen is None else len(chosen),
    }
    statement = insert(PREFLIGHT).values(new).on_conflict_do_nothing().returning(*PREFLIGHT.c)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else _preflight(row)


async def get(db: AsyncSession, preflight_id: str) -> Preflight | None:
    row = (await db.execute(select(PREFLIGHT).where(PREFLIGHT.c.id == parse(preflight_id)))).one_or_none()
    return None if row is None else _preflight(row)


async def get_running(db: AsyncSession) -> Preflight | None:
    """Return the district's one report that is being made."""
    row = (await db.execute(select(PREFLIGHT).where(PROCESSING))).one_or_none()
    return None if row is None else _preflight(row)


async def page(db: AsyncSession, *, before: str | None = None, limit: int = 50) -> list[Preflight]:
    """List the district's reports, newest first, after one."""
    query = select(PREFLIGHT).order_by(PREFLIGHT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(PREFLIGHT.c.id < parse(before))
    return [_preflight(row) for row in await db.execute(query)]


# ---- leases ------------------------------------------------------------------------------------------------


async def list_waiting_districts(db: AsyncSession) -> list[str]:
    """List districts with a report to continue, the one that waited longest first."""
    return [row.district_id for row in await db.execute(WAITING)]


async def claim(db: AsyncSession, *, lease_seconds: float) -> Preflight | None:
    """Take the lease on the district's report; None where another worker has it, or it must wait."""
    free = or_(PREFLIGHT.c.lease_token.is_(None), PREFLIGHT.c.lease_until <= NOW)
    leased = {
        "lease_token": uuid4(),
        "lease_until": NOW + timedelta(seconds=lease_seconds),
        "started_at": func.coalesce(PREFLIGHT.c.started_at, NOW),
        "tries": PREFLIGHT.c.tries + 1,
    }
    statement = (
        update(PREFLIGHT)
        .where(PROCESSING, PREFLIGHT.c.not_before <= NOW, free)
        .values(leased)
        .returning(*PREFLIGHT.c)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else _preflight(row)


async def next_section(db: AsyncSession, report: Preflight) -> str | None:
    """Return the section to examine after `read_through`."""
    if report.sections is not None:
        return next(iter(report.sections[bisect_right(report.sections, report.read_through) :]), None)
    later = select(LINK.section_id).where(LINK.section_id > report.read_through)
    return await db.scalar(later.order_by(LINK.section_id).limit(1))


async def record(
    db: AsyncSession,
    report: Preflight,
    section_id: str,
    code: str | None,
    obstacles: Sequence[Obstacle],
    *,
    lease_seconds: float,
) -> Preflight | None:
    """Store the findings of a section and move past it; None where the lease is lost."""
    reasons = Counter(report.reasons) + Counter(str(obstacle.reason) for obstacle in obstacles)
    values = {
        "read_through": section_id,
        "done": PREFLIGHT.c.done + 1,
        "total": func.greatest(PREFLIGHT.c.total, PREFLIGHT.c.done + 1),
        "found": PREFLIGHT.c.found + len(obstacles),
        "reasons": dict(reasons),
        "tries": 0,
        "lease_until": NOW + timedelta(seconds=lease_seconds),
    }
    row = (
        await db.execute(update(PREFLIGHT).where(_leased(report)).values(values).returning(*PREFLIGHT.c))
    ).one_or_none()
    if row is not None and obstacles:
        rows = [
            {
                "preflight_id": row.id,
                "number": report.found + number,
                "section_id": section_id,
                "section_code": code or "",
                **obstacle._asdict(),
            }
            for number, obstacle in enumerate(obstacles, 1)
        ]
        await db.execute(insert(FINDING), rows)
    return None if row is None else _preflight(row)


async def release(db: AsyncSession, report: Preflight, *, rest: float, forgive: bool) -> None:
    """Give the lease back for so many seconds; `forgive`: this was no attempt at the next section."""
    values = {
        "lease_token": None,
        "lease_until": None,
        "not_before": NOW + timedelta(seconds=rest),
        "tries": 0 if forgive else PREFLIGHT.c.tries,
    }
    await db.execute(update(PREFLIGHT).where(_leased(report)).values(values))


async def settle(
    db: AsyncSession, report: Preflight, *, error_code: str | None = None, error_detail: str = ""
) -> None:
    """End a report whose lease is ours."""
    await _end(db, _leased(report), error_code, error_detail)


async def settle_overdue(db: AsyncSession) -> None:
    """End a report that is past its time limit, whoever has its lease."""
    await _end(db, and_(PROCESSING, PREFLIGHT.c.settles_by <= NOW), Reason.TIMED_OUT, "")


async def _end(
    db: AsyncSession, which: ColumnElement[bool], error_code: str | None, error_detail: str
) -> None:
    values = {
        "status": "failed" if error_code else "complete",
        "error_code": error_code,
        "error_detail": error_detail,
        "finished_at": NOW,
        "lease_token": None,
        "lease_until": None,
    }
    await db.execute(update(PREFLIGHT).where(which).values(values))


async def purge(db: AsyncSession) -> None:
    """Delete reports as old as syncs that the log no longer shows."""
    old = select(PREFLIGHT.c.id).where(PREFLIGHT.c.requested_at < func.now() - LOG_KEPT)
    await db.execute(delete(FINDING).where(FINDING.c.preflight_id.in_(old)))
    await db.execute(delete(PREFLIGHT).where(PREFLIGHT.c.id.in_(old)))


def _leased(report: Preflight) -> ColumnElement[bool]:
    return and_(
        PREFLIGHT.c.id == UUID(report.id),
        PROCESSING,
        PREFLIGHT.c.lease_token == report.lease_token,
        PREFLIGHT.c.lease_until > NOW,
    )


def _preflight(row: Row[Any]) -> Preflight:
    values = {name: getattr(row, name) for name in FIELDS}
    return Preflight(**{**values, "id": str(row.id)})
