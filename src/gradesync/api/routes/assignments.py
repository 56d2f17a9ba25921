"""The gradable items of a section, and the switch *Sync to SIS* of each."""

from typing import Annotated

from fastapi import APIRouter, Path

from gradesync.api import assignment_state, schemas
from gradesync.api.auth import SectionReader, SyncWriter
from gradesync.api.context import SectionContext
from gradesync.api.problems import answers
from gradesync.core.reasons import Reason
from gradesync.db import audit, ledger, links
from gradesync.errors import RequestRefused, Retriable, SyncStopped

router = APIRouter(tags=["Assignments"])

AssignmentId = Annotated[schemas.SchoologyId, Path(description="Schoology assignment id")]


@router.get(
    "/sections/{section_id}/assignments",
    summary="The section's assignments",
    responses=answers("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def list_assignments(*, context: SectionReader) -> schemas.SectionAssignments:
    """Every gradable item, never-synced ones too, and where it stands with the SIS.

    Read from Schoology within ten seconds, and remembered for a minute. Where Schoology does not answer: what
    was known `as_of` the last sync.
    """
    stored = await _stored(context)
    try:
        outline = await context.outline()
    except (SyncStopped, Retriable) as error:
        if not stored.ledger or (isinstance(error, SyncStopped) and error.reason == Reason.SECTION_NOT_FOUND):
            raise
        known = assignment_state.of_ledger(stored.ledger)
        return schemas.SectionAssignments(items=known, live=False, as_of=stored.as_of)
    capabilities = context.service.live.target(stored.district).capabilities
    items = assignment_state.of_gradebook(outline.gradebook, stored, capabilities)
    return schemas.SectionAssignments(items=items, live=True, as_of=outline.as_of)


async def _stored(context: SectionContext) -> assignment_state.Stored:
    district = await context.district()
    async with context.database() as db:
        return assignment_state.Stored(
            district=district,
            link=await links.get(db, context.section_id),
            pairs=await links.pairs(db, context.section_id),
            ledger=await ledger.load(db, context.section_id),
        )


@router.patch(
    "/sections/{section_id}/assignments/{assignment_id}",
    summary="Switch an assignment",
    responses=answers(
        "section-not-found", "assignment-not-found", "upstream-refused", "upstream-unavailable"
    ),
)
async def switch_assignment(
    *, context: SyncWriter, assignment_id: AssignmentId, switch: schemas.AssignmentSwitch
) -> schemas.SectionAssignment:
    """Turn *Sync to SIS* on or off, also before the first sync. Off, the SIS keeps what it has."""
    await _must_exist(context, assignment_id)
    told = {"section": context.section_id, "assignment": assignment_id, "sync_to_sis": switch.sync_to_sis}
    async with context.database() as db:
        await ledger.set_opted_out(db, context.section_id, assignment_id, not switch.sync_to_sis)
        await audit.append(db, context.by.actor, "assignment.switched", told, context.source_ip)
    listed = await list_assignments(context=context)
    return next(item for item in listed.items if item.id == assignment_id)


async def _must_exist(context: SectionContext, assignment_id: str) -> None:
    """In Schoology now; where that cannot be told, in the ledger."""
    try:
        known = {item.id for item in (await context.outline()).gradebook.assignments}
    except Retriable:
        async with context.database() as db:
            known = set(await ledger.load(db, context.section_id))
        if not known:
            raise
    if assignment_id not in known:
        raise RequestRefused("assignment-not-found", "This section has no such assignment.")
