"""Start and serve pre-flight reports: what would not sync in a whole district."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Depends, Path, Query, Response

from gradesync.api import pagination, spreadsheet
from gradesync.api.auth import LinkReader, RequestContext
from gradesync.api.middleware import Router
from gradesync.api.negotiation import WantsSpreadsheet
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.schemas import Page, PlainText, SchoologyId
from gradesync.api.schemas import preflight as schemas
from gradesync.api.schemas.render import render_reason
from gradesync.api.schemas.render_section import render_teachers
from gradesync.api.streaming import stream_file
from gradesync.core.csv_line import format_line
from gradesync.core.preflight import Severity
from gradesync.core.reasons import Reason
from gradesync.db import audit, preflight_findings, preflights
from gradesync.db.preflight_findings import Finding
from gradesync.db.preflights import Preflight
from gradesync.errors import RequestRefused
from gradesync.sync.preflight import SETTLES_IN

router = Router("Pre-flight", prefix="/preflight")

COLUMNS = (
    "section id",
    "section school code",
    "section",
    "school",
    "teachers",
    "assignment id",
    "assignment",
    "category",
    "student id",
    "result",
    "reason",
    "what happens",
    "what to do",
)
EXAMPLE = format_line(COLUMNS) + format_line(
    (
        *("7900000001", "49355", "Algebra I: Period 3", "94000001", "Robin Reyes"),
        *("5001", "Essay", "Writing", "", "skipped", "category-unmapped", "…", "…"),
    )
)
PreflightId = Annotated[UUID, Path(description="The id of a report")]


@router.post(
    "",
    status_code=202,
    summary="Start a pre-flight report",
    responses={
        202: {"headers": {"Location": {"description": "The report", "schema": {"type": "string"}}}},
        **problem_responses("preflight-in-progress"),
    },
)
async def start_preflight(
    *,
    context: LinkReader,
    response: Response,
    wanted: Annotated[schemas.PreflightRequest | None, Body()] = None,
) -> schemas.Preflight:
    """Start a report of what would not sync, and why, in every known section or in the named ones.

    It finds titles that are too long, due dates outside the term, categories without a pair, and students
    without a match. It reads no scores and writes nothing to Schoology or the SIS. Syncs have priority over
    its calls. Follow `Location` until `status` is `complete` or `failed`.
    """
    sections = wanted.sections if wanted else None
    async with context.database() as db:
        await preflights.settle_overdue(db)
        report = await preflights.begin(
            db, sections=sections, requested_by=context.by.actor, settles_in=SETTLES_IN.total_seconds()
        )
        if report is None:
            raise _in_progress(await preflights.get_running(db))
        entry = {"preflight": report.id, "sections": report.total}
        await audit.append(db, context.by.actor, "preflight.requested", entry, context.source_ip)
    response.headers["location"] = _path(report)
    return _render_report(report)


def _in_progress(running: Preflight | None) -> RequestRefused:
    headers = {"location": _path(running)} if running else {}
    return RequestRefused(
        "preflight-in-progress", "A district has one report in progress at a time.", headers=headers
    )


@router.get("", summary="List the pre-flight reports", responses=problem_responses("cursor-not-valid"))
async def list_preflights(
    *, context: LinkReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> Page[schemas.Preflight]:
    """List the reports of the last 30 days, newest first."""
    listing = context.listing("/preflight")
    before = listing.position(cursor)
    async with context.database() as db:
        await preflights.settle_overdue(db)
        reports = await preflights.page(db, before=before[0] if before else None, limit=limit + 1)
    items, next_cursor = listing.paginate(response, reports, limit, lambda report: (report.id,))
    return Page(items=[_render_report(report) for report in items], next_cursor=next_cursor)


@router.get(
    "/{preflight_id}", summary="Get a pre-flight report", responses=problem_responses("preflight-not-found")
)
async def get_preflight(*, context: LinkReader, preflight_id: PreflightId) -> schemas.Preflight:
    """Return the progress of a report, and how often it found each reason."""
    return _render_report(await find_preflight(context, preflight_id))


@dataclass(frozen=True, slots=True)
class Filters:
    """Filter the findings of a report."""

    section: Annotated[SchoologyId | None, Query(description="Only findings of this section")] = None
    school: Annotated[
        PlainText | None, Query(max_length=200, description="Only findings of sections of this school")
    ] = None
    teacher: Annotated[
        SchoologyId | None, Query(description="Only findings of sections of this course admin")
    ] = None
    result: Annotated[Severity | None, Query(description="Only findings with this result")] = None
    reason: Annotated[Reason | None, Query(description="Only findings with this reason")] = None

    def query(self) -> dict[str, str]:
        """Return the filters that are set as query parameters."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value is not None}


