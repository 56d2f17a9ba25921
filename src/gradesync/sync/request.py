"""Accept the request for a sync: check it and queue it. An accepted request is committed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.core.history import oldest_kept
from gradesync.core.plan import Selection
from gradesync.core.reasons import Reason
from gradesync.core.second_person import APPROVABLE, is_second_person
from gradesync.core.undo import Undo
from gradesync.db import audit, districts, idempotency, outcomes, queue, syncs
from gradesync.db.idempotency import Key, StoredResponse
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync.observability.tracing import traceparent
from gradesync.sync.context import SyncContext
from gradesync.sync.sweep import settle_overdue
from gradesync.sync.undo import dump_undo, require_targets

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """Describe what to sync. `retry_of` excludes `mode` and `assignments`, `approve` excludes `dry_run`.

    `undo` excludes all others but `dry_run` and `approve`. `reason`: why, in a person's words.
    """

    mode: str | None = None
    dry_run: bool = False
    assignments: Sequence[str] | None = None
    retry_of: str | None = None
    approve: str | None = None
    undo: Undo | None = None
    reason: str | None = None

    @property
    def digest(self) -> str:
        return sha256(msgspec.json.encode(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Ask for a sync of one section. `requester_kind` is `teacher`, `client` or `admin`.

    `key`: an Idempotency-Key. `settles_after`: seconds from the estimated start to the end at the latest.
    """

    district_id: str
    section_id: str
    requester_kind: str
    requester_id: str
    options: SyncOptions
    settles_after: float
    key: str | None = None
    source_ip: str | None = None

    @property
    def actor(self) -> str:
        return f"{self.requester_kind}:{self.requester_id}"


class Accepted(NamedTuple):
    """Hold the sync that stands for a request; where it is not `accepted`, the sync that is in its way."""

    sync: Sync
    accepted: bool


async def request_sync(context: SyncContext, request: Request) -> Sync:
    """Queue a sync, and wake nobody. A repeated Idempotency-Key gets the sync as it was first returned.

    Raises `RequestRefused`: `sync-in-progress` (extension `sync_id`), `syncs-paused` (its detail is what
    the district wrote), `service-sync-off`, `not-course-admin`, `undo-not-possible`,
    `retry-not-possible`, `approval-not-possible`, `second-person-needed`, `reason-needed`,
    `idempotency-key-reused`, `token-not-accepted`.
    """
    sync, accepted = await _accept(context, request)
    if not accepted and await settle_overdue(context, request.district_id, sync.id):
        sync, accepted = await _accept(context, request)
    if not accepted:
        raise RequestRefused(
            "sync-in-progress",
            f"It is {sync.stage}.",
            extensions={"sync_id": sync.id, "section_id": request.section_id},
        )
    log.info("sync.requested", sync=sync.id, district=request.district_id)
    return sync


async def _accept(context: SyncContext, request: Request) -> Accepted:
    async with context.database.district(request.district_id) as db:
        district = await _allowed(db, request)
        key = request.key and Key(request.actor, request.section_id, request.key)
        if key and (answer := await idempotency.find(db, key)):
            return Accepted(_repeated(answer, request), accepted=True)
        queued = await _queue(db, request, district, context.clock())
        if queued.accepted:
            await audit.append(
                db, request.actor, "sync.requested", _audit_detail(queued.sync), request.source_ip
            )
            if key:
                response = msgspec.to_builtins(queued.sync)
                await idempotency.save(db, key, StoredResponse(request.options.digest, response))
        # After the entry: its lock lets no pause come between this look and the commit.
        await _refuse_paused(db, request.section_id)
        if queued.accepted and not await queue.mark_waiting(db):
            raise _left()  # it has moved away since the look above, and the pause of that move is over
    return queued


async def _refuse_paused(db: AsyncSession, section_id: str) -> None:
    """Refuse a request for what is paused, which undoes it, with the reason that a person gave."""
    if (pause := await queue.find_pause(db, section_id)) is not None:
        since = pause.paused_at.isoformat()
        raise RequestRefused("syncs-paused", pause.reason, extensions={"paused_since": since})


async def _allowed(db: AsyncSession, request: Request) -> District:
    """Return the district, where its policy lets such a requester start syncs (R22, R23)."""
    district = await districts.get(db)
    if district is None:
        raise _left()
    if request.requester_kind == "client" and not district.policy.service_sync:
        raise RequestRefused("service-sync-off", "Its policy has service_sync off.")
    if request.requester_kind == "admin" and not district.policy.admin_sync:
        raise RequestRefused("not-course-admin", "The district's policy has admin_sync off.")
    return district


