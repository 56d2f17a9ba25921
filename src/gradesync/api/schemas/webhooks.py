"""Define webhooks, their deliveries, and the messages that they get (Standard Webhooks) as JSON.

Messages have ids and counts: no titles, names or scores.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from gradesync.api.schemas.base import RequestModel, ResponseModel, SyncResult
from gradesync.api.schemas.syncs import AssignmentCounts, Attention, Requester, ScoreCounts

Url = Annotated[str, Field(min_length=1, max_length=500, examples=["https://hooks.example.org/gradesync"])]


class WebhookRequest(RequestModel):
    """Add a webhook."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://hooks.example.org/gradesync"}]}
    )

    url: Annotated[Url, Field(description="https, at a public address")]


class Webhook(ResponseModel):
    """Describe an address that gets a message for every settled sync of the district."""

    id: UUID
    url: str
    created_at: datetime
    links: Mapping[str, str]


class Webhooks(ResponseModel):
    """List the webhooks of the district."""

    items: list[Webhook]


class WebhookSecret(Webhook):
    """Show a webhook's secret."""

    secret: Annotated[
        str,
        Field(
            description="The key that signs every message; shown only once",
            examples=["whsec_MfKQ9r8GKYqrTwjU…"],
        ),
    ]


class Delivery(ResponseModel):
    """Describe one message to one webhook. `id` is its `webhook-id`, the same for every attempt."""

    id: UUID
    webhook_id: UUID
    event: Annotated[str, Field(description="The type of its message", examples=["sync.settled"])]
    sync_id: Annotated[UUID | None, Field(description="null for `webhook.test`")]
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    created_at: datetime
    next_attempt_at: Annotated[
        datetime | None, Field(description="null once it is delivered or has failed for good")
    ]
    finished_at: datetime | None
    response_status: Annotated[int | None, Field(description="The HTTP status of the last attempt")]
    error: Annotated[
        Literal["refused", "no-response", "timed-out", "address-not-allowed", "secret-unreadable"] | None,
        Field(description="Why the last attempt failed"),
    ]


class SettledSync(ResponseModel):
    """Describe a settled sync."""

    district_id: str
    section_id: str
    sync_id: UUID
    status: Literal["complete", "failed"]
    result: SyncResult
    attention: Attention
    applied: Literal["none", "some", "all"]
    requested_by: Requester
    assignments: AssignmentCounts
    scores: ScoreCounts
    warnings: Annotated[Mapping[str, int], Field(description="How many outcomes have each warning")]
    error: Annotated[str | None, Field(description="The code of the reason that stopped the sync")]


class SyncSettled(ResponseModel):
    """Report that a sync is settled."""

    type: Literal["sync.settled"]
    timestamp: Annotated[datetime, Field(description="When it settled")]
    data: SettledSync


class TestedWebhook(ResponseModel):
    """Name the webhook that is tried."""

    district_id: str
    webhook_id: UUID


class WebhookTest(ResponseModel):
    """Try a webhook: a person asked for this message."""

    type: Literal["webhook.test"]
    timestamp: datetime
    data: TestedWebhook