@router.get(
    "/{preflight_id}/findings",
    response_model=Page[schemas.PreflightFinding],
    summary="List the findings of a report",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": EXAMPLE}}},
        **problem_responses("preflight-not-found", "cursor-not-valid"),
    },
)
async def list_findings(
    *,
    context: LinkReader,
    preflight_id: PreflightId,
    filters: Annotated[Filters, Depends(read_query(Filters))],
    response: Response,
    is_spreadsheet: WantsSpreadsheet,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
) -> Any:
    """List the findings by section; while the report is in progress, the findings so far.

    With `Accept: text/csv` the response is one spreadsheet with all findings, without `limit` and `cursor`.
    """
    report = await find_preflight(context, preflight_id)
    if is_spreadsheet:
        return await _spreadsheet(context, report, filters)
    listing = context.listing(f"{_path(report)}/findings", filters.query())
    position = listing.position(cursor)
    findings = await _read_findings(context, report, filters, int(position[0]) if position else 0, limit + 1)
    items, next_cursor = listing.paginate(response, findings, limit, lambda finding: (str(finding.number),))
    return Page(items=[_render_finding(finding) for finding in items], next_cursor=next_cursor)


async def find_preflight(context: RequestContext, preflight_id: UUID) -> Preflight:
    """Return a report. Raises `RequestRefused("preflight-not-found")`."""
    async with context.database() as db:
        await preflights.settle_overdue(db)
        report = await preflights.get(db, str(preflight_id))
    if report is None:
        raise RequestRefused("preflight-not-found", "The district has no such report.")
    return report


async def _read_findings(
    context: RequestContext, report: Preflight, filters: Filters, after: int, limit: int
) -> list[Finding]:
    async with context.database() as db:
        return await preflight_findings.page_findings(
            db,
            report.id,
            section_id=filters.section,
            school=filters.school,
            teacher=filters.teacher,
            result=filters.result,
            reason=filters.reason,
            after=after,
            limit=limit,
        )


async def _spreadsheet(context: RequestContext, report: Preflight, filters: Filters) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield spreadsheet.BYTE_ORDER_MARK + format_line(COLUMNS)
        after, more = 0, True
        while more:
            findings = await _read_findings(context, report, filters, after, spreadsheet.ROWS_PER_READ)
            if more := len(findings) == spreadsheet.ROWS_PER_READ:
                after = findings[-1].number
            yield "".join(_format_finding(_render_finding(finding)) for finding in findings)

    return await stream_file(parts(), "text/csv; charset=utf-8", f"preflight-{report.id}.csv")


def _format_finding(finding: schemas.PreflightFinding) -> str:
    assignment, reason = finding.assignment, finding.reason
    return format_line(
        (
            finding.section_id,
            finding.section_code or "",
            finding.section_title or "",
            finding.school or "",
            "; ".join(teacher.name or teacher.id for teacher in finding.teachers),
            assignment.id if assignment else "",
            assignment.title if assignment else "",
            (assignment.category or "") if assignment else "",
            finding.student_id or "",
            finding.result,
            reason.code,
            reason.title,
            reason.fix,
        )
    )


def _path(report: Preflight) -> str:
    return f"/preflight/{report.id}"


def _render_report(report: Preflight) -> schemas.Preflight:
    error = report.error_code and schemas.PreflightError(
        **render_reason(report.error_code).model_dump(), detail=report.error_detail
    )
    return schemas.Preflight.model_validate(
        {
            "id": report.id,
            "status": report.status,
            "requested_by": report.requested_by,
            "requested_at": report.requested_at,
            "started_at": report.started_at,
            "finished_at": report.finished_at,
            "settles_by": report.settles_by,
            "progress": schemas.PreflightProgress(done=report.done, total=report.total),
            "findings": report.found,
            "reasons": report.reasons,
            "error": error,
            "links": {
                "self": _path(report),
                **{name: f"{_path(report)}/{name}" for name in ("findings", "sections")},
            },
        }
    )


def _render_finding(finding: Finding) -> schemas.PreflightFinding:
    result, reason, assignment_id, title, student_id, category = finding.obstacle
    assignment = None
    if assignment_id:
        assignment = schemas.FoundAssignment(id=assignment_id, title=title, category=category or None)
    return schemas.PreflightFinding(
        section_id=finding.section_id,
        section_code=finding.section_code or None,
        section_title=finding.title or None,
        school=finding.school,
        teachers=render_teachers(finding.teachers),
        assignment=assignment,
        student_id=student_id or None,
        result=result,
        reason=render_reason(reason),
    )
