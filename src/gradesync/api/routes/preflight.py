"""Pre-flight reports: what would not sync, for a whole district, before it matters."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from gradesync.api import pagination, spreadsheet
from gradesync.api.auth import LinkReader
from gradesync.api.context import RequestContext
from gradesync.api.problems import answers
from gradesync.api.schemas import Page, SchoologyId, render
from gradesync.api.schemas import district as schemas
from gradesync.core.preflight import Hindrance
from gradesync.core.reasons import Reason
from gradesync.db import audit, preflights
from gradesync.db.preflights import Finding, Preflight
from gradesync.errors import RequestRefused
from gradesync.sync.preflight import SETTLES_IN

router = APIRouter(prefix="/preflight", tags=["Pre-flight"])

ROWS_AT_ONCE = 1000
COLUMNS = (
    "section id",
    "section school code",
    "assignment id",
    "assignment",
    "student id",
    "result",
    "reason",
    "what happens",
    "what to do",
)
EXAMPLE = spreadsheet.line(COLUMNS) + "7900000001,49355,5001,Essay,,skipped,category-unmapped,…,…\r\n"
PreflightId = Annotated[UUID, Path(description="The id of a report")]


@router.post(
    "",
    status_code=202,
    summary="Make a pre-flight report",
    responses={
        202: {"headers": {"Location": {"description": "The report", "schema": {"type": "string"}}}},
        **answers("preflight-in-progress"),
    },
)
async def start_preflight(
    *,
    context: LinkReader,
    response: Response,
    wanted: Annotated[schemas.WantedPreflight | None, Body()] = None,
) -> schemas.Preflight:
    """Find out what would not sync, and why: in every known section, or in those that are named.

    Names too long, due dates outside the term, categories without a pair, students without a match. No score
    is read and nothing is written, in Schoology or in the SIS. The report takes calls that no sync waits
    for; follow `Location` until `status` is `complete` or `failed`.
    """
    sections = wanted.sections if wanted else None
    async with context.database() as db:
        await preflights.settle_overdue(db)
        begun = await preflights.begin(
            db, sections=sections, requested_by=context.by.actor, settles_in=SETTLES_IN.total_seconds()
        )
        if begun is None:
            raise await _in_progress(await preflights.running(db))
        asked = {"preflight": begun.id, "sections": begun.total}
        await audit.append(db, context.by.actor, "preflight.requested", asked, context.source_ip)
    response.headers["location"] = _path(begun)
    return _told(begun)


async def _in_progress(running: Preflight | None) -> RequestRefused:
    headers = {"location": _path(running)} if running else {}
    return RequestRefused("preflight-in-progress", "A district has one at a time.", headers=headers)


@router.get("", summary="The pre-flight reports", responses=answers("cursor-not-valid"))
async def list_preflights(
    *, context: LinkReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> Page[schemas.Preflight]:
    """The reports of the last 30 days, newest first."""
    listing = context.listing("/preflight")
    before = listing.position(cursor)
    async with context.database() as db:
        await preflights.settle_overdue(db)
        found = await preflights.page(db, before=before[0] if before else None, limit=limit + 1)
    items, next_cursor = listing.cut(response, found, limit, lambda one: (one.id,))
    return Page(items=[_told(one) for one in items], next_cursor=next_cursor)


@router.get("/{preflight_id}", summary="One pre-flight report", responses=answers("preflight-not-found"))
async def get_preflight(*, context: LinkReader, preflight_id: PreflightId) -> schemas.Preflight:
    """How far it is, and how often it found what."""
    return _told(await _existing(context, preflight_id))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which findings of a report are meant."""

    section: Annotated[SchoologyId | None, Query(description="Only findings of this section")] = None
    result: Annotated[Hindrance | None, Query(description="Only findings with this result")] = None
    reason: Annotated[Reason | None, Query(description="Only findings with this reason")] = None

    def query(self) -> dict[str, str]:
        given = {"section": self.section, "result": self.result, "reason": self.reason}
        return {name: str(value) for name, value in given.items() if value is not None}


