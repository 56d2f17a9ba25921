"""Syncs: the log, the queue and the leases, all in one table and all by the database's clock.

Whoever holds a lease writes under its token, and learns by False that the sync is no longer theirs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.plan import Guard, Selection
from gradesync.db import news, webhooks
from gradesync.db.ids import LOG_KEPT, earliest, parse, uuid7
from gradesync.db.sync_row import Sync, selection_rows, sync_of
from gradesync.db.tables import metadata

__all__ = [
    "Progress",
    "Sync",
    "backlog",
    "claim",
    "get",
    "insert",
    "overdue",
    "page",
    "planned",
    "progress",
    "release",
    "renew",
    "running",
    "settle",
    "unrung",
    "waiting_districts",
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

    `since` is included, `until` is not. `reason` is the sync's error, or that of one of its outcomes.
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
        yield (C.error_code == which.reason) | given.exists()


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


# ---- the queue ---------------------------------------------------------------------------------------------

ONE_CLAIM_AT_A_TIME = text("""
    SELECT pg_advisory_xact_lock(
        hashtext('gradesync claims'), hashtext(current_setting('gradesync.district')))
""")
CLAIMABLE = text("""sync.id = (
    SELECT coalesce(
        (SELECT id FROM sync WHERE status = 'processing' AND lease_token IS NOT NULL
            AND lease_until <= statement_timestamp() - :takeover_wait
         ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED),
        (SELECT id FROM sync WHERE status = 'processing' AND lease_token IS NULL
            AND not_before <= statement_timestamp()
         ORDER BY not_before LIMIT 1 FOR UPDATE SKIP LOCKED))
    WHERE (SELECT count(*) FROM sync WHERE status = 'processing' AND lease_token IS NOT NULL
            AND lease_until > statement_timestamp() - :takeover_wait) < :per_district)""")
HAS_ROOM = text("""
    SELECT count(*) < :per_district FROM sync WHERE status = 'processing' AND lease_token IS NOT NULL
        AND lease_until > statement_timestamp() - CAST(:takeover_wait AS interval)
""")
TAKE_TURN = text("""
    INSERT INTO turn (served_at) VALUES (statement_timestamp())
    ON CONFLICT (district_id) DO UPDATE SET served_at = excluded.served_at
""")


async def has_room(db: AsyncSession, *, takeover_wait_seconds: float, per_district: int) -> bool:
    """Whether fewer syncs of the district than `per_district` are being worked on, as `claim` counts them."""
    wait = timedelta(seconds=takeover_wait_seconds)
    return bool(await db.scalar(HAS_ROOM, {"takeover_wait": wait, "per_district": per_district}))


async def claim(
    db: AsyncSession, *, lease_seconds: float, takeover_wait_seconds: float, per_district: int
) -> Sync | None:
    """Take a lease on the district's next sync: one that a worker left, or the one that waited longest.

    A lease that ended counts among the `per_district` until `takeover_wait_seconds` later: its holder may
    still have a call under way. None where nothing can be taken.
    """
    await db.execute(ONE_CLAIM_AT_A_TIME)
    statement = (
        update(SYNC)
        .where(
            CLAIMABLE.bindparams(
                takeover_wait=timedelta(seconds=takeover_wait_seconds), per_district=per_district
            )
        )
        .values(
            stage="reading",
            lease_token=uuid4(),
            lease_until=NOW + timedelta(seconds=lease_seconds),
            attempt=C.attempt + 1,
            started_at=func.coalesce(C.started_at, NOW),
        )
        .returning(*C)
    )
    row = (await db.execute(statement)).one_or_none()
    if row is None:
        return None
    await db.execute(TAKE_TURN)
    return sync_of(row)


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
) -> bool:
    """End a sync, in the transaction of its last outcomes. False where it is not ours to end.

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
        return False
    if not row.dry_run:
        await webhooks.post(db, row.id, news.of_settled(row))
    return True


def _given(**told: Unpack[Progress]) -> dict[str, object]:
    given = {name: value for name, value in told.items() if value is not None}
    if (guard := told.get("guard")) is not None:
        given["guard"] = asdict(guard)
    return given


async def backlog(db: AsyncSession) -> int:
    """How many syncs of the district are queued."""
    return await db.scalar(select(func.count()).select_from(SYNC).where(QUEUED)) or 0


# ---- over all districts, through the open door -------------------------------------------------------------

WAITING = text("SELECT district_id FROM door_waiting(:takeover_wait, :older_than)")
OVERDUE = text("SELECT district_id, sync_id FROM door_overdue()")


async def waiting_districts(door: AsyncSession, *, takeover_wait_seconds: float) -> list[str]:
    """Districts with a sync to claim, the one that was served longest ago first."""
    return await unrung(door, older_than_seconds=0, takeover_wait_seconds=takeover_wait_seconds)


async def unrung(door: AsyncSession, *, older_than_seconds: float, takeover_wait_seconds: float) -> list[str]:
    """Districts whose work has been waiting so long that its bell must have been lost."""
    rows = await door.execute(
        WAITING,
        {
            "takeover_wait": timedelta(seconds=takeover_wait_seconds),
            "older_than": timedelta(seconds=older_than_seconds),
        },
    )
    return [row.district_id for row in rows]


async def overdue(door: AsyncSession) -> list[tuple[str, str]]:
    """(district, sync) of those that should have settled by now."""
    return [(row.district_id, str(row.sync_id)) for row in await door.execute(OVERDUE)]
