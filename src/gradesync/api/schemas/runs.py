"""Define runs as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from gradesync.api.schemas.base import Mode, RequestModel, ResponseModel, SchoologyId, SyncResult
from gradesync.api.schemas.pauses import SchoolId
from gradesync.core.reasons import Reason


class RunRequest(RequestModel):
    """Choose the sections of a run, in one way; without a choice it is all that gradesync knows."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "sis-unreadable"}, {"dry_run": True}]}
    )

    sections: Annotated[
        list[SchoologyId] | None, Field(min_length=1, max_length=2000, description="These sections")
    ] = None
    school: Annotated[SchoolId | None, Field(description="The sections of this school")] = None
    reason: Annotated[
        Reason | None,
        Field(description="Sections whose last sync ended with it, or has it in an outcome or a warning"),
    ] = None
    mode: Mode = "changes"
    dry_run: Annotated[StrictBool, Field(description="Preview: plan every sync and write nothing")] = False

    @model_validator(mode="after")
    def _check_choice(self) -> "RunRequest":
        if sum(choice is not None for choice in (self.sections, self.school, self.reason)) > 1:
            raise ValueError("sections, school and reason exclude each other")
        return self


class RunCounts(ResponseModel):
    """Count the sections of a run. The other counts add up to `total`."""

    total: int = 0
    waiting: int = 0
    processing: int = 0
    all_sent: int = 0
    needs_attention: int = 0
    stopped_for_review: int = 0
    failed: int = 0
    skipped: int = 0


class Decider(ResponseModel):
    """Identify whose decision a run is."""

    kind: Annotated[str, Field(examples=["client"])]
    id: str


class Skip(ResponseModel):
    """Count the sections that were skipped for one reason."""

    code: str
    title: str
    count: int


class Run(ResponseModel):
    """Describe a run: one sync of each of its sections."""

    id: UUID
    status: Annotated[
        Literal["processing", "stopping", "stopped", "complete"],
        Field(description="`stopping`: nothing further begins, and the syncs under way end"),
    ]
    chosen: Annotated[Mapping[str, Any], Field(description="`sections`, `school` or `reason`; empty: all")]
    mode: Mode
    dry_run: bool
    requested_by: Decider
    requested_at: datetime
    schedule_id: Annotated[UUID | None, Field(description="The schedule that made it")]
    begins: datetime
    ends: Annotated[datetime | None, Field(description="The end of its window; null: it has none")]
    finishes_by: Annotated[datetime, Field(description="Its end, as forecast when it was made")]
    finished_at: datetime | None
    counts: RunCounts
    skips: list[Skip]
    links: Mapping[str, str]


class RunSection(ResponseModel):
    """Describe one section of a run."""

    section_id: str
    state: Literal["waiting", "processing", "settled", "skipped"]
    result: Annotated[SyncResult | None, Field(description="What its sync came to")]
    skipped: Annotated[Skip | None, Field(description="Why it had no sync")]
    sync: Annotated[str | None, Field(description="The path of its sync")]
