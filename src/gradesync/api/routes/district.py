"""Serve what concerns a whole district: its sync log, its connections, and its audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Body, Depends, Query, Response

from gradesync.api import pagination, schemas
from gradesync.api.auth import Auditor, Checker, LogReader
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.routes.syncs import Log, list_page
from gradesync.api.schemas import SchoologyId
from gradesync.api.schemas.district import ConnectionCheckRequest
from gradesync.core.reasons import Reason
from gradesync.db import audit, links
from gradesync.db.audit import Entry
from gradesync.db.sync_filter import SyncFilter

router = Router("District")

CHECK_TIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LogFilters:
    """Filter the sync log of the district."""

    section: Annotated[SchoologyId | None, Query(description="Only syncs of this section")] = None
    status: Annotated[schemas.Status | None, Query(description="Only syncs of this status")] = None
    result: Annotated[schemas.SyncResult | None, Query(description="Only syncs that came to this")] = None
    since: Annotated[schemas.Moment | None, Query(description="Requested then or later")] = None
    until: Annotated[schemas.Moment | None, Query(description="Requested before then")] = None
    requested_by: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9_]{1,64}$", description="A Schoology user id, or a client id")
    ] = None
    reason: Annotated[
        Reason | None,
        Query(description="Only syncs that ended with it, or have an outcome with this reason or warning"),
    ] = None

    @property
    def stored(self) -> SyncFilter:
        """Return the filters as the database takes them."""
        return SyncFilter(self.status, self.result, self.since, self.until, self.requested_by, self.reason)

    def query(self) -> dict[str, str]:
        """Return the filters that are set as query parameters."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in values.items()
            if value is not None
        }


@router.get("/syncs", summary="List the district's syncs", responses=problem_responses("cursor-not-valid"))
async def list_district_syncs(
    *,
    context: LogReader,
    log: Log,
    filters: Annotated[LogFilters, Depends(read_query(LogFilters))],
    response: Response,
) -> schemas.Page[schemas.Sync]:
    """List the syncs of all sections from the last 30 days that meet every filter, newest first."""
    return await list_page(
        context,
        "/syncs",
        log,
        response,
        section_id=filters.section,
        filters=filters.stored,
        query=filters.query(),
    )


@router.post(
    "/connections/check", summary="Check the connections", responses=problem_responses("upstream-unavailable")
)
async def check_connections(
    *, context: Checker, wanted: Annotated[ConnectionCheckRequest | None, Body()] = None
) -> schemas.ConnectionReport:
    """Check everything that a sync needs, read-only, and report what is missing and how to fix it.

    Checks the credentials and clocks of both systems and every grant of the plugin. With a sample section
    (the named one, or else a linked one), also checks how its ids lead to the SIS.
    """
    district = await context.district()
    section_id = wanted.section if wanted else None
    async with context.database() as db:
        section_id = section_id or next((link.section_id for link in await links.page(db, limit=1)), None)
    findings = await context.runtime.systems.check(
        district, until=context.runtime.clock() + CHECK_TIME, section_id=section_id
    )
    failed = {"failed": [finding.check for finding in findings if not finding.ok]}
    async with context.database() as db:
        await audit.append(db, context.by.actor, "connections.checked", failed, context.source_ip)
    return schemas.ConnectionReport(
        ok=not failed["failed"],
        findings=[schemas.Finding.model_validate(finding, from_attributes=True) for finding in findings],
    )


@router.get("/audit", summary="List the audit log", responses=problem_responses("cursor-not-valid"))
async def list_audit(
    *, context: Auditor, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> schemas.Page[schemas.AuditEntry]:
    """List every action in the district, newest first: who did it, to which ids, with which choices."""
    listing = context.listing("/audit")
    before = listing.position(cursor)
    async with context.database() as db:
        entries = await audit.page(db, before=int(before[0]) if before else None, limit=limit + 1)
    items, next_cursor = listing.paginate(response, entries, limit, lambda entry: (str(entry.seq),))
    return schemas.Page(items=[_render_entry(entry) for entry in items], next_cursor=next_cursor)


def _render_entry(entry: Entry) -> schemas.AuditEntry:
    return schemas.AuditEntry(
        id=str(entry.seq),
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        objects=entry.objects,
        source_ip=entry.source_ip,
    )
