"""Syncs: the log and the leases, by the database's clock.

Whoever holds a lease writes under its token, and learns by False that the sync is no longer theirs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Text, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from gradesync.core.plan import Guard, Selection
from gradesync.db import webhook_message as news
from gradesync.db import webhooks
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
THIS = C.id == bindparam("sync")
HELD = THIS & PROCESSING & (C.lease_token == bindparam("token")) & (C.lease_until > NOW)
OVERDUE = THIS & PROCESSING & (C.settles_by <= NOW)
JSON = JSONB(none_as_null=True)
TOLD: Mapping[str, TypeEngine[Any]] = {
    "done": Integer(),
    "total": Integer(),
    "assignments": JSON,
    "scores": JSON,
    "warnings": JSON,
    "fingerprint": Text(),
    "guard": JSON,
}
"""What is written on the way, and once more at the end; null leaves a column as it is."""
KEPT: Mapping[str, ColumnElement[Any]] = {
    name: func.coalesce(bindparam(f"new_{name}", type_=type_), C[name]) for name, type_ in TOLD.items()
}
PROGRESS = update(SYNC).where(HELD).values(stage=bindparam("new_stage"), **KEPT).returning(C.id)
HEARD = select(metadata.tables["webhook"].c.id).exists().label("heard")
END = (
    update(SYNC)
    .values(
        status=bindparam("new_status"),
        stage="settled",
        applied=bindparam("new_applied"),
        error_code=bindparam("new_error_code"),
        error_detail=bindparam("new_error_detail"),
        finished_at=NOW,
        lease_token=None,
        lease_until=None,
        **KEPT,
    )
    .returning(*C, HEARD)
)
END_HELD, END_OVERDUE = END.where(HELD), END.where(OVERDUE)


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


def _whose(sync_id: str, token: str) -> dict[str, UUID]:
    return {"sync": UUID(sync_id), "token": UUID(token)}


async def _change(db: AsyncSession, sync_id: str, token: str, values: Mapping[str, Any]) -> bool:
    changed = await db.execute(
        update(SYNC).where(HELD).values(values).returning(C.id), _whose(sync_id, token)
    )
    return changed.one_or_none() is not None


async def renew(db: AsyncSession, sync_id: str, token: str, seconds: float) -> bool:
    """Make the lease last `seconds` from now; False where it is lost."""
    return await _change(db, sync_id, token, {"lease_until": NOW + timedelta(seconds=seconds)})


async def release(db: AsyncSession, sync_id: str, token: str, not_before: float = 0) -> bool:
    """Put a sync back into the queue, behind what waits there already, for `not_before` seconds at least."""
    back = {
        "stage": "queued",
        "lease_token": None,
        "lease_until": None,
        "not_before": NOW + timedelta(seconds=not_before),
    }
    return await _change(db, sync_id, token, back)


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
    values = {**_whose(sync_id, token), "new_stage": stage, **_new(**told)}
    return (await db.execute(PROGRESS, values)).one_or_none() is not None


async def is_overdue(db: AsyncSession, sync_id: str) -> bool:
    """Whether a sync is past its bound and has not settled."""
    return await db.scalar(select(C.id).where(OVERDUE), {"sync": UUID(sync_id)}) is not None


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
    values = {
        "new_status": status,
        "new_applied": applied,
        "new_error_code": error_code,
        "new_error_detail": error_detail,
        **_new(**told),
    }
    if token:
        ended = await db.execute(END_HELD, {**_whose(sync_id, token), **values})
    else:
        ended = await db.execute(END_OVERDUE, {"sync": UUID(sync_id), **values})
    row = ended.one_or_none()
    if row is None:
        return None
    if row.heard and not row.dry_run:
        await webhooks.post(db, row.id, news.of_settled(row))
    return sync_of(row)


async def purge(db: AsyncSession) -> None:
    """Delete the syncs that the log no longer shows; one that has not settled stays until it has."""
    await db.execute(delete(SYNC).where(C.id < forgotten(), ~PROCESSING))


def _new(**told: Unpack[Progress]) -> dict[str, object]:
    guard = told.get("guard")
    given = {**dict.fromkeys(TOLD), **told, "guard": guard and asdict(guard)}
    return {f"new_{name}": value for name, value in given.items()}
