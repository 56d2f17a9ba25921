"""Store webhooks of a district and the outbox of their messages, written with the end of a sync."""

from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import codec
from gradesync.db.codec import LOG_KEPT, Secrets, SecretUnreadable, parse, uuid7
from gradesync.db.driver import Session, Statement
from gradesync.db.tables import metadata

WEBHOOK = metadata.tables["webhook"]
DELIVERY = metadata.tables["delivery"]
NOW: ColumnElement[datetime] = func.statement_timestamp()
DUE = text("SELECT district_id FROM tenantless_delivery_districts()")
# Locked until the end, so that one that is being removed leaves no delivery behind.
RECIPIENTS = Statement("SELECT id FROM webhook FOR KEY SHARE")
ENQUEUE = Statement("""
    INSERT INTO delivery (id, webhook_id, sync_id, payload, status)
    VALUES (:delivery, :webhook, :sync, :message, 'pending')
""")
# Of a webhook that is slow one, of each other one as many as there is room for.
CLAIM = text("""
    WITH due AS MATERIALIZED (
        SELECT next.id FROM webhook CROSS JOIN LATERAL (
            SELECT id, not_before FROM delivery
            WHERE webhook_id = webhook.id AND status = 'pending' AND not_before <= statement_timestamp()
            ORDER BY not_before
            LIMIT CASE WHEN webhook.id = ANY(CAST(:slow AS uuid[])) THEN 1 ELSE CAST(:most AS int) END
            FOR UPDATE SKIP LOCKED
        ) next
        WHERE webhook.id <> ALL(CAST(:busy AS uuid[]))
        ORDER BY next.not_before LIMIT CAST(:most AS int)
    )
    UPDATE delivery SET attempt = attempt + 1,
        not_before = statement_timestamp() + CAST(:seconds AS float) * interval '1 second'
    FROM due WHERE delivery.id = due.id RETURNING delivery.*
""")
OLD_SECRET_KEPT = timedelta(hours=24)  # that a replaced secret goes on signing beside the new one
# The secret that is replaced, and the one that it replaced lately. A sealed one has no space.
OLD_SECRETS = case(
    (WEBHOOK.c.old_until > NOW, WEBHOOK.c.secret + " " + func.split_part(WEBHOOK.c.old_secret, " ", 1)),
    else_=WEBHOOK.c.secret,
)

Status: TypeAlias = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Describe an address that is notified of settled syncs."""

    id: str
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """Describe one message to one webhook, and its attempts. `answer` is the last HTTP status."""

    id: str
    webhook_id: str
    event: str
    sync_id: str | None
    status: Status
    attempt: int
    created_at: datetime
    not_before: datetime
    finished_at: datetime | None
    answer: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """Limit what is claimed: `most` deliveries, none of `busy` webhooks, and one of each that is `slow`."""

    most: int
    busy: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """Hold a delivery that is ours to make now. It is signed with each of the `secrets`: those readable."""

    delivery_id: str
    webhook_id: str
    attempt: int
    url: str
    secrets: tuple[str, ...]
    payload: str


async def create(db: AsyncSession, district_id: str, url: str) -> tuple[Webhook, str]:
    """Create a webhook; return it and its secret, which is shown this once."""
    id_, secret = uuid7(), _new_secret()
    sealed = _secrets(db).encrypt(district_id, _field(id_), secret)
    row = (
        await db.execute(insert(WEBHOOK).values(id=id_, url=url, secret=sealed).returning(*WEBHOOK.c))
    ).one()
    return _webhook(row), secret


async def list_all(db: AsyncSession) -> list[Webhook]:
    """List the district's webhooks, in the order of their creation."""
    return [_webhook(row) for row in await db.execute(select(WEBHOOK).order_by(WEBHOOK.c.id))]


async def get(db: AsyncSession, webhook_id: str) -> Webhook | None:
    row = (await db.execute(select(WEBHOOK).where(WEBHOOK.c.id == parse(webhook_id)))).one_or_none()
    return None if row is None else _webhook(row)


async def rotate(db: AsyncSession, district_id: str, webhook_id: str) -> str | None:
    """Replace the secret of a webhook; the old one signs too for a day. None for an unknown webhook.

    So does the one before it, where that signs still: a request that is sent twice, because the first
    response was lost, must not end the secret that the receiver has.
    """
    if (id_ := parse(webhook_id)) is None:
        return None
    secret = _new_secret()
    sealed = _secrets(db).encrypt(district_id, _field(id_), secret)
    values = {"secret": sealed, "old_secret": OLD_SECRETS, "old_until": NOW + OLD_SECRET_KEPT}
    rotated = await db.execute(
        update(WEBHOOK).where(WEBHOOK.c.id == id_).values(values).returning(WEBHOOK.c.id)
    )
    return secret if rotated.one_or_none() else None


async def remove(db: AsyncSession, webhook_id: str) -> bool:
    """Delete a webhook with all its deliveries; False where there is no such webhook."""
    id_ = parse(webhook_id)
    removed = await db.execute(delete(WEBHOOK).where(WEBHOOK.c.id == id_).returning(WEBHOOK.c.id))
    await db.execute(delete(DELIVERY).where(DELIVERY.c.webhook_id == id_))
    return removed.one_or_none() is not None


