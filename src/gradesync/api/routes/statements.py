"""Serve statements for a period: of a section as JSON or as a signed file, of many as such a file."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from io import BytesIO
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Body, Depends, Header, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.access.signing_key import SigningKey, read_signing_key
from gradesync.access.statement_file import Forward, StatementFile
from gradesync.api.auth import CountedSyncReader, LogReader, RequestContext
from gradesync.api.computing import compute
from gradesync.api.middleware import Router
from gradesync.api.negotiation import prefers
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Moment
from gradesync.api.schemas import statement as schemas
from gradesync.api.streaming import stream_file
from gradesync.core.history import oldest_kept
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.lines import Kind, Material, Statement
from gradesync.core.statement.render import Scope, Section, render_totals
from gradesync.db import audit, statements
from gradesync.db.statements import FoundSections
from gradesync.errors import RequestRefused

router = Router("History")

ZIP = "application/zip"
CHOICES = ("section", "school", "term")
SECTIONS, KEY = "statement-sections", "statement-key"
A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Hold the time after `since`, up to `until`."""

    since: datetime
    until: datetime


async def read_period(
    context: CountedSyncReader,
    since: Annotated[
        Moment | None, Query(alias="from", description="The beginning; of the school year, if not given")
    ] = None,
    until: Annotated[
        Moment | None, Query(alias="to", description="The end, which has passed; now, if not given")
    ] = None,
) -> Period:
    """Return the period of a request. Raises `RequestValidationError` unless it has ended."""
    now, zone = context.runtime.clock(), ZoneInfo((await context.district()).timezone)
    until = until or now
    return _check(Period(since or _year_begins(until, zone), until), now, "query")


def _year_begins(until: datetime, zone: ZoneInfo) -> datetime:
    """Return when the school year began, by the district's clock, in which a period up to `until` ends."""
    try:
        # A moment less: what ends as a year does is of that year.
        return oldest_kept(until - A_MOMENT, 0, zone).astimezone(UTC)
    except OverflowError:
        return until  # of a period that is empty


def _check(period: Period, now: datetime, part: str) -> Period:
    """Return a period that has ended. Raises `RequestValidationError` about `part` of the request."""
    if period.since < period.until <= now:
        return period
    wrong = {"loc": (part, "to"), "type": "value_error", "msg": "The period must be over, and not empty"}
    raise RequestValidationError([wrong])


