"""Begin the runs of schedules when their windows come, each occurrence once."""

from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.core.windows import LAST_SYNC, Spread, Times, Window, spread
from gradesync.db import audit, districts, runs, schedules
from gradesync.db.pauses import Where
from gradesync.db.schedules import Schedule
from gradesync.errors import RequestRefused
from gradesync.sync.context import SyncContext
from gradesync.sync.manual_links import Author

log = structlog.get_logger()

MOST = 100
A_MOMENT = timedelta(microseconds=1)


async def add_schedule(
    context: SyncContext, district_id: str, where: Where, times: Times, by: Author, *, mode: str
) -> Schedule:
    """Add a schedule, in the name of whoever decides it.

    Raises `RequestRefused`: `schedules-off`, `too-many-schedules`.
    """
    async with districts.open_staying(context.database, district_id, lock=schedules.LOCK) as db:
        district = await districts.get(db)
        if district is None or not district.policy.schedules:
            raise RequestRefused("schedules-off", "Its policy has schedules off.")
        if await schedules.count(db) >= MOST:
            raise RequestRefused("too-many-schedules", f"It has {MOST}.")
        kind, _, subject = by.actor.partition(":")
        schedule = await schedules.add(
            db,
            level=where.level,
            target=where.target,
            days=sorted(times.days),
            begins=times.begins,
            ends=times.ends,
            mode=mode,
            decided_by_kind=kind,
            decided_by_id=subject,
            next_at=times.next_window(context.clock(), ZoneInfo(district.timezone)).begins,
        )
        await audit.append(db, by.actor, "schedule.added", _objects(schedule), by.source_ip)
    return schedule


async def remove_schedule(
    context: SyncContext, district_id: str, schedule_id: str, by: Author
) -> Schedule | None:
    """Remove a schedule; None where there is none. A run that it began goes on."""
    async with districts.open_staying(context.database, district_id, lock=schedules.LOCK) as db:
        schedule = await schedules.remove(db, schedule_id)
        if schedule is not None:
            await audit.append(db, by.actor, "schedule.removed", _objects(schedule), by.source_ip)
    return schedule


async def begin_scheduled(context: SyncContext) -> int:
    """Begin the runs whose windows have come, in any number of processes; return how many."""
    async with context.database.without_tenant() as db:
        due = await schedules.list_due_districts(db)
    return await context.rotations.schedules.serve(due, partial(_begin_due, context))


async def _begin_due(context: SyncContext, district_id: str) -> int:
    """Begin what is due in one district. The run and the next time are stored together, or neither is."""
    begun, now = 0, context.clock()
    async with context.database.with_lock(district_id, schedules.LOCK) as db:
        district = await districts.get(db)
        for schedule in await schedules.list_due(db, now) if district else ():
            assert district is not None  # noqa: S101 - else nothing is due
            zone = ZoneInfo(district.timezone)
            window = schedule.times.next_window(schedule.next_at - A_MOMENT, zone)
            # Of windows that nobody was there for, those that are over are left out.
            if window.begins <= now < window.ends - LAST_SYNC and district.policy.schedules:
                begun += await _begin(db, district, schedule, window, now)
            await schedules.set_next(db, schedule, schedule.times.next_window(now, zone).begins)
    return begun


async def _begin(
    db: AsyncSession, district: District, schedule: Schedule, window: Window, now: datetime
) -> bool:
    """Store the run of one occurrence; False where it has no section, or was stored before."""
    sections = await _sections(db, schedule)
    left = Window(now, window.ends)
    pace = spread(left, len(sections), district.schoology.seconds_per_sync)
    if not sections:
        return False
    run = await runs.add(
        db,
        sections,
        chosen=_target(schedule),
        mode=schedule.mode,
        dry_run=False,
        requested_by_kind=schedule.decided_by_kind,
        requested_by_id=schedule.decided_by_id,
        schedule_id=schedule.id,
        begins=window.begins,
        ends=window.ends,
        every=pace.every,
        finishes_by=pace.finishes_by,
    )
    if run is None:
        return False
    entry = {"schedule": str(schedule.id), "run": str(run.id), "count": len(sections)}
    await audit.append(db, schedule.actor, "schedule.begun", entry)
    log.info("schedule.begun", district=district.id, run=str(run.id), sections=len(sections))
    return True


async def forecast_next_window(
    db: AsyncSession, district: District, schedule: Schedule
) -> tuple[Window, int, Spread]:
    """Return the next window of a schedule, the number of its sections, and how they spread over it."""
    zone = ZoneInfo(district.timezone)
    window = schedule.times.next_window(schedule.next_at - A_MOMENT, zone)
    sections = len(await _sections(db, schedule))
    return window, sections, spread(window, sections, district.schoology.seconds_per_sync)


async def _sections(db: AsyncSession, schedule: Schedule) -> list[str]:
    section = [schedule.target] if schedule.level == "section" else None
    school = schedule.target if schedule.level == "school" else None
    return await runs.choose(db, sections=section, school=school, reason=None)


def _target(schedule: Schedule) -> dict[str, str]:
    return {schedule.level: schedule.target} if schedule.target else {}


def _objects(schedule: Schedule) -> dict[str, object]:
    return {
        "schedule": str(schedule.id),
        "level": schedule.level,
        **_target(schedule),
        "days": list(schedule.days),
        "begins": f"{schedule.begins:%H:%M}",
        "ends": f"{schedule.ends:%H:%M}",
    }
