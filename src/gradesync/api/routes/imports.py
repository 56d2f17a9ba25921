"""Import the links of many sections at once."""

from gradesync.api.auth import LinkWriter, RequestContext
from gradesync.api.bulk import (
    NOT_ATTEMPTED,
    Deadline,
    RawRows,
    RowError,
    attempt,
    describe_body,
    import_rows,
    parse_rows,
)
from gradesync.api.live import OUTLINE_CALLS, SectionRef, limit_time
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import mapping as schemas
from gradesync.db import links
from gradesync.sync.manual_links import Destination, link_section

router = Router("Sections")

EXAMPLE = [{"section": "7900000001", "sis_section": "49355", "teacher": "8301"}]


@router.post(
    "/sections/import",
    summary="Set many links",
    responses=problem_responses("rows-not-readable"),
    openapi_extra=describe_body(schemas.LinkRow, EXAMPLE),
)
async def import_links(*, context: LinkWriter, rows: RawRows) -> schemas.ImportReport:
    """Link sections to SIS sections, as `PUT /sections/{id}` does one by one.

    Send JSON, or CSV (`Content-Type: text/csv`) with the heading `section,sis_section,teacher`. An empty
    `sis_section` means the one that the school code names; an empty `teacher` means the one that the SIS
    names. Every row gets a result, and a failed row does not stop the others. Rows not reached within half a
    minute are `not-attempted`.
    """
    deadline = Deadline.start(context)

    async def import_row(row: schemas.LinkRow) -> RowError | None:
        section = SectionRef(context.caller.district_id, row.section)
        if row.sis_section is None and not await deadline.reserve_calls(OUTLINE_CALLS):
            return NOT_ATTEMPTED
        return await attempt(_link(context, section, row))

    return await import_rows(parse_rows(rows, schemas.LinkRow), deadline, import_row)


async def _link(context: RequestContext, section: SectionRef, row: schemas.LinkRow) -> None:
    live, district = context.live, await context.district()
    linking = link_section(
        context.runtime.context.database,
        target=live.target(district),
        district=district,
        section_id=row.section,
        to=Destination(await _school_code(context, section, row), row.sis_section, row.teacher),
        by=context.by,
    )
    await limit_time(linking)
    live.forget_sis(section)


async def _school_code(context: RequestContext, section: SectionRef, row: schemas.LinkRow) -> str | None:
    """Return the school code: read from Schoology where it decides the link, else the stored one."""
    if row.sis_section is None:
        return (await context.live.outline(section)).gradebook.section_code
    async with context.database() as db:
        link = await links.get(db, row.section)
    return link.code if link else None
