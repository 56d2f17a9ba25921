"""What concerns a whole district: its sync log, its connections, and who did what."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import AwareDatetime

from gradesync.api import pagination, schemas
from gradesync.api.auth import Auditor, Checker, LogReader
from gradesync.api.problems import answers
from gradesync.api.routes.syncs import Log, sync_page
from gradesync.api.schemas import SchoologyId
from gradesync.api.schemas.district import CheckedSection
from gradesync.core.reasons import Reason
from gradesync.db import audit, links
from gradesync.db.audit import Entry
from gradesync.db.syncs import Which

router = APIRouter(tags=["District"])

CHECK_TIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LogFilters:
    """Which syncs of the district are meant."""

    section: Annotated[SchoologyId | None, Query(description="Only syncs of this section")] = None
    status: Annotated[schemas.Status | None, Query(description="Only syncs of this status")] = None
    since: Annotated[AwareDatetime | None, Query(description="Requested then or later")] = None
    until: Annotated[AwareDatetime | None, Query(description="Requested before then")] = None
    requested_by: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9_]{1,64}$", description="A Schoology user id, or a client id")
    ] = None
    reason: Annotated[
        Reason | None,
        Query(description="Only syncs that ended with it, or have an outcome with this reason or warning"),
    ] = None

    @property
    def which(self) -> Which:
        return Which(self.status, self.since, self.until, self.requested_by, self.reason)

    def query(self) -> dict[str, str]:
        given = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in given.items()
            if value is not None
        }


@router.get("/syncs", summary="The district's sync log", responses=answers("cursor-not-valid"))
async def list_district_syncs(
    *, context: LogReader, log: Log, filters: Annotated[LogFilters, Depends()], response: Response
) -> schemas.Page[schemas.Sync]:
    """The syncs of all sections in the last 30 days, newest first; only those that meet every filter."""
    return await sync_page(
        context,
        "/syncs",
        log,
        response,
        section_id=filters.section,
        which=filters.which,
        filters=filters.query(),
    )


@router.post("/connections/check", summary="Try the connections", responses=answers("upstream-unavailable"))
async def check_connections(
    *, context: Checker, wanted: Annotated[CheckedSection | None, Body()] = None
) -> schemas.ConnectionReport:
    """Try everything that a sync needs, read-only, and name what is missing and how to mend it.

    The credentials and clocks of both systems, every grant of the plugin, and with a sample section (the one
    that is named, or else one that is linked) how its ids lead to the SIS.
    """
    district, service = await context.district(), context.service
    section_id = wanted.section if wanted else None
    async with context.database() as db:
        section_id = section_id or next((one.section_id for one in await links.page(db, limit=1)), None)
    found = await service.runtime.systems.check(
        district, until=service.clock() + CHECK_TIME, section_id=section_id
    )
    failed = {"failed": [finding.check for finding in found if not finding.ok]}
    async with context.database() as db:
        await audit.append(db, context.by.actor, "connections.checked", failed, context.source_ip)
    findings = [schemas.Finding.model_validate(one, from_attributes=True) for one in found]
    return schemas.ConnectionReport(ok=all(one.ok for one in findings), findings=findings)


@router.get("/audit", summary="Who did what", responses=answers("cursor-not-valid"))
async def list_audit(
    *, context: Auditor, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> schemas.Page[schemas.AuditEntry]:
    """Everything that somebody did in the district, newest first: ids, and what it chose."""
    listing = context.listing("/audit")
    before = listing.position(cursor)
    async with context.database() as db:
        found = await audit.page(db, before=int(before[0]) if before else None, limit=limit + 1)
    items, next_cursor = listing.cut(response, found, limit, lambda entry: (str(entry.seq),))
    return schemas.Page(items=[_told(entry) for entry in items], next_cursor=next_cursor)


def _told(entry: Entry) -> schemas.AuditEntry:
    return schemas.AuditEntry(
        id=str(entry.seq),
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        objects=entry.objects,
        source_ip=entry.source_ip,
    )
