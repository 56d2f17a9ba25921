"""Links of many sections at once."""

from fastapi import APIRouter

from gradesync.api import district_schemas as schemas
from gradesync.api.auth import LinkWriter
from gradesync.api.live import Place, in_time
from gradesync.api.problems import answers
from gradesync.api.rows import NOT_ATTEMPTED, Hours, RawRows, Trouble, attempt, body_of, each, read
from gradesync.api.visit import Visit
from gradesync.db import links
from gradesync.sync.choose import Destination, link_section

router = APIRouter(tags=["Sections"])

OUTLINE_CALLS = 4
EXAMPLE = [{"section": "7900000001", "sis_section": "49355", "teacher": "8301"}]


@router.post(
    "/sections/import",
    summary="Set many links",
    responses=answers("rows-not-readable"),
    openapi_extra=body_of(schemas.LinkRow, "section,sis_section,teacher", EXAMPLE),
)
async def import_links(*, visit: LinkWriter, rows: RawRows) -> schemas.Imported:
    """Link sections to SIS sections, as `PUT /sections/{id}` does one by one.

    As JSON, or as CSV (`Content-Type: text/csv`) with a heading. An empty `sis_section` means the one that
    the school code names; an empty `teacher` the one whom the SIS names. Every row is answered; a row that
    fails keeps no other from being done. What half a minute does not suffice for is `not-attempted`.
    """
    hours = Hours.of(visit)

    async def link(row: schemas.LinkRow) -> Trouble | None:
        place = Place(visit.caller.district_id, row.section)
        if row.sis_section is None and not await hours.room(OUTLINE_CALLS):
            return NOT_ATTEMPTED
        return await attempt(_link(visit, place, row))

    return await each(read(rows, schemas.LinkRow), hours, link)


async def _link(visit: Visit, place: Place, row: schemas.LinkRow) -> None:
    live, district = visit.service.live, await visit.district()
    linking = link_section(
        visit.service.database,
        target=live.target(district),
        district=district,
        section_id=row.section,
        to=Destination(await _code(visit, place, row), row.sis_section, row.teacher),
        by=visit.by,
    )
    await in_time(linking)
    live.forget_sis(place)


async def _code(visit: Visit, place: Place, row: schemas.LinkRow) -> str | None:
    """The school code: asked for where it decides, else the one that is known."""
    if row.sis_section is None:
        return (await visit.service.live.outline(place)).gradebook.section_code
    async with visit.database() as db:
        known = await links.get(db, row.section)
    return known.code if known else None