async def reseal(db: AsyncSession) -> None:
    """Seal the district's webhook secrets with the newest key."""
    keys = _secrets(db)
    for row in await db.execute(select(WEBHOOK.c.id, WEBHOOK.c.secret, WEBHOOK.c.old_secret)):
        values = {
            "secret": keys.rotate(row.secret),
            "old_secret": row.old_secret and " ".join(map(keys.rotate, row.old_secret.split())),
        }
        await db.execute(update(WEBHOOK).where(WEBHOOK.c.id == row.id).values(values))


# ---- the outbox --------------------------------------------------------------------------------------------


async def enqueue(db: Session, sync_id: UUID, message: Mapping[str, object]) -> None:
    """Put a message into the outbox of every webhook, in the transaction that it reports."""
    payload = codec.dump(message)
    for webhook in await RECIPIENTS.fetch(db):
        await ENQUEUE.run(
            db, {"delivery": uuid7(), "webhook": webhook.id, "sync": sync_id, "message": payload}
        )


async def enqueue_test(db: AsyncSession, webhook_id: str, message: Mapping[str, object]) -> Delivery | None:
    """Put a message of no sync into the outbox of one webhook; None where there is no such webhook."""
    query = select(WEBHOOK.c.id).where(WEBHOOK.c.id == parse(webhook_id))
    id_ = await db.scalar(query.with_for_update(read=True, key_share=True))
    if id_ is None:
        return None
    values = {"id": uuid7(), "webhook_id": id_, "payload": codec.dump(message), "status": "pending"}
    statement = insert(DELIVERY).values(**values, event=message["type"]).returning(*DELIVERY.c)
    return _delivery((await db.execute(statement)).one())


async def page(
    db: AsyncSession,
    webhook_id: str,
    *,
    status: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """List the deliveries of a webhook, newest first, after one."""
    query = (
        select(DELIVERY)
        .where(DELIVERY.c.webhook_id == parse(webhook_id))
        .order_by(DELIVERY.c.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(DELIVERY.c.status == status)
    if before is not None:
        query = query.where(DELIVERY.c.id < parse(before))
    return [_delivery(row) for row in await db.execute(query)]


async def replay(db: AsyncSession, webhook_id: str, delivery_id: str) -> Delivery | None:
    """Queue a delivery again, from its first attempt on; None where the webhook has no such delivery."""
    reset = {"status": "pending", "attempt": 0, "not_before": NOW, "finished_at": None, "error": None}
    matches = (DELIVERY.c.id == parse(delivery_id)) & (DELIVERY.c.webhook_id == parse(webhook_id))
    row = (
        await db.execute(update(DELIVERY).where(matches).values(reset).returning(*DELIVERY.c))
    ).one_or_none()
    return None if row is None else _delivery(row)


async def list_due_districts(db: AsyncSession) -> list[str]:
    """List districts with something to deliver now, the one that waited longest first."""
    return [row.district_id for row in await db.execute(DUE)]


async def claim(db: AsyncSession, district_id: str, room: Room, *, lease_seconds: float) -> list[DueDelivery]:
    """Claim deliveries that are due. After the lease they are due again, unless `close` ended them."""
    values = {
        "most": room.most,
        "busy": [*map(UUID, room.busy)],
        "slow": [*map(UUID, room.slow)],
        "seconds": lease_seconds,
    }
    claimed = (await db.execute(CLAIM, values)).all()
    recipients = {
        row.id: row for row in await db.execute(select(WEBHOOK, (WEBHOOK.c.old_until > NOW).label("both")))
    }
    return [_due_delivery(db, district_id, row, recipients[row.webhook_id]) for row in claimed]


async def close(
    db: AsyncSession, due: DueDelivery, *, answer: int | None, error: str | None, again_in: float | None
) -> None:
    """Record an attempt: delivered (no error), to be tried again, or given up."""
    values: dict[str, Any] = {"answer": answer, "error": error}
    if again_in is None:
        values |= {"status": "failed" if error else "delivered", "finished_at": NOW}
    else:
        values["not_before"] = NOW + timedelta(seconds=again_in)
    ours = (
        (DELIVERY.c.id == UUID(due.delivery_id))
        & (DELIVERY.c.status == "pending")
        & (DELIVERY.c.attempt == due.attempt)
    )
    await db.execute(update(DELIVERY).where(ours).values(values))


async def purge(db: AsyncSession) -> None:
    """Delete what the log of syncs no longer shows."""
    await db.execute(delete(DELIVERY).where(DELIVERY.c.created_at < func.now() - LOG_KEPT))


def _due_delivery(db: AsyncSession, district_id: str, row: Row[Any], webhook: Row[Any]) -> DueDelivery:
    sealed = [webhook.secret, *(webhook.old_secret.split() if webhook.both else ())]
    secrets = []
    for secret in sealed:
        # One that no key opens must not keep the messages of other webhooks.
        with suppress(SecretUnreadable):
            secrets.append(_secrets(db).decrypt(district_id, _field(webhook.id), secret))
    return DueDelivery(str(row.id), str(webhook.id), row.attempt, webhook.url, tuple(secrets), row.payload)


def _new_secret() -> str:
    """Make a secret in the form of Standard Webhooks: a prefix, and 32 random bytes."""
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
        event=row.event,
        sync_id=str(row.sync_id) if row.sync_id else None,
        status=row.status,
        attempt=row.attempt,
        created_at=row.created_at,
        not_before=row.not_before,
        finished_at=row.finished_at,
        answer=row.answer,
        error=row.error,
    )
