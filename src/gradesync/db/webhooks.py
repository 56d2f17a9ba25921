"""Webhooks of a district, and the outbox of what they are to hear: written with the end of a sync."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import codec
from gradesync.db.crypto import Secrets
from gradesync.db.ids import LOG_KEPT, parse, uuid7
from gradesync.db.tables import metadata

WEBHOOK = metadata.tables["webhook"]
DELIVERY = metadata.tables["delivery"]
W, D = WEBHOOK.c, DELIVERY.c
NOW: ColumnElement[datetime] = func.statement_timestamp()
DUE = text("SELECT district_id FROM tenantless_delivery_districts()")
OLD_KEPT = timedelta(hours=24)
"""How long a secret that was replaced goes on signing beside the new one."""

Status: TypeAlias = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that hears of settled syncs."""

    id: str
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for one webhook, and how often it was tried. `answer` is the last HTTP status."""

    id: str
    webhook_id: str
    sync_id: str
    status: Status
    attempt: int
    created_at: datetime
    not_before: datetime
    finished_at: datetime | None
    answer: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that is ours to make now. It is signed with each of the `secrets`."""

    delivery_id: str
    attempt: int
    url: str
    secrets: tuple[str, ...]
    payload: str


async def create(db: AsyncSession, district_id: str, url: str) -> tuple[Webhook, str]:
    """Add a webhook; answers it and its secret, which is shown this once."""
    id_, secret = uuid7(), _new_secret()
    sealed = _secrets(db).encrypt(district_id, _field(id_), secret)
    row = (
        await db.execute(insert(WEBHOOK).values(id=id_, url=url, secret=sealed).returning(*WEBHOOK.c))
    ).one()
    return _webhook(row), secret


async def listed(db: AsyncSession) -> list[Webhook]:
    """The district's webhooks, in the order of their making."""
    return [_webhook(row) for row in await db.execute(select(WEBHOOK).order_by(W.id))]


async def get(db: AsyncSession, webhook_id: str) -> Webhook | None:
    row = (await db.execute(select(WEBHOOK).where(W.id == parse(webhook_id)))).one_or_none()
    return None if row is None else _webhook(row)


async def rotate(db: AsyncSession, district_id: str, webhook_id: str) -> str | None:
    """Give a webhook a new secret; the old one signs beside it for a day. None where there is no such one."""
    if (id_ := parse(webhook_id)) is None:
        return None
    secret = _new_secret()
    sealed = _secrets(db).encrypt(district_id, _field(id_), secret)
    values = {"secret": sealed, "old_secret": W.secret, "old_until": NOW + OLD_KEPT}
    rotated = await db.execute(update(WEBHOOK).where(W.id == id_).values(values).returning(W.id))
    return secret if rotated.one_or_none() else None


async def remove(db: AsyncSession, webhook_id: str) -> bool:
    """Take a webhook away with all its deliveries; False where there is no such one."""
    id_ = parse(webhook_id)
    removed = await db.execute(delete(WEBHOOK).where(W.id == id_).returning(W.id))
    await db.execute(delete(DELIVERY).where(D.webhook_id == id_))
    return removed.one_or_none() is not None


async def reseal(db: AsyncSession) -> None:
    """Seal the district's webhook secrets with the newest key."""
    keys = _secrets(db)
    for row in await db.execute(select(W.id, W.secret, W.old_secret)):
        values = {
            "secret": keys.rotate(row.secret),
            "old_secret": row.old_secret and keys.rotate(row.old_secret),
        }
        await db.execute(update(WEBHOOK).where(W.id == row.id).values(values))


# ---- the outbox --------------------------------------------------------------------------------------------


async def post(db: AsyncSession, sync_id: UUID, message: Mapping[str, object]) -> None:
    """Put a message into the outbox of every webhook, in the transaction of what it tells of.

    The webhooks are held until its end, so that one that is being removed leaves nothing behind.
    """
    addressees = (await db.scalars(select(W.id).with_for_update(read=True, key_share=True))).all()
    if addressees:
        payload = codec.dump(message)
        rows = [
            {"id": uuid7(), "webhook_id": id_, "sync_id": sync_id, "payload": payload, "status": "pending"}
            for id_ in addressees
        ]
        await db.execute(insert(DELIVERY), rows)


