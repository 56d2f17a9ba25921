"""The links of sections to the SIS."""

from fastapi import APIRouter, Response

from gradesync.api import pagination, schemas
from gradesync.api.auth import LinkReader, SectionReader, SectionWriter
from gradesync.api.live import in_time
from gradesync.api.problems import answers
from gradesync.api.schemas import render
from gradesync.core.catalogue import CATALOGUE
from gradesync.core.reasons import Reason
from gradesync.db import links
from gradesync.db.links import SectionLink
from gradesync.errors import RequestRefused, SyncStopped
from gradesync.sync.manual_links import Destination, link_section

router = APIRouter(tags=["Sections"])

NOT_LINKABLE = frozenset(
    {
        Reason.SECTION_NOT_FROM_SIS,
        Reason.SECTION_UNMATCHED,
        Reason.SIS_SECTION_NOT_FOUND,
        Reason.TEACHER_NOT_IN_SIS_SECTION,
    }
)
"""What a request for a link can be wrong about; every other refusal of the SIS is not the request's."""


@router.get("/sections", summary="The district's links", responses=answers("cursor-not-valid"))
async def list_sections(
    *, context: LinkReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> schemas.Page[schemas.Section]:
    """Every section that was synced or linked, by id."""
    listing = context.listing("/sections")
    after = listing.position(cursor)
    async with context.database() as db:
        found = await links.page(db, after=after[0] if after else None, limit=limit + 1)
    items, next_cursor = listing.cut(response, found, limit, lambda link: (link.section_id,))
    return schemas.Page(items=[render.section(one) for one in items], next_cursor=next_cursor)


@router.get(
    "/sections/{section_id}",
    summary="The link of a section",
    responses=answers("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def get_section(*, context: SectionReader) -> schemas.Section:
    """The SIS section that the Schoology section goes to; before the first sync, what Schoology says."""
    async with context.database() as db:
        link = await links.get(db, context.section_id)
    if link is None:
        code = (await context.outline()).gradebook.section_code
        link = SectionLink(section_id=context.section_id, code=code)
    return render.section(link)


@router.put(
    "/sections/{section_id}",
    summary="Set the link of a section",
    responses=answers(
        "section-not-found",
        "link-not-possible",
        "sis-section-taken",
        "sync-in-progress",
        "upstream-refused",
        "upstream-unavailable",
    ),
)
async def set_section(*, context: SectionWriter, wanted: schemas.WantedLink) -> schemas.Section:
    """Link the section to a SIS section, or (null) to the one that its school code names.

    `teacher` acts for it in the SIS, or (null) the one whom the SIS names. What was sent to another SIS
    section stays there and is forgotten here: the next sync sends everything.
    """
    code = (await context.outline()).gradebook.section_code
    to = Destination(code, wanted.sis_section, wanted.teacher)
    district, live = await context.district(), context.service.live
    linking = link_section(
        context.service.database,
        target=live.target(district),
        district=district,
        section_id=context.section_id,
        to=to,
        by=context.by,
    )
    try:
        link = await in_time(linking)
    except SyncStopped as stopped:
        raise _not_linked(stopped) from stopped
    live.forget_sis(context.place)
    return render.section(link)


def _not_linked(stopped: SyncStopped) -> Exception:
    if stopped.reason not in NOT_LINKABLE:
        return stopped
    entry = CATALOGUE[Reason(stopped.reason)]
    return RequestRefused(
        "link-not-possible", entry.title, extensions={"reason": stopped.reason, "fix": entry.fix}
    )
