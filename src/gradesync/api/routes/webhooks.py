"""Webhooks: who hears of settled syncs, what was delivered, and delivering once more."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from gradesync.api import pagination
from gradesync.api.auth import DistrictReader, DistrictWriter
from gradesync.api.context import RequestContext
from gradesync.api.problems import answers
from gradesync.api.schemas import Page
from gradesync.api.schemas import district as schemas
from gradesync.db import audit, webhooks
from gradesync.db.webhooks import Delivery, Webhook
from gradesync.errors import RequestRefused

router = APIRouter(prefix="/webhooks", tags=["Webhooks"])

MOST = 10
WebhookId = Annotated[UUID, Path(description="The id of a webhook")]


@router.get("", summary="The district's webhooks")
async def list_webhooks(*, context: DistrictReader) -> schemas.Webhooks:
    """Every webhook, without its secret."""
    async with context.database() as db:
        found = await webhooks.listed(db)
    return schemas.Webhooks(items=[schemas.Webhook(**_told(one)) for one in found])


@router.post(
    "",
    status_code=201,
    summary="Add a webhook",
    responses=answers("webhook-not-allowed", "too-many-webhooks"),
)
async def add_webhook(*, context: DistrictWriter, wanted: schemas.WantedWebhook) -> schemas.WebhookSecret:
    """Have every settled sync told to an address, as `sync.settled` with ids and counts.

    Messages are signed as Standard Webhooks says (headers `webhook-id`, `webhook-timestamp`,
    `webhook-signature`), by the secret that this answer shows once. A status of 2xx within ten seconds is a
    delivery; anything else is tried again, with growing pauses, for most of a day.
    """
    _must_be_allowed(wanted.url, http_too=context.service.settings.allow_private_network)
    async with context.database() as db:
        if len(await webhooks.listed(db)) >= MOST:
            raise RequestRefused("too-many-webhooks", f"A district has {MOST} at most.")
        made, secret = await webhooks.create(db, context.caller.district_id, wanted.url)
        await audit.append(db, context.by.actor, "webhook.added", {"webhook": made.id}, context.source_ip)
    return schemas.WebhookSecret(**_told(made), secret=secret)


def _must_be_allowed(url: str, *, http_too: bool) -> None:
    """What an address can be by itself; where it leads is checked when it is called."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        parts, named = urlsplit(""), False
    secure = parts.scheme == "https" or (http_too and parts.scheme == "http")
    if not (named and secure and url.isascii() and url.isprintable() and " " not in url):
        raise RequestRefused("webhook-not-allowed", "It is no https address.")
    if parts.username is not None or parts.fragment:
        raise RequestRefused("webhook-not-allowed", "It holds a user name or a fragment.")


@router.delete(
    "/{webhook_id}", status_code=204, summary="Remove a webhook", responses=answers("webhook-not-found")
)
async def remove_webhook(*, context: DistrictWriter, webhook_id: WebhookId) -> None:
    """Remove a webhook, with what it was still to hear and the log of its deliveries."""
    async with context.database() as db:
        if not await webhooks.remove(db, str(webhook_id)):
            raise _unknown()
        await audit.append(
            db, context.by.actor, "webhook.removed", {"webhook": str(webhook_id)}, context.source_ip
        )


@router.post("/{webhook_id}/rotate", summary="Change the secret", responses=answers("webhook-not-found"))
async def rotate_webhook(*, context: DistrictWriter, webhook_id: WebhookId) -> schemas.WebhookSecret:
    """A new secret, shown this once. For 24 hours messages carry a signature by the old one too."""
    async with context.database() as db:
        found = await _existing(context, webhook_id)
        secret = await webhooks.rotate(db, context.caller.district_id, found.id)
        if secret is None:
            raise _unknown()
        await audit.append(db, context.by.actor, "webhook.rotated", {"webhook": found.id}, context.source_ip)
    return schemas.WebhookSecret(**_told(found), secret=secret)


@router.get(
    "/{webhook_id}/deliveries",
    summary="What was delivered",
    responses=answers("webhook-not-found", "cursor-not-valid"),
)
async def list_deliveries(
    *,
    context: DistrictReader,
    webhook_id: WebhookId,
    response: Response,
    status: Annotated[webhooks.Status | None, Query(description="Only deliveries of this status")] = None,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> Page[schemas.Delivery]:
    """The messages of the last 30 days, newest first, and how each of them fared."""
    found = await _existing(context, webhook_id)
    listing = context.listing(f"/webhooks/{found.id}/deliveries", {"status": status} if status else {})
    before = listing.position(cursor)
    async with context.database() as db:
        rows = await webhooks.page(
            db, found.id, status=status, before=before[0] if before else None, limit=limit + 1
        )
    items, next_cursor = listing.cut(response, rows, limit, lambda one: (one.id,))
    return Page(items=[_delivery(one) for one in items], next_cursor=next_cursor)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Deliver once more",
    responses=answers("webhook-not-found", "delivery-not-found"),
)
async def replay_delivery(
    *,
    context: DistrictWriter,
    webhook_id: WebhookId,
    delivery_id: Annotated[UUID, Path(description="The id of a delivery")],
) -> schemas.Delivery:
    """Send the same message again, under the same `webhook-id`, whatever became of it before."""
    await _existing(context, webhook_id)
    told = {"webhook": str(webhook_id), "delivery": str(delivery_id)}
    async with context.database() as db:
        again = await webhooks.replay(db, str(webhook_id), str(delivery_id))
        if again is None:
            raise RequestRefused("delivery-not-found", "This webhook has no such delivery.")
        await audit.append(db, context.by.actor, "delivery.replayed", told, context.source_ip)
    return _delivery(again)


async def _existing(context: RequestContext, webhook_id: UUID) -> Webhook:
    async with context.database() as db:
        found = await webhooks.get(db, str(webhook_id))
    if found is None:
        raise _unknown()
    return found


def _unknown() -> RequestRefused:
    return RequestRefused("webhook-not-found", "The district has no such webhook.")


def _told(one: Webhook) -> dict[str, object]:
    links = {"deliveries": f"/webhooks/{one.id}/deliveries"}
    return {"id": one.id, "url": one.url, "created_at": one.created_at, "links": links}


def _delivery(one: Delivery) -> schemas.Delivery:
    return schemas.Delivery.model_validate(
        {
            "id": one.id,
            "webhook_id": one.webhook_id,
            "sync_id": one.sync_id,
            "status": one.status,
            "attempts": one.attempt,
            "created_at": one.created_at,
            "next_attempt_at": one.not_before if one.status == "pending" else None,
            "finished_at": one.finished_at,
            "answer": one.answer,
            "error": one.error,
        }
    )
