"""Serve the statement of a section for a period: a summary as JSON, or the signed file."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time
from io import BytesIO
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.exceptions import RequestValidationError

from gradesync.access.signing_key import SigningKey, read_signing_key
from gradesync.access.statement_file import StatementFile
from gradesync.api.auth import CountedSyncReader, CurrentRuntime
from gradesync.api.computing import compute
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Moment
from gradesync.api.schemas import statement as schemas
from gradesync.core.history import oldest_kept
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.lines import Kind, Statement
from gradesync.core.statement.render import Scope, Section, render_totals
from gradesync.db import audit, statements
from gradesync.errors import RequestRefused

router = APIRouter(tags=["History"])

ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Period:
    """Hold the time after `since`, up to `until`."""

    since: datetime
    until: datetime


def read_period(
    runtime: CurrentRuntime,
    since: Annotated[
        Moment | None, Query(alias="from", description="The beginning; of the school year, if not given")
    ] = None,
    until: Annotated[
        Moment | None, Query(alias="to", description="The end, which has passed; now, if not given")
    ] = None,
) -> Period:
    """Return the period of a request. Raises `RequestValidationError` unless it has ended."""
    until = until or runtime.clock()
    since = since or datetime.combine(oldest_kept(until.date(), 0), time(), UTC)
    if since < until <= runtime.clock():
        return Period(since, until)
    wrong = {
        "loc": ("query", "to"),
        "type": "value_error",
        "msg": "The period must be over, and not empty",
    }
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
    async with context.runtime.context.database.snapshot(district_id) as db:
        gathered = await statements.gather(db, section_id, period.since, period.until, zone)
        head = await audit.get_head(db, until=period.until)
    if gathered is None:
        raise RequestRefused("section-not-found", "Nothing was synced in this section.")
    seen = {"section": section_id, "from": period.since.isoformat(), "to": period.until.isoformat()}
    async with context.database() as db:
        await audit.append(db, context.by.actor, "statement.read", seen, context.source_ip)
    scope = Scope(district_id, period.since, period.until, {"section": section_id}, head.seq, head.hash)
    section, material = gathered
    if ZIP not in accept:
        return await compute(lambda: _render(build_statement(material), scope))
    key = read_signing_key(context.runtime.settings.report_key)
    packed = await compute(lambda: _pack(section, build_statement(material), scope, zone, key))
    name = f'attachment; filename="statement-{section_id}.zip"'
    return Response(packed, media_type=ZIP, headers={"content-disposition": name})


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
