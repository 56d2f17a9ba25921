"""Store schedules: when a district, a school or a section is synced by itself, and by whose decision."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.windows import Times
from gradesync.db.codec import parse, uuid7
from gradesync.db.tables import metadata

SCHEDULE = metadata.tables["schedule"]
DUE = text("SELECT district_id FROM tenantless_schedule_districts()")
LOCK = "gradesync schedules"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Describe a schedule. `target` is empty for the district; `next_at` is when its next window begins."""

    id: UUID
    level: str
    target: str
    days: Sequence[int]
    begins: time
    ends: time
    mode: str
    decided_by_kind: str
    decided_by_id: str
    created_at: datetime
    next_at: datetime

    @property
    def times(self) -> Times:
        """Return when it runs."""
        return Times(frozenset(self.days), self.begins, self.ends)

    @property
    def actor(self) -> str:
        """Return who decided it, as the audit log names them."""
        return f"{self.decided_by_kind}:{self.decided_by_id}"


FIELDS = tuple(field.name for field in fields(Schedule))


async def add(db: AsyncSession, **values: Any) -> Schedule:
    """Store a schedule."""
    statement = insert(SCHEDULE).values(id=uuid7(), **values).returning(*SCHEDULE.c)
    return _schedule((await db.execute(statement)).one())


async def count(db: AsyncSession) -> int:
    """Count the schedules of the district."""
    return await db.scalar(select(func.count()).select_from(SCHEDULE)) or 0


async def page(db: AsyncSession, *, after: str | None = None, limit: int = 50) -> list[Schedule]:
    """List the schedules, the oldest first, after one."""
    query = select(SCHEDULE).order_by(SCHEDULE.c.id).limit(limit)
    if after is not None:
        query = query.where(SCHEDULE.c.id > parse(after))
    return [_schedule(row) for row in await db.execute(query)]


async def remove(db: AsyncSession, schedule_id: str) -> Schedule | None:
    """Delete a schedule; None where there is none."""
    removed = delete(SCHEDULE).where(SCHEDULE.c.id == parse(schedule_id)).returning(*SCHEDULE.c)
    row = (await db.execute(removed)).one_or_none()
    return None if row is None else _schedule(row)


async def list_due_districts(db: AsyncSession) -> list[str]:
    """List districts with a schedule whose window has begun."""
    return [row.district_id for row in await db.execute(DUE)]


async def list_due(db: AsyncSession, now: datetime) -> list[Schedule]:
    """List the schedules whose window has begun."""
    query = select(SCHEDULE).where(SCHEDULE.c.next_at <= now).order_by(SCHEDULE.c.next_at, SCHEDULE.c.id)
    return [_schedule(row) for row in await db.execute(query)]


async def set_next(db: AsyncSession, schedule: Schedule, next_at: datetime) -> None:
    """Move a schedule on to its next window, unless its district's zone has moved it meanwhile."""
    held = SCHEDULE.c.id == schedule.id, SCHEDULE.c.next_at == schedule.next_at
    await db.execute(update(SCHEDULE).where(*held).values(next_at=next_at))


async def move_zone(db: AsyncSession, before: ZoneInfo, after: ZoneInfo) -> None:
    """Move the next windows of all schedules to the same days by the clock of another zone."""
    query = select(SCHEDULE).order_by(SCHEDULE.c.next_at, SCHEDULE.c.id).with_for_update()
    for schedule in [_schedule(row) for row in await db.execute(query)]:
        window = schedule.times.move_to(after, schedule.next_at, before)
        await set_next(db, schedule, window.begins)


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(**{name: getattr(row, name) for name in FIELDS})
