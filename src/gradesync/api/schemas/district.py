"""Define the bodies of the district's own operations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from gradesync.api.schemas import ReasonText, RequestModel, ResponseModel, SchoologyId
from gradesync.api.schemas.sections import SectionTeacher

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


class PreflightRequest(RequestModel):
    """Choose the sections of a report. Without a body: all known sections."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sections": ["7900000001"]}]})

    sections: Annotated[
        list[SchoologyId] | None, Field(min_length=1, max_length=5000, description="null: all known sections")
    ] = None


class PreflightProgress(ResponseModel):
    """Count the sections of a report."""

    done: Annotated[int, Field(description="Sections that were examined")]
    total: int


class PreflightError(ReasonText):
    """Explain why a report failed."""

    detail: str


class Preflight(ResponseModel):
    """Describe a report of what would not sync, and why. It reads no scores and writes nothing."""

    id: UUID
    status: Literal["processing", "complete", "failed"]
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: Annotated[
        datetime, Field(description="The report is complete or failed by this time at the latest")
    ]
    progress: PreflightProgress
    findings: int
    reasons: Annotated[Mapping[str, int], Field(description="How often each reason was found")]
    error: Annotated[PreflightError | None, Field(description="Why the report failed")]
    links: Mapping[str, str]


class FoundAssignment(ResponseModel):
    """Identify the assignment of a finding."""

    id: str
    title: str
    category: Annotated[str | None, Field(description="The title of its category; null: none")] = None


class PreflightFinding(ResponseModel):
    """Describe one item that would fail, be skipped, or sync with a warning.

    Without an assignment and a student, the finding is about the whole section.
    """

    section_id: str
    section_code: Annotated[str | None, Field(description="The section school code in Schoology")]
    section_title: Annotated[str | None, Field(description="null until a sync has read the section")] = None
    school: Annotated[str | None, Field(description="The id of its school in Schoology")] = None
    teachers: Annotated[
        list[SectionTeacher],
        Field(default_factory=list, description="Its course admins, as a sync read them"),
    ]
    assignment: FoundAssignment | None
    student_id: Annotated[str | None, Field(description="Schoology user id")]
    result: Literal["failed", "skipped", "warning"]
    reason: ReasonText


class PreflightSection(ResponseModel):
    """Sum up a section of a report, with a message to its teachers that is ready to be copied."""

    section_id: str
    section_code: Annotated[str | None, Field(description="The section school code in Schoology")]
    section_title: Annotated[str | None, Field(description="null until a sync has read the section")]
    school: Annotated[str | None, Field(description="The id of its school in Schoology")]
    teachers: list[SectionTeacher]
    findings: int
    reasons: Annotated[Mapping[str, int], Field(description="How often each reason was found")]
    message: Annotated[str, Field(description="What would not sync and what to do; names no student")]


class ConnectionCheckRequest(RequestModel):
    """Choose a sample section to check how its ids lead to the SIS. Without it, a linked one is used."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"section": "7900000001"}]})

    section: SchoologyId | None = None


class FileDifference(ResponseModel):
    """Describe one setting that differs."""

    setting: Annotated[str, Field(examples=["policy.runs"])]
    filed: Annotated[str | None, Field(description="In the operator's file; null: it is not set")]
    in_force: Annotated[str | None, Field(description="null: it is not set")]


class FileDifferences(ResponseModel):
    """List what differs from the operator's file, in the order of the file."""

    applied_at: Annotated[datetime | None, Field(description="null: no file was ever applied")]
    items: list[FileDifference]
