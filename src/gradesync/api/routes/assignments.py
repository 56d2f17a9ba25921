"""Serve the gradable items of a section, and the switch *Sync to SIS* of each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Path

from gradesync.api import assignment_state, schemas
from gradesync.api.auth import SectionContext, SectionReader, SyncWriter
from gradesync.api.live import Outline, SinceRef
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas.render import render_reason
from gradesync.core.catalog import read_detail
from gradesync.core.ledger import find_cursor
from gradesync.core.reasons import Reason
from gradesync.db import audit, ledger, ledger_changes, links
from gradesync.db.links import SectionLink
from gradesync.errors import RequestRefused, Retriable, SyncStopped
from gradesync.sync.older_blanks import hold_older_blanks

router = Router("Assignments")

SWITCH_REFUSALS = (
    "section-not-found",
    "assignment-not-found",
    "not-course-admin",
    "upstream-refused",
    "upstream-unavailable",
)

AssignmentId = Annotated[schemas.SchoologyId, Path(description="Schoology assignment id")]


@router.get(
    "/sections/{section_id}/assignments",
    summary="List the section's assignments",
    responses=problem_responses("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def list_assignments(*, context: SectionReader) -> schemas.SectionAssignments:
    """List every gradable item and its sync state, including items that never synced.

    Items are read from Schoology within ten seconds and cached for a minute. While Schoology does not
    respond, or refuses, the list shows the state `as_of` the last sync. Before the first sync the SIS is
    read, too, to show what that sync would refuse.
    """
    stored = await _load_stored(context)
    try:
        outline = await _read_section(context, stored)
    except (SyncStopped, Retriable) as error:
        if not stored.ledger or (isinstance(error, SyncStopped) and error.reason == Reason.SECTION_NOT_FOUND):
            raise
        items = assignment_state.render_ledger(stored.ledger)
        problem = _word_stop(error) if isinstance(error, SyncStopped) else None
        return schemas.SectionAssignments(items=items, problem=problem, live=False, as_of=stored.as_of)
    capabilities = context.live.target(stored.district).capabilities
    stored, problem = await _foresee(context, stored, outline)
    items = assignment_state.render_gradebook(outline, stored, capabilities)
    return schemas.SectionAssignments(items=items, problem=problem, live=True, as_of=outline.as_of)


async def _foresee(
    context: SectionContext, stored: assignment_state.SectionRows, outline: Outline
) -> tuple[assignment_state.SectionRows, schemas.ReasonText | None]:
    """Return a section that never synced with the link that its first sync would make, or what stops that."""
    if stored.link is not None and stored.link.sis is not None:
        return stored, None
    if not outline.gradebook.from_sis:
        return stored, render_reason(Reason.SECTION_NOT_FROM_SIS)
    try:
        side = await context.sis_side()
    except SyncStopped as stopped:
        return stored, _word_stop(stopped)
    except Retriable:
        return stored, None
    link = stored.link or SectionLink(section_id=context.section_id)
    return replace(stored, link=replace(link, sis=side.section, sis_categories=side.categories)), None


def _word_stop(stopped: SyncStopped) -> schemas.ReasonText:
    return render_reason(stopped.reason, read_detail(stopped.detail))


async def _read_section(context: SectionContext, stored: assignment_state.SectionRows) -> Outline:
    """Read the section: with the scores that changed where syncs leave calls for that, or without."""
    return await _read_changes(context, stored) or await context.outline()


async def _read_changes(context: SectionContext, stored: assignment_state.SectionRows) -> Outline | None:
    """Read what changed since the last sync; None where there was none, or syncs need the calls.

    Scores of students who are new since then may be older: where there are any, all scores are read.
    """
    since = find_cursor(stored.ledger)
    if since is None:
        return None
    ref = SinceRef(context.section_ref, since, stored.as_of)
    read = await context.live.changes(ref)
    if read is not None and stored.find_newcomers(read.gradebook):
        read = await context.live.whole(ref) or read
    if read is None or stored.link is None:
        return read
    book = await hold_older_blanks(read.gradebook, stored.ledger, stored.link.students, context.database)
    return replace(read, gradebook=book)


@router.get(
    "/sections/{section_id}/waiting",
    summary="Count what waits for the next sync",
    responses=problem_responses("section-not-found"),
)
async def count_waiting(*, context: SectionReader) -> schemas.Waiting:
    """Count what changed since the last sync, by reading only that; cached for a minute.

    Nothing is counted before the first sync, while Schoology does not respond or shows a part only, or while
    syncs need the calls.
    """
    unknown = schemas.Waiting(assignments=None, scores=None, as_of=None)
    stored = await _load_stored(context)
    try:
        outline = await _read_changes(context, stored)
    except (SyncStopped, Retriable):
        return unknown
    if outline is None:
        return unknown
    capabilities = context.live.target(stored.district).capabilities
    found = assignment_state.find_waiting_scores(outline, stored, capabilities)
    if any(item.id not in found for item in outline.gradebook.assignments):
        return unknown
    return schemas.Waiting(
        assignments=sum(waiting.assignment for waiting in found.values()),
        scores=sum(waiting.scores for waiting in found.values()),
        as_of=outline.as_of,
    )


async def _load_stored(context: SectionContext) -> assignment_state.SectionRows:
    district = await context.district()
    async with context.database() as db:
        return assignment_state.SectionRows(
            district=district,
            link=await links.get(db, context.section_id),
            pairs=await links.get_pairs(db, context.section_id),
            ledger=await ledger.load(db, context.section_id),
        )


@router.patch(
    "/sections/{section_id}/assignments",
    summary="Switch several assignments",
    responses=problem_responses(*SWITCH_REFUSALS),
)
async def switch_assignments(
    *, context: SyncWriter, switches: schemas.AssignmentSwitches
) -> schemas.SectionAssignments:
    """Turn *Sync to SIS* on or off for several assignments, such as those of a category: all, or none.

    As a sync, it takes a course admin of the section.
    """
    await _switch(context, list(dict.fromkeys(switches.ids)), switches.sync_to_sis)
    return await list_assignments(context=context)


@router.patch(
    "/sections/{section_id}/assignments/{assignment_id}",
    summary="Switch an assignment",
    responses=problem_responses(*SWITCH_REFUSALS),
)
async def switch_assignment(
    *, context: SyncWriter, assignment_id: AssignmentId, switch: schemas.AssignmentSwitch
) -> schemas.SectionAssignment:
    """Turn *Sync to SIS* on or off, also before the first sync. When off, the SIS keeps what it has.

    As a sync, it takes a course admin of the section.
    """
    await _switch(context, [assignment_id], switch.sync_to_sis)
    for item in (await list_assignments(context=context)).items:
        if item.id == assignment_id:
            return item
    raise _unknown()  # the ledger knew it while Schoology did not respond, and now Schoology lists it no more


async def _switch(context: SectionContext, assignment_ids: Sequence[str], on: bool) -> None:
    await context.require_course_admin()
    await _require_assignments(context, assignment_ids)
    entries = [
        {"section": context.section_id, "assignment": assignment_id, "sync_to_sis": on}
        for assignment_id in assignment_ids
    ]
    async with context.database() as db:
        await ledger_changes.set_opted_out(db, context.section_id, assignment_ids, not on)
        await audit.append_all(db, context.by.actor, "assignment.switched", entries, context.source_ip)


async def _require_assignments(context: SectionContext, assignment_ids: Sequence[str]) -> None:
    """Look assignments up in Schoology, or in the ledger while Schoology does not respond."""
    try:
        outline = await _read_section(context, await _load_stored(context))
        known = {item.id for item in outline.gradebook.assignments}
    except Retriable:
        async with context.database() as db:
            known = set(await ledger.load(db, context.section_id))
        if not known:
            raise
    if not known.issuperset(assignment_ids):
        raise _unknown()


def _unknown() -> RequestRefused:
    return RequestRefused("assignment-not-found", "This section has no such assignment.")
