"""Serve the gradable items of a section, and the switch *Sync to SIS* of each."""

from typing import Annotated

from fastapi import APIRouter, Path

from gradesync.api import assignment_state, schemas
from gradesync.api.auth import SectionContext, SectionReader, SyncWriter
from gradesync.api.problems import problem_responses
from gradesync.core.reasons import Reason
from gradesync.db import audit, ledger, links
from gradesync.errors import RequestRefused, Retriable, SyncStopped

router = APIRouter(tags=["Assignments"])

AssignmentId = Annotated[schemas.SchoologyId, Path(description="Schoology assignment id")]


@router.get(
    "/sections/{section_id}/assignments",
    summary="List the section's assignments",
    responses=problem_responses("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def list_assignments(*, context: SectionReader) -> schemas.SectionAssignments:
    """List every gradable item and its sync state, including items that never synced.

    Items are read from Schoology within ten seconds and cached for a minute. While Schoology does not
    respond, the list shows the state `as_of` the last sync.
    """
    stored = await _load_stored(context)
    try:
        outline = await context.outline()
    except (SyncStopped, Retriable) as error:
        if not stored.ledger or (isinstance(error, SyncStopped) and error.reason == Reason.SECTION_NOT_FOUND):
            raise
        items = assignment_state.render_ledger(stored.ledger)
        return schemas.SectionAssignments(items=items, live=False, as_of=stored.as_of)
    capabilities = context.live.target(stored.district).capabilities
    items = assignment_state.render_gradebook(outline.gradebook, stored, capabilities)
    return schemas.SectionAssignments(items=items, live=True, as_of=outline.as_of)


async def _load_stored(context: SectionContext) -> assignment_state.Stored:
    district = await context.district()
    async with context.database() as db:
        return assignment_state.Stored(
            district=district,
            link=await links.get(db, context.section_id),
            pairs=await links.get_pairs(db, context.section_id),
            ledger=await ledger.load(db, context.section_id),
        )


@router.patch(
    "/sections/{section_id}/assignments/{assignment_id}",
    summary="Switch an assignment",
    responses=problem_responses(
        "section-not-found",
        "assignment-not-found",
        "not-course-admin",
        "upstream-refused",
        "upstream-unavailable",
    ),
)
async def switch_assignment(
    *, context: SyncWriter, assignment_id: AssignmentId, switch: schemas.AssignmentSwitch
) -> schemas.SectionAssignment:
    """Turn *Sync to SIS* on or off, also before the first sync. When off, the SIS keeps what it has.

    As a sync, it takes a course admin of the section.
    """
    await context.require_course_admin()
    await _require_assignment(context, assignment_id)
    entry = {"section": context.section_id, "assignment": assignment_id, "sync_to_sis": switch.sync_to_sis}
    async with context.database() as db:
        await ledger.set_opted_out(db, context.section_id, assignment_id, not switch.sync_to_sis)
        await audit.append(db, context.by.actor, "assignment.switched", entry, context.source_ip)
    listed = await list_assignments(context=context)
    return next(item for item in listed.items if item.id == assignment_id)


async def _require_assignment(context: SectionContext, assignment_id: str) -> None:
    """Look the assignment up in Schoology, or in the ledger while Schoology does not respond."""
    try:
        known = {item.id for item in (await context.outline()).gradebook.assignments}
    except Retriable:
        async with context.database() as db:
            known = set(await ledger.load(db, context.section_id))
        if not known:
            raise
    if assignment_id not in known:
        raise RequestRefused("assignment-not-found", "This section has no such assignment.")
