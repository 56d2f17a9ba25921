"""Syncs: the log and the leases, by the database's clock.

Whoever holds a lease writes under its token, and learns by False that the sync is no longer theirs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.plan import Guard, Selection
from gradesync.db import news, webhooks
from gradesync.db.ids import LOG_KEPT, earliest, forgotten, parse, uuid7
from gradesync.db.sync_row import Sync, selection_rows, sync_of
from gradesync.db.tables import metadata

__all__ = [
    "Progress",
    "Sync",
    "get",
    "insert",
    "page",
    "planned",
    "progress",
    "purge",
    "release",
    "renew",
    "running",
    "settle",
]

SYNC = metadata.tables["sync"]
OUTCOME = metadata.tables["outcome"].c
C = SYNC.c
NOW: ColumnElement[datetime] = func.statement_timestamp()
PROCESSING = C.status == "processing"
QUEUED = PROCESSING & C.lease_token.is_(None)


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
        "requested_by_kind": requested_by_kind,
        "requested_by_id": requested_by_id,
        "settles_by": NOW + timedelta(seconds=settles_in),
    }
    statement = upsert(SYNC).values(new).on_conflict_do_nothing().returning(*C)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else sync_of(row)


async def get(db: AsyncSession, sync_id: str) -> Sync | None:
    """None where the district has no such sync, or the text is no id."""
    return await _one(db, C.id == parse(sync_id))


async def running(db: AsyncSession, section_id: str) -> Sync | None:
    """The section's one processing sync, dry runs apart."""
    return await _one(db, (C.section_id == section_id) & PROCESSING & ~C.dry_run)


async def _one(db: AsyncSession, which: ColumnElement[bool]) -> Sync | None:
    row = (await db.execute(select(SYNC).where(which))).one_or_none()
    return None if row is None else sync_of(row)


@dataclass(frozen=True, slots=True)
class Which:
    """Which syncs of the log are meant: those that meet everything that is given.

    `since` is included, `until` is not. `reason` is the sync's error, or the reason or a warning of one of
    its outcomes.
    """

    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    requested_by: str | None = None
    reason: str | None = None


def _meant(which: Which) -> Iterator[ColumnElement[bool]]:
    if which.status is not None:
        yield C.status == which.status
    if which.since is not None:
        yield C.requested_at >= which.since
    if which.until is not None:
        yield C.requested_at < which.until
    if which.requested_by is not None:
        yield C.requested_by_id == which.requested_by
    if which.reason is not None:
        given = select(OUTCOME.sync_id).where(OUTCOME.sync_id == C.id, OUTCOME.reason == which.reason)
        yield (C.error_code == which.reason) | C.warnings[which.reason].is_not(None) | given.exists()


async def page(
    db: AsyncSession,
    *,
    section_id: str | None = None,
    dry_run: bool = False,
    which: Which | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Sync]:
    """The log of a section or of the whole district, newest first, from behind the sync `before`."""
    oldest = datetime.now(UTC) - LOG_KEPT
    query = select(SYNC).where(C.dry_run == dry_run, C.id >= earliest(oldest), C.requested_at > oldest)
    query = query.where(*_meant(which or Which()))
    if section_id is not None:
        query = query.where(C.section_id == section_id)
    if before is not None:
        query = query.where(C.id < parse(before))
    return [sync_of(row) for row in await db.execute(query.order_by(C.id.desc()).limit(limit))]


async def planned(db: AsyncSession, section_id: str, fingerprint: str) -> Sync | None:
    """The section's latest sync that had this plan, within the last 24 hours."""
    recent = C.requested_at > NOW - timedelta(hours=24)
    which = (C.section_id == section_id) & (C.fingerprint == fingerprint) & recent
    row = (await db.execute(select(SYNC).where(which).order_by(C.id.desc()).limit(1))).one_or_none()
    return None if row is None else sync_of(row)


def _held(sync_id: str, token: str) -> ColumnElement[bool]:
    return (C.id == UUID(sync_id)) & PROCESSING & (C.lease_token == UUID(token)) & (C.lease_until > NOW)


async def _change(db: AsyncSession, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    changed = await db.execute(update(SYNC).where(which).values(values).returning(C.id))
    return changed.one_or_none() is not None


async def renew(db: AsyncSession, sync_id: str, token: str, seconds: float) -> bool:
    """Make the lease last `seconds` from now; False where it is lost."""
    return await _change(db, _held(sync_id, token), {"lease_until": NOW + timedelta(seconds=seconds)})


async def release(db: AsyncSession, sync_id: str, token: str, not_before: float = 0) -> bool:
    """Put a sync back into the queue, behind what waits there already, for `not_before` seconds at least."""
    back = {
        "stage": "queued",
        "lease_token": None,
        "lease_until": None,
        "not_before": NOW + timedelta(seconds=not_before),
    }
    return await _change(db, _held(sync_id, token), back)


class Progress(TypedDict, total=False):
    """How far a sync is and what it counted; what is None or not given stays as it is."""

    done: int | None
    total: int | None
    assignments: Mapping[str, int] | None
    scores: Mapping[str, int] | None
    warnings: Mapping[str, int] | None
    fingerprint: str | None
    guard: Guard | None


async def progress(
    db: AsyncSession, sync_id: str, token: str, *, stage: str, **told: Unpack[Progress]
) -> bool:
    """Write how far a sync is. False where the lease is lost."""
    return await _change(db, _held(sync_id, token), {"stage": stage, **_given(**told)})


async def is_overdue(db: AsyncSession, sync_id: str) -> bool:
    """Whether a sync is past its bound and has not settled."""
    which = (C.id == UUID(sync_id)) & PROCESSING & (C.settles_by <= NOW)
    return await db.scalar(select(C.id).where(which)) is not None


async def settle(
    db: AsyncSession,
    sync_id: str,
    token: str | None,
    *,
    status: str,
    applied: str,
    error_code: str | None = None,
    error_detail: str = "",
    **told: Unpack[Progress],
) -> Sync | None:
    """End a sync, in the transaction of its last outcomes. None where it is not ours to end.

    Without a token only an overdue sync is ended, whoever has it. Webhooks hear of it, dry runs apart.
    """
    which = _held(sync_id, token) if token else (C.id == UUID(sync_id)) & PROCESSING & (C.settles_by <= NOW)
    end = {
        "status": status,
        "stage": "settled",
        "applied": applied,
        "error_code": error_code,
        "error_detail": error_detail,
        "finished_at": NOW,
        "lease_token": None,
        "lease_until": None,
    }
    settled = update(SYNC).where(which).values({**end, **_given(**told)}).returning(*C)
    row = (await db.execute(settled)).one_or_none()
    if row is None:
        return None
    if not row.dry_run:
        await webhooks.post(db, row.id, news.of_settled(row))
    return sync_of(row)


async def purge(db: AsyncSession) -> None:
    """Delete the syncs that the log no longer shows; one that has not settled stays until it has."""
    await db.execute(delete(SYNC).where(C.id < forgotten(), ~PROCESSING))


def _given(**told: Unpack[Progress]) -> dict[str, object]:
    given = {name: value for name, value in told.items() if value is not None}
    if (guard := told.get("guard")) is not None:
        given["guard"] = asdict(guard)
    return given