def _left() -> RequestRefused:
    return RequestRefused("token-not-accepted", "The district is no more.")


def _repeated(answer: StoredResponse, request: Request) -> Sync:
    if answer.request_hash != request.options.digest:
        raise RequestRefused("idempotency-key-reused", "")
    return msgspec.convert(dict(answer.response), Sync)


async def _queue(db: AsyncSession, request: Request, district: District, now: datetime) -> Accepted:
    options = request.options
    if options.undo is not None:
        zone = ZoneInfo(district.timezone)
        kept_from = oldest_kept(now, district.policy.history_years, zone)
        await require_targets(db, request.section_id, options.undo, kept_from)
    selection = await _selection(db, request)
    approved = await _approved(db, request, district)
    if approved and options.mode is None and selection is None:
        selection = approved.selection
    undo = dump_undo(options.undo) if options.undo else approved.undo if approved else None
    wait = expected_wait(await queue.count_queued(db), district)
    while True:
        sync = await syncs.insert(
            db,
            section_id=request.section_id,
            requested_by_kind=request.requester_kind,
            requested_by_id=request.requester_id,
            settles_in=wait + request.settles_after,
            mode="full" if undo else options.mode or (approved.mode if approved else "changes"),
            dry_run=options.dry_run,
            selection=selection,
            retry_of=options.retry_of,
            approve=options.approve,
            trace=traceparent(),
            undo=undo,
            reason=options.reason,
            # A plan from before the term's end, or from a preview, asked nobody for changes after it.
            planned_by=approved.requester if approved and approved.error_code == Reason.LATE_CHANGE else None,
        )
        if sync is not None:
            return Accepted(sync, accepted=True)
        running = await syncs.get_running(db, request.section_id)
        if running is not None:  # pragma: no branch - else it settled in this very moment
            return Accepted(running, accepted=False)


async def _approved(db: AsyncSession, request: Request, district: District) -> Sync | None:
    """Return the sync whose plan is approved: its mode and selection apply, unless the request has others.

    Changes after a term's end that wait for a second person are approved with a reason, and by nobody who
    asked for them: by a sync that stopped as late, never by a preview.
    """
    fingerprint = request.options.approve
    if fingerprint is None:
        return None
    planned = await syncs.list_planned(db, request.section_id, fingerprint, APPROVABLE)
    if not planned:
        raise RequestRefused("approval-not-possible", "No recent sync of this section had that plan.")
    approved = planned[0]
    late = approved.guard is not None and approved.guard.late
    if not (late and district.policy.late_approval):
        return approved
    waiting = [sync for sync in planned if sync.error_code == Reason.LATE_CHANGE]
    others = [sync for sync in waiting if is_second_person(sync.requester, request.actor)]
    if not others:
        raise RequestRefused("second-person-needed", "Nobody else asked for these changes.")
    if request.options.reason is None:
        raise RequestRefused("reason-needed", "The term is over.")
    return others[0]


async def _selection(db: AsyncSession, request: Request) -> Selection | None:
    options = request.options
    if options.assignments is not None:
        return dict.fromkeys(options.assignments)
    if options.retry_of is None:
        return None
    sync = await syncs.get(db, options.retry_of)
    if sync is None or sync.section_id != request.section_id or sync.dry_run:
        raise RequestRefused("retry-not-possible", "This section has no such sync.")
    if sync.status == "processing":
        raise RequestRefused("retry-not-possible", "That sync is in progress.")
    if sync.undo is not None:
        raise RequestRefused("retry-not-possible", "That sync put scores back. Start the undo again.")
    failed = await outcomes.get_failed(db, sync.id)
    if not failed and sync.status == "failed":
        # What it did not try is listed in summaries alone, and an ordinary sync sends it.
        detail = "That sync stopped, and nothing that it tried failed. Start a new sync."
        raise RequestRefused("retry-not-possible", detail)
    if not failed:
        raise RequestRefused("retry-not-possible", "Nothing failed in that sync.")
    return failed


def expected_wait(backlog: int, district: District) -> float:
    """Return the seconds until the Schoology budget lets one more sync start, behind `backlog` others."""
    return backlog * district.schoology.seconds_per_sync


def _audit_detail(sync: Sync) -> dict[str, object]:
    return {"section": sync.section_id, "sync": sync.id, "mode": sync.mode, "dry_run": sync.dry_run}
