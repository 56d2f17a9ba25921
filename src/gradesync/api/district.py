"""What concerns a whole district: its sync log, its connections, and who did what."""

from fastapi import APIRouter, Response

from gradesync.api import pages, schemas
from gradesync.api.auth import Auditor, Checker, LogReader
from gradesync.api.live import PATIENCE
from gradesync.api.problems import answers
from gradesync.api.syncs import Log, sync_page
from gradesync.db import audit
from gradesync.db.audit import Entry

router = APIRouter(tags=["District"])


@router.get("/syncs", summary="The district's sync log", responses=answers("cursor-not-valid"))
async def list_district_syncs(
    *, visit: LogReader, log: Log, response: Response
) -> schemas.Page[schemas.Sync]:
    """The syncs of all sections in the last 30 days, newest first."""
    return await sync_page(visit, "/syncs", log, response)


@router.post("/connections/check", summary="Try the connections", responses=answers("upstream-unavailable"))
async def check_connections(*, visit: Checker) -> schemas.ConnectionReport:
    """Try the credentials and grants in Schoology and in the SIS, read-only, and name what is missing."""
    district, service = await visit.district(), visit.service
    found = await service.runtime.systems.check(district, until=service.clock() + PATIENCE)
    told = {"failed": [finding.check for finding in found if not finding.ok]}
    async with visit.database() as db:
        await audit.append(db, visit.by.actor, "connections.checked", told, visit.source_ip)
    findings = [schemas.Finding.model_validate(one, from_attributes=True) for one in found]
    return schemas.ConnectionReport(ok=all(one.ok for one in findings), findings=findings)


@router.get("/audit", summary="Who did what", responses=answers("cursor-not-valid"))
async def list_audit(
    *, visit: Auditor, response: Response, limit: pages.Limit = 50, cursor: pages.Cursor = None
) -> schemas.Page[schemas.AuditEntry]:
    """Everything that somebody did in the district, newest first: ids, never values."""
    listing = visit.listing("/audit")
    before = listing.position(cursor)
    async with visit.database() as db:
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
