"""Serve the links of sections to the SIS, and set them."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from fastapi.exceptions import RequestValidationError

from gradesync.api import pagination, schemas
from gradesync.api.auth import LinkReader, SectionReader, SectionWriter
from gradesync.api.live import limit_time
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.schemas import PlainText
from gradesync.api.schemas.render_section import render_section
from gradesync.core.catalog import CATALOG
from gradesync.core.reasons import Reason
from gradesync.db import links, queue, section_search
from gradesync.db.links import SectionLink
from gradesync.db.section_search import SectionFilter
from gradesync.errors import RequestRefused, Retriable, SyncStopped
from gradesync.sync.manual_links import Destination, link_section

router = Router("Sections")

State = Literal["all-sent", "needs-attention", "stopped-for-review", "failed", "never-synced"]
# Errors of the request for a link; every other refusal of the SIS has another cause.
NOT_LINKABLE = frozenset(
    {
        Reason.SECTION_NOT_FROM_SIS,
        Reason.SECTION_UNMATCHED,
        Reason.SIS_SECTION_NOT_FOUND,
        Reason.TEACHER_NOT_IN_SIS_SECTION,
    }
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Filter the sections of the district."""

    title: Annotated[PlainText | None, Query(max_length=200, description="A part of the title")] = None
    code: Annotated[PlainText | None, Query(max_length=200, description="The start of the school code")] = (
        None
    )
    teacher: Annotated[
        PlainText | None,
        Query(max_length=200, description="A part of a course admin's name, or an id"),
    ] = None
    school: Annotated[PlainText | None, Query(max_length=200, description="Its id in Schoology")] = None
    term: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}-\d\d-\d\d/\d{4}-\d\d-\d\d$",
            description="The first and the last day of the term",
            examples=["2026-08-10/2027-01-15"],
        ),
    ] = None
    state: Annotated[State | None, Query(description="What the last sync came to")] = None
    reason: Annotated[Reason | None, Query(description="Only where this needs attention")] = None

    @property
    def stored(self) -> SectionFilter:
        """Return the filters as the database takes them. Raises `RequestValidationError` for no date."""
        return SectionFilter(**{**self._given(), "term": self.term and _read_term(self.term)})

    def _given(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def query(self) -> dict[str, str]:
        """Return the filters that are set as query parameters."""
        return {name: str(value) for name, value in self._given().items() if value is not None}


def _read_term(text: str) -> tuple[date, date]:
    try:
        first, last = map(date.fromisoformat, text.split("/"))
    except ValueError:
        wrong = {"loc": ("query", "term"), "type": "date_parsing", "msg": "there is no such day"}
        raise RequestValidationError([wrong]) from None
    return first, last


@router.get("/sections", summary="Search the sections", responses=problem_responses("cursor-not-valid"))
async def list_sections(
    *,
    context: LinkReader,
    filters: Annotated[Filters, Depends(read_query(Filters))],
    response: Response,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> schemas.Page[schemas.Section]:
    """List the sections that were synced or linked and meet every filter, by id."""
    listing = context.listing("/sections", filters.query())
    after = listing.position(cursor)
    async with context.database() as db:
        found = await section_search.search(
            db, filters.stored, after=after[0] if after else None, limit=limit + 1
        )
        linked = await links.get_all(db, [state.section_id for state in found])
    page, next_cursor = listing.paginate(response, found, limit, lambda state: (state.section_id,))
    items = [
        render_section(linked.get(state.section_id) or SectionLink(section_id=state.section_id), state)
        for state in page
    ]
    return schemas.Page(items=items, next_cursor=next_cursor)


@router.get("/schools", summary="List the titles of schools")
async def list_schools(*, context: LinkReader) -> schemas.Schools:
    """Return the titles of the district's schools, as Schoology names them; sections have only their ids.

    The list is empty where Schoology names none to the district's key, does not respond, or has no calls to
    spare for it.
    """
    try:
        titles = await context.live.schools(context.caller.district_id)
    except (SyncStopped, Retriable):
        titles = {}
    found = sorted(titles.items(), key=lambda school: (school[1].casefold(), school[0]))
    return schemas.Schools(items=[schemas.School(id=id_, title=title) for id_, title in found])


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
        state = await section_search.get(db, context.section_id)
    if link is None:
        code = None if pause else (await context.outline()).gradebook.section_code
        link = SectionLink(section_id=context.section_id, code=code)
    return render_section(link, state, pause)


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
    async with context.database() as db:
        state = await section_search.get(db, context.section_id)
    return render_section(link, state)


def _not_linked(stopped: SyncStopped) -> Exception:
    if stopped.reason not in NOT_LINKABLE:
        return stopped
    entry = CATALOG[Reason(stopped.reason)]
    return RequestRefused(
        "link-not-possible", entry.title, extensions={"reason": stopped.reason, "fix": entry.fix}
    )
