"""Define the messages that webhooks get (Standard Webhooks): ids and counts, no titles, names or scores."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gradesync.api.schemas.base import ResponseModel, SyncResult
from gradesync.api.schemas.syncs import AssignmentCounts, Attention, Requester, ScoreCounts


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
