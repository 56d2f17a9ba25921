"""Add, list and remove schedules: runs that begin by themselves where the district's policy allows it."""

from datetime import time
from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from gradesync.api import pagination
from gradesync.api.auth import LogReader, RequestContext, RunStarter
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Page
from gradesync.api.schemas import schedules as schemas
from gradesync.api.schemas.runs import Decider
from gradesync.core.windows import Times
from gradesync.db import schedules
from gradesync.db.pauses import Where
from gradesync.db.schedules import Schedule
from gradesync.errors import RequestRefused
from gradesync.sync.schedules import add_schedule, forecast_next_window, remove_schedule

router = Router("Runs", prefix="/schedules")


@router.get("", summary="List the schedules", responses=problem_responses("cursor-not-valid"))
async def list_schedules(
    *, context: LogReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> Page[schemas.Schedule]:
    """List the schedules of the district, each with its next window and when that will have ended."""
    listing = context.listing("/schedules")
    after = listing.position(cursor)
    async with context.database() as db:
        rows = await schedules.page(db, after=after[0] if after else None, limit=limit + 1)
    items, next_cursor = listing.paginate(response, rows, limit, lambda row: (str(row.id),))
    return Page(items=[await _render(context, row) for row in items], next_cursor=next_cursor)


@router.post(
    "",
    status_code=201,
    summary="Add a schedule",
    responses=problem_responses("schedules-off", "too-many-schedules"),
)
async def post_schedule(*, context: RunStarter, wanted: schemas.ScheduleRequest) -> schemas.Schedule:
    """Sync by itself on some days, in a window of the district's clock, spread over it.

    Only where `policy.schedules` allows it. Each window is a run, listed with the others, and each of its
    syncs names the schedule and you as the one who decided it.
    """
    days = frozenset(schemas.DAYS.index(day) + 1 for day in wanted.days)
    schedule = await add_schedule(
        context.runtime.context,
        context.caller.district_id,
        Where(wanted.school, wanted.section),
        Times(days, time.fromisoformat(wanted.begins), time.fromisoformat(wanted.ends)),
        context.by,
        mode=wanted.mode,
    )
    return await _render(context, schedule)


@router.delete(
    "/{schedule_id}",
    status_code=204,
    summary="Remove a schedule",
    responses=problem_responses("schedule-not-found"),
)
async def delete_schedule(
    *, context: RunStarter, schedule_id: Annotated[UUID, Path(description="The id of a schedule")]
) -> None:
    """Remove a schedule. A run that it began goes on; stop it with `POST /runs/{id}/stop`."""
    removed = await remove_schedule(
        context.runtime.context, context.caller.district_id, str(schedule_id), context.by
    )
    if removed is None:
        raise RequestRefused("schedule-not-found", "The district has no such schedule.")


async def _render(context: RequestContext, schedule: Schedule) -> schemas.Schedule:
    district = await context.district()
    async with context.database() as db:
        window, sections, pace = await forecast_next_window(db, district, schedule)
    return schemas.Schedule(
        id=schedule.id,
        level=schedule.level,
        school=schedule.target if schedule.level == "school" else None,
        section=schedule.target if schedule.level == "section" else None,
        days=[schemas.DAYS[day - 1] for day in schedule.days],
        begins=f"{schedule.begins:%H:%M}",
        ends=f"{schedule.ends:%H:%M}",
        timezone=district.timezone,
        mode=schedule.mode,
        decided_by=Decider(kind=schedule.decided_by_kind, id=schedule.decided_by_id),
        created_at=schedule.created_at,
        next=schemas.NextWindow(
            begins=window.begins,
            ends=window.ends,
            sections=sections,
            room=pace.room,
            finishes_by=pace.finishes_by,
        ),
    )
