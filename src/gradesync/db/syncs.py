"""Store syncs: their log and their leases, by the database's clock.

A worker writes under the token of its lease. False or None means that it has lost the lease.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Interval, Text, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from gradesync.core.catalog import NO_ATTENTION, Attention, SyncResult
from gradesync.core.overview import SectionProfile
from gradesync.core.plan import Guard, Selection
from gradesync.db import webhook_message, webhooks
from gradesync.db.codec import LOG_KEPT, Sync, first_id_at, oldest_kept, parse, selection_rows, sync_of, uuid7
from gradesync.db.driver import Session, Statement, StatementPart, find_ours
from gradesync.db.links import dump_profile
from gradesync.db.section_states import keep_state
from gradesync.db.sync_filter import SyncFilter
from gradesync.db.tables import metadata

__all__ = ["Sync"]  # beside what is defined here

SYNC = metadata.tables["sync"]
NOW: ColumnElement[datetime] = func.statement_timestamp()
PROCESSING = SYNC.c.status == "processing"
QUEUED = PROCESSING & SYNC.c.lease_token.is_(None)
HELD = SYNC.c.paused_at.is_not(None)
# A paused sync waits until then: the queue and its index have no other condition for it.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
BY_ID = SYNC.c.id == bindparam("sync")
LEASED = BY_ID & PROCESSING & (SYNC.c.lease_token == bindparam("token")) & (SYNC.c.lease_until > NOW)
OVERDUE = BY_ID & PROCESSING & (SYNC.c.settles_by <= NOW) & ~HELD
JSON = JSONB(none_as_null=True)
# Written on the way, and once more at the end; null leaves a column as it is.
PROGRESS_TYPES: Mapping[str, TypeEngine[Any]] = {
    "done": Integer(),
    "total": Integer(),
    "assignments": JSON,
    "scores": JSON,
    "warnings": JSON,
    "fingerprint": Text(),
    "guard": JSON,
}
PROGRESS_VALUES: Mapping[str, ColumnElement[Any]] = {
    name: func.coalesce(bindparam(f"new_{name}", type_=type_), SYNC.c[name])
    for name, type_ in PROGRESS_TYPES.items()
}
UPDATE_PROGRESS = find_ours(
    update(SYNC)
    .where(LEASED)
    .values(stage=bindparam("new_stage"), **PROGRESS_VALUES)
    .returning(SYNC.c.paused_at)
)
HAS_WEBHOOK = select(metadata.tables["webhook"].c.id).exists().label("has_webhook")
SETTLE = (
    update(SYNC)
    .values(
        status=bindparam("new_status"),
        stage="settled",
        applied=bindparam("new_applied"),
        result=bindparam("new_result"),
        attention=bindparam("new_attention", type_=JSON),
        error_code=bindparam("new_error_code"),
        error_detail=bindparam("new_error_detail"),
        finished_at=NOW,
        not_before=NOW + bindparam("lands_in", type_=Interval),
        lease_token=None,
        lease_until=None,
        **PROGRESS_VALUES,
    )
    .returning(*SYNC.c, HAS_WEBHOOK)
)
SETTLE_LEASED, SETTLE_OVERDUE = (Statement(keep_state(SETTLE.where(which))) for which in (LEASED, OVERDUE))


async def insert(
    db: AsyncSession,
    *,
    section_id: str,
    requested_by_kind: str,
    requested_by_id: str,
    settles_in: float,
    mode: str = "changes",
    dry_run: bool = False,
    selection: Selection | None = None,
    retry_of: str | None = None,
    approve: str | None = None,
    trace: str | None = None,
    planned_by: str | None = None,
    run_id: UUID | None = None,
    undo: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> Sync | None:
    """Queue a sync that ends within `settles_in` seconds; None where the section has one processing."""
    new = {
        "id": uuid7(),
        "section_id": section_id,
        "status": "processing",
        "stage": "queued",
        "applied": "none",
        "mode": mode,
        "dry_run": dry_run,
        "selection": selection_rows(selection),
        "retry_of": retry_of and UUID(retry_of),
        "approve": approve,
        "trace": trace,
        "planned_by": planned_by,
        "run_id": run_id,
        "requested_by_kind": requested_by_kind,
        "requested_by_id": requested_by_id,
        "settles_by": NOW + timedelta(seconds=settles_in),
    }
    new |= {"undo": undo, "reason": reason, "not_before": func.greatest(NOW, _find_landing(section_id))}
    rows = await db.execute(upsert(SYNC).values(new).on_conflict_do_nothing().returning(*SYNC.c))
    return next(map(sync_of, rows), None)


def _find_landing(section_id: str) -> ColumnElement[datetime]:
    """Select until when a write of the section's last sync may take effect."""
    last = select(SYNC.c.not_before).where(SYNC.c.section_id == section_id, ~SYNC.c.dry_run, ~PROCESSING)
    return last.order_by(SYNC.c.id.desc()).limit(1).scalar_subquery()


