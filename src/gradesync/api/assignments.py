"""The gradable items of a section, and the switch *Sync to SIS* of each."""

from typing import Annotated

from fastapi import APIRouter, Path

from gradesync.api import schemas, standing
from gradesync.api.auth import SectionReader, SyncWriter
from gradesync.api.problems import answers
from gradesync.api.visit import SectionVisit
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
async def list_assignments(*, visit: SectionReader) -> schemas.SectionAssignments:
    """Every gradable item, never-synced ones too, and where it stands with the SIS.

    Read from Schoology within ten seconds, and remembered for a minute. Where Schoology does not answer: what
    was known `as_of` the last sync.
    """
    stored = await _stored(visit)
    try:
        outline = await visit.outline()
    except (SyncStopped, Retriable) as error:
        if not stored.ledger or (isinstance(error, SyncStopped) and error.reason == Reason.SECTION_NOT_FOUND):
            raise
        known = standing.of_ledger(stored.ledger)
        return schemas.SectionAssignments(items=known, live=False, as_of=stored.as_of)
    capabilities = visit.service.live.target(stored.district).capabilities
    items = standing.of_gradebook(outline.gradebook, stored, capabilities)
    return schemas.SectionAssignments(items=items, live=True, as_of=outline.as_of)


async def _stored(visit: SectionVisit) -> standing.Stored:
    district = await visit.district()
    async with visit.database() as db:
        return standing.Stored(
            district=district,
            link=await links.get(db, visit.section_id),
            pairs=await links.pairs(db, visit.section_id),
            ledger=await ledger.load(db, visit.section_id),
        )


@router.patch(
    "/sections/{section_id}/assignments/{assignment_id}",
    summary="Switch an assignment",
    responses=answers(
        "section-not-found", "assignment-not-found", "upstream-refused", "upstream-unavailable"
    ),
)
async def switch_assignment(
    *, visit: SyncWriter, assignment_id: AssignmentId, switch: schemas.AssignmentSwitch
) -> schemas.SectionAssignment:
    """Turn *Sync to SIS* on or off, also before the first sync. Off, the SIS keeps what it has."""
    await _must_exist(visit, assignment_id)
    told = {"section": visit.section_id, "assignment": assignment_id, "sync_to_sis": switch.sync_to_sis}
    async with visit.database() as db:
        await ledger.set_opted_out(db, visit.section_id, assignment_id, not switch.sync_to_sis)
        await audit.append(db, visit.by.actor, "assignment.switched", told, visit.source_ip)
    listed = await list_assignments(visit=visit)
    return next(item for item in listed.items if item.id == assignment_id)


async def _must_exist(visit: SectionVisit, assignment_id: str) -> None:
    """In Schoology now; where that cannot be told, in the ledger."""
    try:
        known = {item.id for item in (await visit.outline()).gradebook.assignments}
    except Retriable:
        async with visit.database() as db:
            known = set(await ledger.load(db, visit.section_id))
        if not known:
            raise
    if assignment_id not in known:
        raise RequestRefused("assignment-not-found", "This section has no such assignment.")