@router.get(
    "/{preflight_id}/findings",
    response_model=Page[schemas.PreflightFinding],
    summary="What would not sync",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": EXAMPLE}}},
        **answers("preflight-not-found", "cursor-not-valid"),
    },
)
async def list_findings(
    *,
    context: LinkReader,
    preflight_id: PreflightId,
    filters: Annotated[Filters, Depends()],
    response: Response,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Any:
    """Section by section; what is found so far, while the report is being made.

    `Accept: text/csv` gives all of them as one spreadsheet, whatever `limit` says.
    """
    report = await _existing(context, preflight_id)
    if "text/csv" in accept:
        return _spreadsheet(context, report, filters)
    listing = context.listing(f"{_path(report)}/findings", filters.query())
    position = listing.position(cursor)
    found = await _read(context, report, filters, int(position[0]) if position else 0, limit + 1)
    items, next_cursor = listing.cut(response, found, limit, lambda one: (str(one.number),))
    return Page(items=[_finding(one) for one in items], next_cursor=next_cursor)


async def _existing(context: RequestContext, preflight_id: UUID) -> Preflight:
    async with context.database() as db:
        await preflights.settle_overdue(db)
        found = await preflights.get(db, str(preflight_id))
    if found is None:
        raise RequestRefused("preflight-not-found", "The district has no such report.")
    return found


async def _read(
    context: RequestContext, report: Preflight, filters: Filters, after: int, limit: int
) -> list[Finding]:
    async with context.database() as db:
        return await preflights.findings(
            db,
            report.id,
            section_id=filters.section,
            result=filters.result,
            reason=filters.reason,
            after=after,
            limit=limit,
        )


def _spreadsheet(context: RequestContext, report: Preflight, filters: Filters) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield spreadsheet.BYTE_ORDER_MARK + spreadsheet.line(COLUMNS)
        after = 0
        while found := await _read(context, report, filters, after, ROWS_AT_ONCE):
            yield "".join(_row(_finding(one)) for one in found)
            after = found[-1].number

    return StreamingResponse(
        parts(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="preflight-{report.id}.csv"'},
    )


def _row(one: schemas.PreflightFinding) -> str:
    assignment, reason = one.assignment, one.reason
    return spreadsheet.line(
        (
            one.section_id,
            spreadsheet.harmless(one.section_code or ""),
            assignment.id if assignment else "",
            spreadsheet.harmless(assignment.title) if assignment else "",
            one.student_id or "",
            one.result,
            reason.code,
            reason.title,
            reason.fix,
        )
    )


def _path(report: Preflight) -> str:
    return f"/preflight/{report.id}"


def _told(one: Preflight) -> schemas.Preflight:
    error = one.error_code and schemas.PreflightError(
        **render.said(one.error_code).model_dump(), detail=one.error_detail
    )
    return schemas.Preflight.model_validate(
        {
            "id": one.id,
            "status": one.status,
            "requested_by": one.requested_by,
            "requested_at": one.requested_at,
            "started_at": one.started_at,
            "finished_at": one.finished_at,
            "settles_by": one.settles_by,
            "progress": schemas.PreflightProgress(done=one.done, total=one.total),
            "findings": one.found,
            "reasons": one.reasons,
            "error": error,
            "links": {"self": _path(one), "findings": f"{_path(one)}/findings"},
        }
    )


def _finding(one: Finding) -> schemas.PreflightFinding:
    result, reason, assignment_id, title, student_id = one.obstacle
    assignment = schemas.FoundAssignment(id=assignment_id, title=title) if assignment_id else None
    return schemas.PreflightFinding(
        section_id=one.section_id,
        section_code=one.section_code or None,
        assignment=assignment,
        student_id=student_id or None,
        result=result,
        reason=render.said(reason),
    )