async def get(db: AsyncSession, sync_id: str) -> Sync | None:
    """Return a sync; None where the district has no such one, or the text is no id."""
    return await _get_one(db, SYNC.c.id == parse(sync_id))


async def get_running(db: AsyncSession, section_id: str) -> Sync | None:
    """Return the section's one processing sync, dry runs apart."""
    return await _get_one(db, (SYNC.c.section_id == section_id) & PROCESSING & ~SYNC.c.dry_run)


async def _get_one(db: AsyncSession, which: ColumnElement[bool]) -> Sync | None:
    row = (await db.execute(select(SYNC).where(which))).one_or_none()
    return None if row is None else sync_of(row)


async def page(
    db: AsyncSession,
    *,
    section_id: str | None = None,
    dry_run: bool = False,
    filters: SyncFilter | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Sync]:
    """List the syncs of a section or of the whole district, newest first, after the sync `before`."""
    oldest = datetime.now(UTC) - LOG_KEPT
    query = select(SYNC).where(
        SYNC.c.dry_run == dry_run, SYNC.c.id >= first_id_at(oldest), SYNC.c.requested_at > oldest
    )
    query = query.where(*(filters or SyncFilter()).conditions())
    if section_id is not None:
        query = query.where(SYNC.c.section_id == section_id)
    if before is not None:
        query = query.where(SYNC.c.id < parse(before))
    return [sync_of(row) for row in await db.execute(query.order_by(SYNC.c.id.desc()).limit(limit))]


async def list_planned(db: AsyncSession, section_id: str, fingerprint: str, age: timedelta) -> list[Sync]:
    """List the section's syncs with this plan that are of that age at most, newest first."""
    recent = SYNC.c.requested_at > NOW - age
    matches = (SYNC.c.section_id == section_id) & (SYNC.c.fingerprint == fingerprint) & recent
    return [sync_of(row) for row in await db.execute(select(SYNC).where(matches).order_by(SYNC.c.id.desc()))]


def _lease_of(sync_id: str, token: str) -> dict[str, UUID]:
    return {"sync": UUID(sync_id), "token": UUID(token)}


async def renew(db: AsyncSession, sync_id: str, token: str, seconds: float) -> bool:
    """Extend the lease to `seconds` from now; False where it is lost."""
    renewed = update(SYNC).where(LEASED).values(lease_until=NOW + timedelta(seconds=seconds))
    found = await db.execute(renewed.returning(SYNC.c.id), _lease_of(sync_id, token))
    return found.one_or_none() is not None


