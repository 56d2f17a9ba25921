"""Manage webhooks: addresses, secrets, deliveries, and replays."""

import socket
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Path, Query, Response

from gradesync.api import pagination
from gradesync.api.auth import DistrictReader, DistrictWriter, RequestContext
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Page
from gradesync.api.schemas import webhooks as schemas
from gradesync.db import audit, webhooks
from gradesync.db.webhook_message import webhook_test
from gradesync.db.webhooks import Delivery, Webhook
from gradesync.errors import RequestRefused
from gradesync.upstream.egress import is_public

router = Router("Webhooks", prefix="/webhooks")

MAX_WEBHOOKS = 10
WebhookId = Annotated[UUID, Path(description="The id of a webhook")]


@router.get("", summary="List the district's webhooks")
async def list_webhooks(*, context: DistrictReader) -> schemas.Webhooks:
    """List every webhook, without its secret."""
    async with context.database() as db:
        rows = await webhooks.list_all(db)
    return schemas.Webhooks(items=[schemas.Webhook(**_webhook_fields(row)) for row in rows])


@router.post(
    "",
    status_code=201,
    summary="Add a webhook",
    responses=problem_responses("webhook-not-allowed", "too-many-webhooks"),
)
async def add_webhook(*, context: DistrictWriter, wanted: schemas.WebhookRequest) -> schemas.WebhookSecret:
    """Send a `sync.settled` message with ids and counts to an address for every settled sync.

    Messages are signed according to Standard Webhooks (headers `webhook-id`, `webhook-timestamp`,
    `webhook-signature`) with the secret that this response shows once. A status of 2xx within ten seconds
    counts as delivered. Anything else is retried with growing pauses for most of a day.
    """
    _check_url(wanted.url, http_too=context.runtime.settings.allow_private_network)
    async with context.with_lock("webhooks") as db:
        if len(await webhooks.list_all(db)) >= MAX_WEBHOOKS:
            raise RequestRefused("too-many-webhooks", f"A district can have {MAX_WEBHOOKS}.")
        webhook, secret = await webhooks.create(db, context.caller.district_id, wanted.url)
        await audit.append(db, context.by.actor, "webhook.added", {"webhook": webhook.id}, context.source_ip)
    return schemas.WebhookSecret(**_webhook_fields(webhook), secret=secret)


