"""Serve a pre-flight report section by section, with a message to the teachers of each."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from gradesync.api import pagination
from gradesync.api.auth import LinkReader
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.routes.preflight import PreflightId, find_preflight
from gradesync.api.schemas import Page, PlainText, SchoologyId
from gradesync.api.schemas import preflight as schemas
from gradesync.api.schemas.render_section import render_teachers
from gradesync.core.preflight_message import write_message
from gradesync.db import preflight_findings
from gradesync.db.preflight_findings import Finding

router = Router("Pre-flight", prefix="/preflight")


@router.get(
    "/{preflight_id}/sections",
    summary="List the sections of a report",
    responses=problem_responses("preflight-not-found", "cursor-not-valid"),
)
async def list_preflight_sections(
    *,
    context: LinkReader,
    preflight_id: PreflightId,
    response: Response,
    school: Annotated[PlainText | None, Query(max_length=200, description="Only of this school")] = None,
    teacher: Annotated[SchoologyId | None, Query(description="Only sections of this course admin")] = None,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> Page[schemas.PreflightSection]:
    """List the sections with findings by school, each with the message to its teachers."""
    report = await find_preflight(context, preflight_id)
    filters = {name: text for name, text in (("school", school), ("teacher", teacher)) if text is not None}
    listing = context.listing(f"/preflight/{report.id}/sections", filters)
    after = listing.position(cursor)
    async with context.database() as db:
        found = await preflight_findings.page_sections(
            db, report.id, school=school, teacher=teacher, after=after, limit=limit + 1
        )
    items, next_cursor = listing.paginate(
        response, found, limit, lambda findings: (findings[0].school or "", findings[0].section_id)
    )
    return Page(items=[_render_section(findings) for findings in items], next_cursor=next_cursor)


def _render_section(findings: Sequence[Finding]) -> schemas.PreflightSection:
    section = findings[0]
    names = [teacher.name for teacher in render_teachers(section.teachers) if teacher.name]
    title = section.title or f"the section {section.section_code or section.section_id}"
    return schemas.PreflightSection(
        section_id=section.section_id,
        section_code=section.section_code or None,
        section_title=section.title or None,
        school=section.school,
        teachers=render_teachers(section.teachers),
        findings=len(findings),
        reasons=dict(Counter(finding.obstacle.reason for finding in findings)),
        message=write_message(title, names, [finding.obstacle for finding in findings]),
    )
