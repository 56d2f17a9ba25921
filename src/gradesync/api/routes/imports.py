"""Links of many sections at once."""

from fastapi import APIRouter

from gradesync.api.auth import LinkWriter
from gradesync.api.bulk import NOT_ATTEMPTED, Deadline, RawRows, RowError, attempt, body_of, each, read
from gradesync.api.context import RequestContext
from gradesync.api.live import Place, in_time
from gradesync.api.problems import answers
from gradesync.api.schemas import district as schemas
from gradesync.db import links
from gradesync.sync.manual_links import Destination, link_section

router = APIRouter(tags=["Sections"])

OUTLINE_CALLS = 4
EXAMPLE = [{"section": "7900000001", "sis_section": "49355", "teacher": "8301"}]


@router.post(
    "/sections/import",
    summary="Set many links",
    responses=answers("rows-not-readable"),
    openapi_extra=body_of(schemas.LinkRow, "section,sis_section,teacher", EXAMPLE),
)
async def import_links(*, context: LinkWriter, rows: RawRows) -> schemas.Imported:
    """Link sections to SIS sections, as `PUT /sections/{id}` does one by one.

    As JSON, or as CSV (`Content-Type: text/csv`) with a heading. An empty `sis_section` means the one that
    the school code names; an empty `teacher` the one whom the SIS names. Every row is answered; a row that
    fails keeps no other from being done. What half a minute does not suffice for is `not-attempted`.
    """
    hours = Deadline.of(context)

    async def link(row: schemas.LinkRow) -> RowError | None:
        place = Place(context.caller.district_id, row.section)
        if row.sis_section is None and not await hours.room(OUTLINE_CALLS):
            return NOT_ATTEMPTED
        return await attempt(_link(context, place, row))

    return await each(read(rows, schemas.LinkRow), hours, link)


async def _link(context: RequestContext, place: Place, row: schemas.LinkRow) -> None:
    live, district = context.service.live, await context.district()
    linking = link_section(
        context.service.database,
        target=live.target(district),
        district=district,
        section_id=row.section,
        to=Destination(await _code(context, place, row), row.sis_section, row.teacher),
        by=context.by,
    )
    await in_time(linking)
    live.forget_sis(place)


async def _code(context: RequestContext, place: Place, row: schemas.LinkRow) -> str | None:
    """The school code: asked for where it decides, else the one that is known."""
    if row.sis_section is None:
        return (await context.service.live.outline(place)).gradebook.section_code
    async with context.database() as db:
        known = await links.get(db, row.section)
    return known.code if known else None
