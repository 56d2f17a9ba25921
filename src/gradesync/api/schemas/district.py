"""What the district's own calls take and give, beside the shapes of `schemas`."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, StrictInt

from gradesync.api.schemas import ReasonText, RequestModel, ResponseModel, SchoologyId, SisId

Title = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Homework"])
]
Url = Annotated[str, Field(min_length=1, max_length=500, examples=["https://hooks.example.org/gradesync"])]


class WantedWebhook(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://hooks.example.org/gradesync"}]}
    )

    url: Annotated[Url, Field(description="https, at a public address")]


class Webhook(ResponseModel):
    """An address that hears of every settled sync of the district."""

    id: UUID
    url: str
    created_at: datetime
    links: Mapping[str, str]


class Webhooks(ResponseModel):
    items: list[Webhook]


class WebhookSecret(Webhook):
    secret: Annotated[
        str, Field(description="Signs every message; shown this once", examples=["whsec_MfKQ9r8GKYqrTwjU…"])
    ]


class Delivery(ResponseModel):
    """One message to one webhook. `id` is its `webhook-id`, the same at every attempt."""

    id: UUID
    webhook_id: UUID
    sync_id: UUID
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    created_at: datetime
    next_attempt_at: Annotated[datetime | None, Field(description="null once it is delivered or given up")]
    finished_at: datetime | None
    answer: Annotated[int | None, Field(description="The HTTP status of the last attempt")]
    error: Annotated[
        Literal["refused", "no-answer", "timed-out", "address-not-allowed"] | None,
        Field(description="Why the last attempt does not count as delivered"),
    ]


class WantedPreflight(RequestModel):
    """Which sections to look at. Without a body: all that are known."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sections": ["7900000001"]}]})

    sections: Annotated[
        list[SchoologyId] | None, Field(min_length=1, max_length=5000, description="null: all known ones")
    ] = None


class PreflightProgress(ResponseModel):
    done: Annotated[int, Field(description="Sections that were examined")]
    total: int


class PreflightError(ReasonText):
    detail: str


class Preflight(ResponseModel):
    """What would not sync, and why: made without a score being read and without any write."""

    id: UUID
    status: Literal["processing", "complete", "failed"]
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: Annotated[datetime, Field(description="The report has ended by then, whatever happens")]
    progress: PreflightProgress
    findings: int
    reasons: Annotated[Mapping[str, int], Field(description="How often each reason was found")]
    error: Annotated[PreflightError | None, Field(description="Why the report could not go on")]
    links: Mapping[str, str]


class FoundAssignment(ResponseModel):
    id: str
    title: str


class PreflightFinding(ResponseModel):
    """One thing that would fail, be left out, or go with a warning.

    Without an assignment and a student it concerns the section as a whole.
    """

    section_id: str
    section_code: Annotated[str | None, Field(description="The section school code in Schoology")]
    assignment: FoundAssignment | None
    student_id: Annotated[str | None, Field(description="Schoology user id")]
    result: Literal["failed", "skipped", "warning"]
    reason: ReasonText


class Policy(ResponseModel):
    """What the district chose."""

    title_overflow: Literal["skip", "shorten"]
    category_mapping: Literal["one_to_one", "many_to_one"]
    exception_flags: bool
    service_sync: bool
    admin_sync: bool
    take_over: bool
    guard_share: Annotated[str, Field(examples=["0.3"])]
    guard_scores: int
    guard_assignments: int


class PolicyChange(RequestModel):
    """What is to be different. What is not named stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title_overflow": "shorten"}]})

    title_overflow: Annotated[
        Literal["skip", "shorten"] | None, Field(description="What becomes of names that the SIS cannot hold")
    ] = None
    category_mapping: Annotated[
        Literal["one_to_one", "many_to_one"] | None,
        Field(description="Whether a SIS category may take several Schoology categories of a section"),
    ] = None
    exception_flags: Annotated[
        StrictBool | None, Field(description="Also set the SIS's own missing and exempt marks")
    ] = None
    service_sync: Annotated[
        StrictBool | None, Field(description="Whether the district's clients may start syncs")
    ] = None
    admin_sync: Annotated[
        StrictBool | None, Field(description="Whether system admins may start syncs of sections not theirs")
    ] = None
    take_over: Annotated[
        StrictBool | None, Field(description="Adopt same-named SIS assignments that others made")
    ] = None
    guard_share: Annotated[
        Decimal | None,
        Field(
            gt=0,
            le=1,
            decimal_places=4,
            description="The share of changes that stops a sync until it is approved",
        ),
    ] = None
    guard_scores: Annotated[
        StrictInt | None, Field(ge=1, le=1_000_000, description="Fewer sent scores than this are not guarded")
    ] = None
    guard_assignments: Annotated[
        StrictInt | None, Field(ge=1, le=1_000_000, description="Likewise for known assignments")
    ] = None


class CheckedSection(RequestModel):
    """A section to try the way of the ids with. Without it, one that is linked already."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"section": "7900000001"}]})

    section: SchoologyId | None = None


class LinkRow(RequestModel):
    """One row of a link import."""

    section: SchoologyId
    sis_section: SisId | None = None
    teacher: SisId | None = None


class PairRow(RequestModel):
    """One row of a pair import: both categories by id or by title."""

    section: SchoologyId
    category: Title
    sis_category: Title


class RowAnswer(ResponseModel):
    """What became of one row. Rows that failed do not keep others from being done."""

    row: Annotated[int, Field(description="Its place, from 1; a heading is not counted")]
    section: str | None
    result: Literal["done", "failed", "not-attempted"]
    code: Annotated[
        str | None, Field(description="Of the problem or reason", examples=["sis-section-not-found"])
    ]
    detail: Annotated[str | None, Field(description="What is wrong, and how to mend it")]


class Imported(ResponseModel):
    """Every row, answered. Those not attempted in time can be sent again as they are."""

    done: int
    failed: int
    not_attempted: int
    rows: list[RowAnswer]


class TitleRule(RequestModel):
    """A Schoology category goes to a SIS category of another title, in every section that has both."""

    title: Title
    sis_title: Title


class TitleRules(RequestModel):
    """All title rules of the district. Where none applies, equal titles pair."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rules": [{"title": "HW", "sis_title": "Homework"}]}]}
    )

    rules: Annotated[list[TitleRule], Field(max_length=500)]


class ToldTitleRules(ResponseModel):
    rules: list[TitleRule]


class CopyTo(RequestModel):
    """The sections that are to map their categories alike, such as linked sections of one teacher."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sections": ["7900000002", "7900000003"]}]})

    sections: Annotated[list[SchoologyId], Field(min_length=1, max_length=100)]


class CopiedPairs(ResponseModel):
    section: str
    result: Literal["done", "failed", "not-attempted"]
    pairs: Annotated[int, Field(description="Pairs that were set")]
    left_out: Annotated[list[str], Field(description="Titles that this section or its SIS side lacks")]
    code: str | None
    detail: str | None


class Copied(ResponseModel):
    sections: list[CopiedPairs]
