"""Put scores in the SIS back as they stood before, by a sync like any other."""

from fastapi import BackgroundTasks, Response

from gradesync.api import schemas
from gradesync.api.auth import SyncWriter
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.routes.syncs import accept
from gradesync.api.schemas.undo import UndoRequest
from gradesync.core.undo import Undo
from gradesync.sync.request import Request, SyncOptions

router = Router("History")


@router.post(
    "/sections/{section_id}/undo",
    status_code=202,
    summary="Put scores back as they stood before",
    responses={
        202: {"headers": {"Location": {"description": "The sync", "schema": {"type": "string"}}}},
        **problem_responses(
            "section-not-found",
            "sync-in-progress",
            "syncs-paused",
            "service-sync-off",
            "not-course-admin",
            "undo-not-possible",
            "approval-not-possible",
            "second-person-needed",
            "reason-needed",
        ),
    },
)
async def start_undo(
    *, context: SyncWriter, response: Response, behind: BackgroundTasks, wanted: UndoRequest
) -> schemas.Sync:
    """Start a sync that puts back what one sync changed, or an assignment or a student as of a moment.

    It is a sync like any other: with a preview (`dry_run`), a guard, and outcomes. Its guard stops for a
    single score that would be cleared; `approve` sends the plan. What changed since, by
    another sync or in the SIS, is left as it is and named (`changed-since`). Later syncs send an undone score
    again once it changes in Schoology.
    """
    undo = Undo(
        sync_id=str(wanted.sync) if wanted.sync else None,
        assignment=wanted.assignment,
        student=wanted.student,
        as_of=wanted.as_of,
        reason=wanted.reason,
    )
    request = Request(
        district_id=context.caller.district_id,
        section_id=context.section_id,
        requester_kind=context.caller.kind,
        requester_id=context.caller.subject,
        options=SyncOptions(dry_run=wanted.dry_run, approve=wanted.approve, undo=undo, reason=wanted.reason),
        settles_after=context.runtime.settings.settle_seconds,
        source_ip=context.source_ip,
    )
    return await accept(context, request, response, behind)