async def release(db: AsyncSession, token: str, not_before: float = 0) -> bool:
    """Return the sync of a lease to the end of the queue, for at least `not_before` seconds.

    A paused one waits until it is resumed. The lease may have lapsed. False where another worker has the sync
    by now, or it is settled.
    """
    ready_at = NOW + timedelta(seconds=not_before)
    queued = {
        "stage": "queued",
        "lease_token": None,
        "lease_until": None,
        "not_before": case((HELD, NEVER), else_=ready_at),
        "ready_at": case((HELD, ready_at)),
    }
    released = update(SYNC).where(PROCESSING, SYNC.c.lease_token == UUID(token)).values(queued)
    return (await db.execute(released.returning(SYNC.c.id))).one_or_none() is not None


class Progress(TypedDict, total=False):
    """Hold how far a sync is and what it counted; what is None or not given stays as it is."""

    done: int | None
    total: int | None
    assignments: Mapping[str, int] | None
    scores: Mapping[str, int] | None
    warnings: Mapping[str, int] | None
    fingerprint: str | None
    guard: Guard | None


class RecordedProgress(NamedTuple):
    """Confirm that the sync is ours. `paused`: it must not go on."""

    paused: bool


async def record_progress(
    db: Session,
    sync_id: str,
    token: str,
    *,
    stage: str,
    parts: Sequence[StatementPart] = (),
    **changes: Unpack[Progress],
) -> RecordedProgress | None:
    """Write how far a sync is, and the parts with it; None, and nothing written, where the lease is lost."""
    values = {**_lease_of(sync_id, token), "new_stage": stage, **_parameters(**changes)}
    row = await UPDATE_PROGRESS.fetch_one(db, values, parts)
    return None if row is None else RecordedProgress(row.paused_at is not None)


async def is_overdue(db: AsyncSession, sync_id: str) -> bool:
    """Return whether a sync is past its time limit and has not settled."""
    return await db.scalar(select(SYNC.c.id).where(OVERDUE), {"sync": UUID(sync_id)}) is not None


async def settle(
    db: Session,
    sync_id: str,
    token: str | None,
    *,
    status: str,
    applied: str,
    result: SyncResult = SyncResult.ALL_SENT,
    attention: Attention = NO_ATTENTION,
    reasons: Mapping[str, int] = MappingProxyType({}),
    profile: SectionProfile | None = None,
    error_code: str | None = None,
    error_detail: str = "",
    lands_in: float = 0,
    parts: Sequence[StatementPart] = (),
    **changes: Unpack[Progress],
) -> Sync | None:
    """Settle a sync, and write the parts with it. None, and nothing written, where it is not ours to settle.

    `reasons` count what needs attention; `profile` is None where nothing was read. Without a token only
    an overdue one is settled. Webhooks are notified, except of dry runs. The section's next sync waits for
    `lands_in` seconds: until then, a write of this one may take effect.
    """
    values = {
        "new_status": status,
        "new_applied": applied,
        "new_result": result,
        "new_attention": asdict(attention),
        "new_error_code": error_code,
        "new_error_detail": error_detail,
        "lands_in": timedelta(seconds=lands_in),
        "new_reasons": {**reasons, **({error_code: 1} if error_code else {})},
        **{f"profile_{name}": value for name, value in dump_profile(profile).items()},
        **_parameters(**changes),
    }
    which = _lease_of(sync_id, token) if token else {"sync": UUID(sync_id)}
    row = await (SETTLE_LEASED if token else SETTLE_OVERDUE).fetch_one(db, {**which, **values}, parts)
    if row is not None and row.has_webhook and not row.dry_run:
        await webhooks.enqueue(db, row.id, webhook_message.sync_settled(row))
    return None if row is None else sync_of(row)


async def purge(db: AsyncSession) -> None:
    """Delete the syncs that the log no longer shows; an unsettled one stays until it settles."""
    await db.execute(delete(SYNC).where(SYNC.c.id < oldest_kept(), ~PROCESSING))


def _parameters(**changes: Unpack[Progress]) -> dict[str, object]:
    guard = changes.get("guard")
    values = {**dict.fromkeys(PROGRESS_TYPES), **changes, "guard": guard and asdict(guard)}
    return {f"new_{name}": value for name, value in values.items()}
