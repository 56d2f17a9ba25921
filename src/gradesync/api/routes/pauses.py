"""Pause the syncs of a district, a school or a section, and resume them."""

from typing import Annotated
from uuid import UUID

from fastapi import BackgroundTasks, Path, Response

from gradesync.api import pagination
from gradesync.api.auth import DistrictReader, DistrictWriter
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Page
from gradesync.api.schemas import pauses as schemas
from gradesync.db import pauses
from gradesync.db.pauses import Where
from gradesync.db.queue import Pause
from gradesync.errors import RequestRefused
from gradesync.sync.pauses import pause, resume

router = Router("Pauses", prefix="/pause")


@router.get("", summary="List what is paused", responses=problem_responses("cursor-not-valid"))
async def list_pauses(
    *,
    context: DistrictReader,
    response: Response,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> Page[schemas.Pause]:
    """List the pauses of the district, the oldest first. One that was lifted is only in the audit log."""
    listing = context.listing("/pause")
    after = listing.position(cursor)
    async with context.database() as db:
        rows = await pauses.page(db, after=after[0] if after else None, limit=limit + 1)
    items, next_cursor = listing.paginate(response, rows, limit, lambda row: (str(row.id),))
    return Page(items=[_render_pause(row) for row in items], next_cursor=next_cursor)


@router.post("", status_code=201, summary="Pause syncs")
async def pause_syncs(*, context: DistrictWriter, wanted: schemas.PauseRequest) -> schemas.Pause:
    """Pause at once. Teachers read the reason, and a request for a sync gets it as `syncs-paused`.

    A sync that is running stops at its next checkpoint, and goes on there when the pause is lifted. Nothing
    is lost, and no sync fails for the time that it was paused. What is paused already gets the new reason.
    """
    paused = await pause(
        context.runtime.context,
        context.caller.district_id,
        Where(wanted.school, wanted.section),
        wanted.reason,
        context.by,
    )
    return _render_pause(paused)


@router.delete(
    "/{pause_id}", status_code=204, summary="Resume syncs", responses=problem_responses("pause-not-found")
)
async def resume_syncs(
    *,
    context: DistrictWriter,
    behind: BackgroundTasks,
    pause_id: Annotated[UUID, Path(description="The id of a pause")],
) -> None:
    """Lift a pause. What no other pause holds goes on where it was."""
    lifted = await resume(
        context.runtime.context,
        context.caller.district_id,
        str(pause_id),
        context.by,
        least_seconds=context.runtime.settings.settle_seconds,
    )
    if lifted is None:
        raise RequestRefused("pause-not-found", "The district has no such pause.")
    context.wake_worker(behind)


def _render_pause(paused: Pause) -> schemas.Pause:
    return schemas.Pause.model_validate(
        {
            "id": paused.id,
            "level": paused.level,
            "school": None,
            "section": None,
            "reason": paused.reason,
            "paused_by": paused.paused_by,
            "paused_at": paused.paused_at,
            **({paused.level: paused.target} if paused.target else {}),
        }
    )
