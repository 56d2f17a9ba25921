"""Serve the outcomes of a sync, by assignment and by score, as JSON pages or as a spreadsheet."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Response

from gradesync.api import pagination, schemas, spreadsheet
from gradesync.api.auth import SectionContext, SyncReader
from gradesync.api.middleware import Router
from gradesync.api.names import Names, read_names
from gradesync.api.negotiation import WantsSpreadsheet
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas.render import Joined, render_outcome, render_sync, sync_path
from gradesync.api.streaming import stream_file
from gradesync.core.plan import CATEGORY
from gradesync.core.reasons import Reason, Result
from gradesync.db import links, outcomes, sent_specs
from gradesync.db.outcomes import Outcome
from gradesync.db.syncs import Sync
from gradesync.errors import Retriable, SyncStopped

router = Router("Syncs")


@dataclass(frozen=True, slots=True)
class Filters:
    """Filter the outcomes of a sync."""

    assignment: Annotated[
        schemas.SchoologyId | None, Query(description="Only outcomes of this assignment and of its scores")
    ] = None
    student: Annotated[
        schemas.PlainText | None,
        Query(max_length=200, description="Only outcomes of this student, by Schoology id"),
    ] = None
    result: Annotated[Result | None, Query(description="Only outcomes with this result")] = None
    reason: Annotated[Reason | None, Query(description="Only outcomes with this reason or warning")] = None

    def query(self) -> dict[str, str]:
        """Return the filters that are set as query parameters."""
        values = {
            "assignment": self.assignment,
            "student": self.student,
            "result": self.result,
            "reason": self.reason,
        }
        return {name: str(value) for name, value in values.items() if value is not None}


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/outcomes",
    response_model=schemas.OutcomePage,
    summary="List the outcomes of a sync",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": spreadsheet.EXAMPLE}}},
        **problem_responses("section-not-found", "sync-not-found", "cursor-not-valid"),
    },
)
async def list_outcomes(
    *,
    context: SyncReader,
    sync_id: SyncId,
    filters: Annotated[Filters, Depends(read_query(Filters))],
    response: Response,
    is_spreadsheet: WantsSpreadsheet,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
) -> Any:
    """List the result of every assignment and score. Unchanged ones are in summaries, with their `count`.

    For each result, `count` adds up to the number in the sync, for assignments and for scores.

    With `Accept: text/csv` the response is one spreadsheet with all outcomes, without `limit` and `cursor`.
    Its values are words for people. The columns whose names end with `code` or `codes` have the codes of the
    API. A sync that stopped has a first line of the kind `Sync`, without a `count`, which explains why; a
    filter leaves it out. Teachers see students' names.
    """
    sync = await find_sync(context, sync_id)
    names = await read_names(context)
    if is_spreadsheet:
        return await _spreadsheet(
            context, sync.id, filters, names.known, await _describe(context, sync, names)
        )
    listing = context.listing(sync_path(context.section_id, sync.id) + "/outcomes", filters.query())
    rows = await _read_outcomes(context, sync.id, filters, listing.position(cursor), limit + 1)
    items, next_cursor = listing.paginate(response, rows, limit, lambda outcome: outcome.key)
    return schemas.OutcomePage(
        items=await render_all(context, items, names.known),
        next_cursor=next_cursor,
        names_unavailable=names.missing,
        students=names.students,
    )


async def render_all(
    context: SectionContext, found: Sequence[Outcome], names: Mapping[str, str]
) -> list[schemas.Outcome]:
    """Render outcomes. Categories are stored by their keys; their titles and total points are joined here."""
    edited = any(edit.field == CATEGORY for outcome in found for edit in outcome.edits)
    async with context.database() as db:
        titles = await links.get_titles(db, context.section_id) if edited else {}
        points = await sent_specs.get_points(db, context.section_id)
    return [render_outcome(outcome, Joined(names, titles, points)) for outcome in found]


async def _read_outcomes(
    context: SectionContext, sync_id: str, filters: Filters, after: tuple[str, ...] | None, limit: int
) -> list[Outcome]:
    async with context.database() as db:
        return await outcomes.page(
            db,
            sync_id,
            assignment=filters.assignment,
            student=filters.student,
            result=filters.result,
            reason=filters.reason,
            after=(after[0], after[1]) if after else None,
            limit=limit,
        )


async def _describe(context: SectionContext, sync: Sync, names: Names) -> spreadsheet.About:
    """Return what each line repeats of the sync. Schoology's zone of a section is the district's."""
    district = await context.district()
    async with context.database() as db:
        link = await links.get(db, context.section_id)
    return spreadsheet.About(
        section=(link.title if link else "") or await _read_title(context) or context.section_id,
        requester=names.known.get(sync.requested_by_id, sync.requested_by_id),
        at=sync.requested_at.astimezone(ZoneInfo(district.timezone)),
        sync=render_sync(sync, None),  # the file may be passed on
    )


async def _read_title(context: SectionContext) -> str:
    """Return for a teacher the section's title, which is not stored before its first sync."""
    if context.caller.section_id is None:
        return ""
    try:
        return (await context.outline()).gradebook.title
    except (SyncStopped, Retriable):
        return ""


async def _spreadsheet(
    context: SectionContext,
    sync_id: str,
    filters: Filters,
    names: Mapping[str, str],
    about: spreadsheet.About,
) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield spreadsheet.HEAD + ("" if filters.query() else spreadsheet.format_stop(about))
        after, more = None, True
        while more:
            found = await _read_outcomes(context, sync_id, filters, after, spreadsheet.ROWS_PER_READ)
            if more := len(found) == spreadsheet.ROWS_PER_READ:
                after = found[-1].key
            rendered = await render_all(context, found, names)
            yield "".join(spreadsheet.format_outcome(outcome, about) for outcome in rendered)

    return await stream_file(parts(), "text/csv; charset=utf-8", about.file_name)