async def page(
    db: AsyncSession,
    webhook_id: str,
    *,
    status: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """The deliveries of a webhook, newest first, from behind one."""
    query = select(DELIVERY).where(D.webhook_id == parse(webhook_id)).order_by(D.id.desc()).limit(limit)
    if status is not None:
        query = query.where(D.status == status)
    if before is not None:
        query = query.where(D.id < parse(before))
    return [_delivery(row) for row in await db.execute(query)]


async def replay(db: AsyncSession, webhook_id: str, delivery_id: str) -> Delivery | None:
    """Deliver once more, from the first attempt on; None where the webhook has no such delivery."""
    again = {"status": "pending", "attempt": 0, "not_before": NOW, "finished_at": None, "error": None}
    which = (D.id == parse(delivery_id)) & (D.webhook_id == parse(webhook_id))
    row = (await db.execute(update(DELIVERY).where(which).values(again).returning(*D))).one_or_none()
    return None if row is None else _delivery(row)


async def due_districts(door: AsyncSession) -> list[str]:
    """Districts with something to deliver now, the one that waited longest first."""
    return [row.district_id for row in await door.execute(DUE)]


async def take(db: AsyncSession, district_id: str, *, most: int, hold_seconds: float) -> list[DueDelivery]:
    """Take deliveries whose time has come. After the hold they are due again, if nothing closed them."""
    due = (
        select(D.id)
        .where(D.status == "pending", D.not_before <= NOW)
        .order_by(D.not_before)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    held = {"not_before": NOW + timedelta(seconds=hold_seconds), "attempt": D.attempt + 1}
    taken = (
        await db.execute(update(DELIVERY).where(D.id.in_(due.scalar_subquery())).values(held).returning(*D))
    ).all()
    addressees = {row.id: row for row in await db.execute(select(WEBHOOK, (W.old_until > NOW).label("both")))}
    return [_parcel(db, district_id, row, addressees[row.webhook_id]) for row in taken]


async def close(
    db: AsyncSession, parcel: DueDelivery, *, answer: int | None, error: str | None, again_in: float | None
) -> None:
    """Write how an attempt ended: delivered (no error), to be tried again, or given up."""
    values: dict[str, Any] = {"answer": answer, "error": error}
    if again_in is None:
        values |= {"status": "failed" if error else "delivered", "finished_at": NOW}
    else:
        values["not_before"] = NOW + timedelta(seconds=again_in)
    mine = (D.id == UUID(parcel.delivery_id)) & (D.status == "pending") & (D.attempt == parcel.attempt)
    await db.execute(update(DELIVERY).where(mine).values(values))


async def purge(db: AsyncSession) -> None:
    """Forget what the log of syncs no longer shows."""
    await db.execute(delete(DELIVERY).where(D.created_at < func.now() - LOG_KEPT))


def _parcel(db: AsyncSession, district_id: str, row: Row[Any], webhook: Row[Any]) -> DueDelivery:
    sealed = (webhook.secret, webhook.old_secret) if webhook.both else (webhook.secret,)
    opened = tuple(_secrets(db).decrypt(district_id, _field(webhook.id), one) for one in sealed)
    return DueDelivery(str(row.id), row.attempt, webhook.url, opened, row.payload)


def _new_secret() -> str:
    """As Standard Webhooks write one: a prefix, and 32 random bytes."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


def _secrets(db: AsyncSession) -> Secrets:
    secrets: Secrets = db.info["secrets"]
    return secrets


def _field(webhook_id: UUID) -> str:
    return f"webhook.{webhook_id}"


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(str(row.id), row.url, row.created_at)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=str(row.id),
        webhook_id=str(row.webhook_id),
        sync_id=str(row.sync_id),
        status=row.status,
        attempt=row.attempt,
        created_at=row.created_at,
        not_before=row.not_before,
        finished_at=row.finished_at,
        answer=row.answer,
        error=row.error,
    )
