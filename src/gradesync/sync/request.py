"""Takes the request for a sync: checks it, keeps it, rings. What was answered stands, for it is committed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.core.plan import Selection
from gradesync.db import audit, districts, idempotency, outcomes, queue, syncs
from gradesync.db.idempotency import Answer, Key
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync.observability.tracing import traceparent
from gradesync.sync.context import SyncContext
from gradesync.sync.sweep import settle_overdue

log = structlog.get_logger()

BUDGET_SHARE = 0.9  # of what the key may do; the call budget stays as far below


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """What a sync is to do. `retry_of` excludes `mode` and `assignments`, `approve` excludes `dry_run`."""

    mode: str | None = None
    dry_run: bool = False
    assignments: Sequence[str] | None = None
    retry_of: str | None = None
    approve: str | None = None

    @property
    def digest(self) -> str:
        return sha256(msgspec.json.encode(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants what of which section. `kind` of the asker is `teacher` or `client`.

    `key`: an Idempotency-Key. `settles_after`: seconds from the estimated start to the end at the latest.
    """

    district_id: str
    section_id: str
    asker_kind: str
    asker_id: str
    wanted: SyncOptions
    settles_after: float
    key: str | None = None
    source_ip: str | None = None

    @property
    def actor(self) -> str:
        return f"{self.asker_kind}:{self.asker_id}"


class Accepted(NamedTuple):
    """The sync that now stands for the request; not `accepted`: the one that is in its way."""

    sync: Sync
    accepted: bool


async def request_sync(engine: SyncContext, request: Request) -> Sync:
    """Queue a sync and ring. A repeated Idempotency-Key gets the sync as it was first answered.

    Raises `RequestRefused`: `sync-in-progress` (extension `sync_id`), `service-sync-off`,
    `retry-not-possible`, `approval-not-possible`, `idempotency-key-reused`, `token-not-accepted`.
    """
    taken = await _accept(engine, request)
    if not taken.accepted and await settle_overdue(engine, request.district_id, taken.sync.id):
        taken = await _accept(engine, request)
    if not taken.accepted:
        raise RequestRefused(
            "sync-in-progress",
            f"It is {taken.sync.stage}.",
            extensions={"sync_id": taken.sync.id, "section_id": request.section_id},
        )
    log.info("sync.requested", sync=taken.sync.id, district=request.district_id)
    await engine.bell.ring(request.district_id)
    return taken.sync


async def _accept(engine: SyncContext, request: Request) -> Accepted:
    async with engine.database.district(request.district_id) as db:
        district = await _allowed(db, request)
        key = request.key and Key(request.actor, request.section_id, request.key)
        if key and (answer := await idempotency.find(db, key)):
            return Accepted(_repeated(answer, request), accepted=True)
        taken = await _queue(db, request, district)
        if taken.accepted:
            await audit.append(db, request.actor, "sync.requested", _told(taken.sync), request.source_ip)
            if key:
                await idempotency.keep(
                    db, key, Answer(request.wanted.digest, msgspec.to_builtins(taken.sync))
                )
    return taken


async def _allowed(db: AsyncSession, request: Request) -> District:
    """The district, where it lets such an asker start syncs (R22, R23)."""
    district = await districts.get(db)
    if district is None:
        raise RequestRefused("token-not-accepted", "The district is no more.")
    if request.asker_kind == "client" and not district.policy.service_sync:
        raise RequestRefused("service-sync-off", "Its policy has service_sync off.")
    return district


def _repeated(answer: Answer, request: Request) -> Sync:
    if answer.request_hash != request.wanted.digest:
        raise RequestRefused("idempotency-key-reused", "")
    return msgspec.convert(dict(answer.response), Sync)


async def _queue(db: AsyncSession, request: Request, district: District) -> Accepted:
    wanted = request.wanted
    selection = await _selection(db, request)
    approved = await _approved(db, request)
    if approved and wanted.mode is None and selection is None:
        selection = approved.selection
    wait = expected_wait(await queue.backlog(db), district)
    while True:
        sync = await syncs.insert(
            db,
            section_id=request.section_id,
            requested_by_kind=request.asker_kind,
            requested_by_id=request.asker_id,
            settles_in=wait + request.settles_after,
            mode=wanted.mode or (approved.mode if approved else "changes"),
            dry_run=wanted.dry_run,
            selection=selection,
            retry_of=wanted.retry_of,
            approve=wanted.approve,
            trace=traceparent(),
        )
        if sync is not None:
            return Accepted(sync, accepted=True)
        running = await syncs.running(db, request.section_id)
        if running is not None:  # pragma: no branch - else it settled in this very moment
            return Accepted(running, accepted=False)


async def _approved(db: AsyncSession, request: Request) -> Sync | None:
    """The sync whose plan is approved: its mode and its part hold where the request says nothing else."""
    fingerprint = request.wanted.approve
    if fingerprint is None:
        return None
    approved = await syncs.planned(db, request.section_id, fingerprint)
    if approved is None:
        raise RequestRefused("approval-not-possible", "No sync of this section had that plan lately.")
    return approved


async def _selection(db: AsyncSession, request: Request) -> Selection | None:
    wanted = request.wanted
    if wanted.assignments is not None:
        return dict.fromkeys(wanted.assignments)
    if wanted.retry_of is None:
        return None
    sync = await syncs.get(db, wanted.retry_of)
    if sync is None or sync.section_id != request.section_id or sync.dry_run:
        raise RequestRefused("retry-not-possible", "This section has no such sync.")
    if sync.status == "processing":
        raise RequestRefused("retry-not-possible", "That sync is in progress.")
    failed = await outcomes.failed(db, sync.id)
    if not failed:
        raise RequestRefused("retry-not-possible", "Nothing failed in that sync.")
    return failed


def expected_wait(backlog: int, district: District) -> float:
    """Seconds until the district's Schoology budget lets one more sync start, behind `backlog` others."""
    access = district.schoology
    calls = backlog * access.calls_per_sync
    return calls * float(access.window_seconds) / (BUDGET_SHARE * access.requests_per_window)


def _told(sync: Sync) -> dict[str, object]:
    return {"section": sync.section_id, "sync": sync.id, "mode": sync.mode, "dry_run": sync.dry_run}
