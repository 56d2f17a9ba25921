"""Serve the links of sections to the SIS, and set them."""

from fastapi import APIRouter, Response

from gradesync.api import pagination, schemas
from gradesync.api.auth import LinkReader, SectionReader, SectionWriter
from gradesync.api.live import limit_time
from gradesync.api.problems import problem_responses
from gradesync.api.schemas.render import render_section
from gradesync.core.catalogue import CATALOGUE
from gradesync.core.reasons import Reason
from gradesync.db import links, queue
from gradesync.db.links import SectionLink
from gradesync.errors import RequestRefused, SyncStopped
from gradesync.sync.manual_links import Destination, link_section

router = APIRouter(tags=["Sections"])

# Errors of the request for a link; every other refusal of the SIS has another cause.
NOT_LINKABLE = frozenset(
    {
        Reason.SECTION_NOT_FROM_SIS,
        Reason.SECTION_UNMATCHED,
        Reason.SIS_SECTION_NOT_FOUND,
        Reason.TEACHER_NOT_IN_SIS_SECTION,
    }
)


@router.get("/sections", summary="List the district's links", responses=problem_responses("cursor-not-valid"))
async def list_sections(
    *, context: LinkReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> schemas.Page[schemas.Section]:
    """List every section that was synced or linked, by id."""
    listing = context.listing("/sections")
    after = listing.position(cursor)
    async with context.database() as db:
        page = await links.page(db, after=after[0] if after else None, limit=limit + 1)
    items, next_cursor = listing.paginate(response, page, limit, lambda link: (link.section_id,))
    return schemas.Page(items=[render_section(link) for link in items], next_cursor=next_cursor)


@router.get(
    "/sections/{section_id}",
    summary="Get the link of a section",
    responses=problem_responses("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def get_section(*, context: SectionReader) -> schemas.Section:
    """Return the SIS section of a Schoology section; before the first sync, only its code in Schoology.

    Names the pause that the section is under. While it is paused, Schoology is not asked for anything.
    """
    async with context.database() as db:
        link, pause = await links.get(db, context.section_id), await queue.find_pause(db, context.section_id)
    if link is None:
        code = None if pause else (await context.outline()).gradebook.section_code
        link = SectionLink(section_id=context.section_id, code=code)
    return render_section(link, pause)


@router.put(
    "/sections/{section_id}",
    summary="Set the link of a section",
    responses=problem_responses(
        "section-not-found",
        "link-not-possible",
        "sis-section-taken",
        "sync-in-progress",
        "upstream-refused",
        "upstream-unavailable",
    ),
)
async def set_section(*, context: SectionWriter, wanted: schemas.LinkRequest) -> schemas.Section:
    """Link the section to a SIS section, or (null) to the one that its school code names.

    `teacher` is the SIS teacher in whose name assignments are written; null: the one that the SIS names. Data
    that was sent to another SIS section stays there and is no longer tracked: the next sync sends everything.
    """
    code = (await context.outline()).gradebook.section_code
    to = Destination(code, wanted.sis_section, wanted.teacher)
    district, live = await context.district(), context.live
    linking = link_section(
        context.runtime.context.database,
        target=live.target(district),
        district=district,
        section_id=context.section_id,
        to=to,
        by=context.by,
    )
    try:
        link = await limit_time(linking)
    except SyncStopped as stopped:
        raise _not_linked(stopped) from stopped
    live.forget_sis(context.section_ref)
    return render_section(link)


def _not_linked(stopped: SyncStopped) -> Exception:
    if stopped.reason not in NOT_LINKABLE:
        return stopped
    entry = CATALOGUE[Reason(stopped.reason)]
    return RequestRefused(
        "link-not-possible", entry.title, extensions={"reason": stopped.reason, "fix": entry.fix}
    )
