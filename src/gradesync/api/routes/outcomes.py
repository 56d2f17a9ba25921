"""What became of each assignment and each score of a sync: as JSON pages, or as a spreadsheet."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse

from gradesync.api import pagination, schemas, spreadsheet
from gradesync.api.auth import SyncReader
from gradesync.api.context import SectionContext
from gradesync.api.paths import sync_path
from gradesync.api.problems import answers
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas import render
from gradesync.core.plan import CATEGORY, Result
from gradesync.core.reasons import Reason
from gradesync.db import links, outcomes
from gradesync.db.outcomes import Outcome
from gradesync.errors import Retriable, SyncStopped

router = APIRouter(tags=["Syncs"])

ROWS_AT_ONCE = 1000


class Names(NamedTuple):
    """Display names by Schoology user id. `missing`: they were wanted and could not be had."""

    known: Mapping[str, str]
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Which outcomes of a sync are meant."""

    result: Annotated[Result | None, Query(description="Only outcomes with this result")] = None
    reason: Annotated[Reason | None, Query(description="Only outcomes with this reason or warning")] = None

    def query(self) -> dict[str, str]:
        given = {"result": self.result, "reason": self.reason}
        return {name: str(value) for name, value in given.items() if value is not None}


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/outcomes",
    response_model=schemas.OutcomePage,
    summary="What became of everything",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": spreadsheet.EXAMPLE}}},
        **answers("section-not-found", "sync-not-found", "cursor-not-valid"),
    },
)
async def list_outcomes(
    *,
    context: SyncReader,
    sync_id: SyncId,
    filters: Annotated[Filters, Depends()],
    response: Response,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Any:
    """Per assignment and per score, unchanged ones apart: those are only counted.

    `Accept: text/csv` gives all of them as one spreadsheet, whatever `limit` says. Teachers see names.
    """
    sync = await find_sync(context, sync_id)
    names = await _names(context)
    if "text/csv" in accept:
        return _spreadsheet(context, sync.id, filters, names.known)
    listing = context.listing(sync_path(context.section_id, sync.id) + "/outcomes", filters.query())
    found = await _read(context, sync.id, filters, listing.position(cursor), limit + 1)
    items, next_cursor = listing.cut(response, found, limit, lambda outcome: outcome.key)
    return schemas.OutcomePage(
        items=await _told(context, items, names.known),
        next_cursor=next_cursor,
        names_unavailable=names.missing,
    )


async def _names(context: SectionContext) -> Names:
    """For a teacher, the names that Schoology shows. They are joined here and kept nowhere else."""
    if context.caller.section_id is None:
        return Names({})
    try:
        members = await context.members()
    except (SyncStopped, Retriable):
        return Names({}, missing=True)
    return Names({member.uid: member.display_name for member in members})


async def _told(
    context: SectionContext, found: Sequence[Outcome], names: Mapping[str, str]
) -> list[schemas.Outcome]:
    """Outcomes as they go out; categories are stored by their keys, and their titles joined here."""
    titles: Mapping[str, str] = {}
    if any(edit.field == CATEGORY for one in found for edit in one.edits):
        async with context.database() as db:
            titles = await links.titles(db, context.section_id)
    return [render.outcome(one, names, titles) for one in found]


async def _read(
    context: SectionContext, sync_id: str, filters: Filters, after: tuple[str, ...] | None, limit: int
) -> list[Outcome]:
    async with context.database() as db:
        return await outcomes.page(
            db,
            sync_id,
            result=filters.result,
            reason=filters.reason,
            after=(after[0], after[1]) if after else None,
            limit=limit,
        )


def _spreadsheet(
    context: SectionContext, sync_id: str, filters: Filters, names: Mapping[str, str]
) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield spreadsheet.HEAD
        after = None
        while found := await _read(context, sync_id, filters, after, ROWS_AT_ONCE):
            yield "".join(map(spreadsheet.row, await _told(context, found, names)))
            after = found[-1].key

    return StreamingResponse(
        parts(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="sync-{sync_id}.csv"'},
    )