def _check_url(url: str, *, http_too: bool) -> None:
    """Check the form of an address; the network that it leads to is checked when it is called."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        parts, has_host = urlsplit(""), False
    secure = parts.scheme == "https" or (http_too and parts.scheme == "http")
    if not (has_host and secure and url.isascii() and url.isprintable() and " " not in url):
        raise RequestRefused("webhook-not-allowed", "It is not an https address.")
    if parts.username is not None or parts.fragment:
        raise RequestRefused("webhook-not-allowed", "It has a user name or a fragment.")
    if not (http_too or _may_be_public(parts.hostname or "")):
        raise RequestRefused("webhook-not-allowed", "It is not a public address.")


def _may_be_public(host: str) -> bool:
    """Return False for a number that is no address of the internet. Names are not looked up."""
    try:
        ((*_, where), *_) = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return True
    return is_public(ip_address(str(where[0]).partition("%")[0]))


@router.delete(
    "/{webhook_id}",
    status_code=204,
    summary="Remove a webhook",
    responses=problem_responses("webhook-not-found"),
)
async def remove_webhook(*, context: DistrictWriter, webhook_id: WebhookId) -> None:
    """Remove a webhook, its pending messages, and the log of its deliveries."""
    async with context.database() as db:
        if not await webhooks.remove(db, str(webhook_id)):
            raise _unknown()
        await audit.append(
            db, context.by.actor, "webhook.removed", {"webhook": str(webhook_id)}, context.source_ip
        )


@router.post(
    "/{webhook_id}/rotate", summary="Rotate the secret", responses=problem_responses("webhook-not-found")
)
async def rotate_webhook(*, context: DistrictWriter, webhook_id: WebhookId) -> schemas.WebhookSecret:
    """Create a new secret, shown only once. For 24 hours, messages are also signed with the old one."""
    async with context.database() as db:
        webhook = await _existing(context, webhook_id)
        secret = await webhooks.rotate(db, context.caller.district_id, webhook.id)
        if secret is None:
            raise _unknown()
        await audit.append(
            db, context.by.actor, "webhook.rotated", {"webhook": webhook.id}, context.source_ip
        )
    return schemas.WebhookSecret(**_webhook_fields(webhook), secret=secret)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    summary="Send a test message",
    responses=problem_responses("webhook-not-found"),
)
async def send_test_message(*, context: DistrictWriter, webhook_id: WebhookId) -> schemas.Delivery:
    """Send a `webhook.test` message to one webhook, signed and retried like any other.

    Its delivery is in the log of the webhook, with the status of the last attempt.
    """
    message = webhook_test(context.caller.district_id, str(webhook_id), context.runtime.clock())
    async with context.database() as db:
        delivery = await webhooks.enqueue_test(db, str(webhook_id), message)
        if delivery is None:
            raise _unknown()
        entry = {"webhook": str(webhook_id), "delivery": delivery.id}
        await audit.append(db, context.by.actor, "webhook.tested", entry, context.source_ip)
    return _render_delivery(delivery)


@router.get(
    "/{webhook_id}/deliveries",
    summary="List the deliveries of a webhook",
    responses=problem_responses("webhook-not-found", "cursor-not-valid"),
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
    """List the messages of the last 30 days and their status, newest first."""
    webhook = await _existing(context, webhook_id)
    listing = context.listing(f"/webhooks/{webhook.id}/deliveries", {"status": status} if status else {})
    before = listing.position(cursor)
    async with context.database() as db:
        rows = await webhooks.page(
            db, webhook.id, status=status, before=before[0] if before else None, limit=limit + 1
        )
    items, next_cursor = listing.paginate(response, rows, limit, lambda delivery: (delivery.id,))
    return Page(items=[_render_delivery(delivery) for delivery in items], next_cursor=next_cursor)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Replay a delivery",
    responses=problem_responses("webhook-not-found", "delivery-not-found"),
)
async def replay_delivery(
    *,
    context: DistrictWriter,
    webhook_id: WebhookId,
    delivery_id: Annotated[UUID, Path(description="The id of a delivery")],
) -> schemas.Delivery:
    """Send the same message again with the same `webhook-id`, even if it was delivered."""
    await _existing(context, webhook_id)
    entry = {"webhook": str(webhook_id), "delivery": str(delivery_id)}
    async with context.database() as db:
        delivery = await webhooks.replay(db, str(webhook_id), str(delivery_id))
        if delivery is None:
            raise RequestRefused("delivery-not-found", "This webhook has no such delivery.")
        await audit.append(db, context.by.actor, "delivery.replayed", entry, context.source_ip)
    return _render_delivery(delivery)


async def _existing(context: RequestContext, webhook_id: UUID) -> Webhook:
    async with context.database() as db:
        webhook = await webhooks.get(db, str(webhook_id))
    if webhook is None:
        raise _unknown()
    return webhook


def _unknown() -> RequestRefused:
    return RequestRefused("webhook-not-found", "The district has no such webhook.")


def _webhook_fields(webhook: Webhook) -> dict[str, object]:
    links = {"deliveries": f"/webhooks/{webhook.id}/deliveries"}
    return {"id": webhook.id, "url": webhook.url, "created_at": webhook.created_at, "links": links}


def _render_delivery(delivery: Delivery) -> schemas.Delivery:
    return schemas.Delivery.model_validate(
        {
            "id": delivery.id,
            "webhook_id": delivery.webhook_id,
            "event": delivery.event,
            "sync_id": delivery.sync_id,
            "status": delivery.status,
            "attempts": delivery.attempt,
            "created_at": delivery.created_at,
            "next_attempt_at": delivery.not_before if delivery.status == "pending" else None,
            "finished_at": delivery.finished_at,
            "response_status": delivery.answer,
            "error": delivery.error,
        }
    )