@router.get(
    "/sections/{section_id}/statement",
    response_model=schemas.Statement,
    summary="Get the section's statement for a period",
    responses={
        200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}},
        **problem_responses("section-not-found", "too-many-requests"),
    },
)
async def get_statement(
    *,
    context: CountedSyncReader,
    period: Annotated[Period, Depends(read_period)],
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response | schemas.Statement:
    """Return what stood in the SIS, what changed, failed, is owed and drifted, and what stands, in totals.

    With `Accept: application/zip` it is the file with every line as CSV, a summary to print, a manifest, and
    a signature where the installation has a key for it. Each reading is in the audit log.
    """
    district_id, section_id = context.caller.district_id, context.section_id
    zone = ZoneInfo((await context.district()).timezone)
    async with context.snapshot() as db:
        gathered = await statements.gather(db, section_id, period.since, period.until, zone)
        head = await audit.get_head(db, until=period.until)
    if gathered is None:
        raise RequestRefused("section-not-found", "Nothing was synced in this section.")
    seen = {"section": section_id, "from": period.since.isoformat(), "to": period.until.isoformat()}
    async with context.database() as db:
        await audit.append(db, context.by.actor, "statement.read", seen, context.source_ip)
    scope = Scope(district_id, period.since, period.until, {"section": section_id}, head.seq, head.hash)
    section, material = gathered
    if not prefers(accept, ZIP):
        return await compute(lambda: _render(build_statement(material), scope))
    key = read_signing_key(context.runtime.settings.report_key)
    packed = await compute(lambda: _pack(section, build_statement(material), scope, zone, key))
    name = f'attachment; filename="statement-{section_id}.zip"'
    return Response(packed, media_type=ZIP, headers={"content-disposition": name})


@router.post(
    "/statements",
    response_class=StreamingResponse,
    summary="Make the statements of many sections",
    responses={
        200: {
            "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
            "headers": {
                SECTIONS: {"description": "How many sections it is of", "schema": {"type": "integer"}},
                KEY: {"description": "The id of the key that signs it, if any", "schema": {"type": "string"}},
            },
        },
        **problem_responses("section-not-found", "viewer-only"),
    },
)
async def make_statements(
    *, context: LogReader, wanted: Annotated[schemas.StatementRequest | None, Body()] = None
) -> StreamingResponse:
    """Make the file of the statements of a section, a school, a term or the district.

    It has the parts of a section's file, and is sent while it is made, one section after the other. A file
    that breaks off does not verify: make it again. The manifest counts the sections whose school or term is
    not known, which are left out. Each file is in the audit log.
    """
    wanted = wanted or schemas.StatementRequest()
    district_id = context.caller.district_id
    zone = ZoneInfo((await context.district()).timezone)
    async with context.database() as db:
        found = await _find(db, wanted)
        period = _choose(wanted, found.begins, zone, context.runtime.clock())
        if not found.sections:
            raise RequestRefused("section-not-found", "Nothing was synced in such a section.")
        head = await audit.get_head(db, until=period.until)
        about = {name: str(value) for name in CHOICES if (value := getattr(wanted, name)) is not None}
        seen = {**about, "from": period.since.isoformat(), "to": period.until.isoformat()}
        await audit.append(db, context.by.actor, "statement.created", seen, context.source_ip)
    scope = Scope(district_id, period.since, period.until, about, head.seq, head.hash, found.unplaced)
    key = read_signing_key(context.runtime.settings.report_key)
    headers = {SECTIONS: str(len(found.sections)), **({KEY: key.id} if key else {})}
    parts = _stream(context, found.sections, scope, zone, key)
    return await stream_file(parts, ZIP, _name_file(about, district_id), **headers)


async def _find(db: AsyncSession, wanted: schemas.StatementRequest) -> FoundSections:
    found = await statements.find_sections(db, school=wanted.school, term_last=wanted.term)
    if wanted.section is None:
        return found
    return FoundSections([wanted.section] if wanted.section in found.sections else [], None, 0)


def _name_file(about: Mapping[str, str], district_id: str) -> str:
    """Return a name that every system takes; a school's id may be any text."""
    named = "-".join(about.get(name, "") for name in CHOICES)
    return f"statement-{'-'.join(re.findall('[A-Za-z0-9]+', named)) or district_id}.zip"


def _choose(wanted: schemas.StatementRequest, term: date | None, zone: ZoneInfo, now: datetime) -> Period:
    """Return the period of a request; from the first day of the term on, where one is named."""
    until = _moment(wanted.until, zone, days=1) or now
    first = term if wanted.term else None
    since = _moment(wanted.since or first, zone) or _year_begins(until, zone)
    return _check(Period(since, until), now, "body")


def _moment(at: datetime | date | None, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """Return a moment; of a day, its beginning in the district's zone, or so many `days` later."""
    if at is None or isinstance(at, datetime):
        return at
    try:
        return datetime.combine(at + timedelta(days=days), time(), zone).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)  # of a period that is never over


async def _stream(
    context: RequestContext, sections: Sequence[str], scope: Scope, zone: ZoneInfo, key: SigningKey | None
) -> AsyncIterator[bytes]:
    """Yield the file section by section, so that it is never held, and no transaction waits for a client."""
    blocks: list[bytes] = []
    file = StatementFile(Forward(blocks.append), zone)
    with file.lines():
        for section_id in sections:
            async with context.snapshot() as db:
                gathered = await statements.gather(db, section_id, scope.since, scope.until, zone)
            if gathered is not None:
                await compute(partial(_add, file, *gathered), long=True)
            yield b"".join(blocks)
            blocks.clear()
    await compute(partial(file.finish, scope, key), long=True)
    yield b"".join(blocks)


def _add(file: StatementFile, section: Section, material: Material) -> None:
    file.add(section, build_statement(material))


def _pack(section: Section, made: Statement, scope: Scope, zone: ZoneInfo, key: SigningKey | None) -> bytes:
    out = BytesIO()
    file = StatementFile(out, zone)
    with file.lines():
        file.add(section, made)
    file.finish(scope, key)
    return out.getvalue()


def _render(made: Statement, scope: Scope) -> schemas.Statement:
    unknown = Counter((line.reason, line.at) for line in made.lines if line.kind is Kind.UNKNOWN)
    return schemas.Statement(
        section_id=scope.about["section"],
        since=made.since,
        until=made.until,
        totals={
            kind: schemas.ScoreBalance.model_validate(total)
            for kind, total in render_totals(made.totals).items()
        },
        rows=made.rows,
        after_term=made.late,
        unknown=[
            schemas.UnknownPart(reason=reason, at=at, lines=lines) for (reason, at), lines in unknown.items()
        ],
        audit=schemas.AuditEnd(entries=scope.audit_entries, head=scope.audit_head),
    )
