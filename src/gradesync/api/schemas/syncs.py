"""Syncs and their outcomes as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from gradesync.api.schemas.base import (
    Fingerprint,
    Mode,
    Page,
    ReasonText,
    RequestModel,
    ResponseModel,
    SchoologyId,
    Status,
)


class WantedSync(RequestModel):
    """What a sync is to do. Every member is optional, and so is the body."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "changes"}, {"dry_run": True}]})

    mode: Annotated[
        Mode, Field(description="`changes` reads what changed; `full` reads everything, on both sides")
    ] = "changes"
    dry_run: Annotated[StrictBool, Field(description="Plan, and write nothing: a preview")] = False
    assignments: Annotated[
        list[SchoologyId] | None,
        Field(min_length=1, max_length=2000, description="Only these assignments, by Schoology id"),
    ] = None
    retry_of: Annotated[
        UUID | None, Field(description="Only what failed in that sync of this section, at today's values")
    ] = None
    approve: Annotated[
        Fingerprint | None,
        Field(description="The fingerprint of the plan that may go on although the guard stopped it"),
    ] = None

    @model_validator(mode="after")
    def _combination(self) -> "WantedSync":
        if self.approve is not None and self.dry_run:
            raise ValueError("approve and dry_run exclude each other")
        if self.retry_of is not None and {"mode", "assignments"} & self.model_fields_set:
            raise ValueError("retry_of goes with neither mode nor assignments")
        return self


class Requester(ResponseModel):
    kind: Literal["teacher", "client"]
    id: Annotated[str, Field(description="A Schoology user id, or a client id")]


class Progress(ResponseModel):
    """Assignments and scores that are done, of those that the plan holds."""

    done: int
    total: int | None


class AssignmentCounts(ResponseModel):
    """What became of the assignments that were read; the others add up to `read`."""

    read: int = 0
    created: int = 0
    recreated: int = 0
    updated: int = 0
    unchanged: int = 0
    adopted: int = 0
    skipped: int = 0
    failed: int = 0


class ScoreCounts(ResponseModel):
    """What became of the scores that were read or owed; the others add up to `read`."""

    read: int = 0
    written: int = 0
    cleared: int = 0
    unchanged: int = 0
    adopted: int = 0
    skipped: int = 0
    failed: int = 0


class SyncError(ReasonText):
    """Why the sync as a whole could not go on."""

    detail: str


class GuardFigures(ResponseModel):
    """How much of what stands in the SIS the plan would change."""

    sent: int
    cleared: int
    zeroed: int
    changed: int
    known: int
    recreated: int


class SyncLinks(ResponseModel):
    self: str
    outcomes: str
    events: str


class Sync(ResponseModel):
    """One sync of one section."""

    id: UUID
    section_id: str
    status: Status
    stage: Literal["queued", "reading", "planning", "writing", "settled"]
    applied: Annotated[
        Literal["none", "some", "all"], Field(description="How much of the plan stands in the SIS")
    ]
    mode: Mode
    dry_run: bool
    assignments_selected: Annotated[
        list[str] | None, Field(description="The subset that was asked for, null for every assignment")
    ] = None
    retry_of: UUID | None = None
    requested_by: Requester
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: Annotated[datetime, Field(description="The sync has ended by then, whatever happens")]
    progress: Progress
    assignments: AssignmentCounts
    scores: ScoreCounts
    warnings: Annotated[Mapping[str, int], Field(description="How often each warning was given")]
    fingerprint: str | None
    guard: GuardFigures | None
    error: SyncError | None
    links: SyncLinks


class OutcomeStudent(ResponseModel):
    id: Annotated[str, Field(description="Schoology user id")]
    name: Annotated[str | None, Field(description="For teachers alone, while Schoology answers")] = None


class OutcomeAssignment(ResponseModel):
    id: str
    title: str | None


class Edit(ResponseModel):
    """One field of an assignment that changes in the SIS. A category is named by its id there."""

    field: Literal["name", "points", "due", "category", "counts"]
    before: str
    after: str
    before_title: Annotated[str | None, Field(description="The title of a category, where it is known")] = (
        None
    )
    after_title: Annotated[str | None, Field(description="The title of a category, where it is known")] = None


class Outcome(ResponseModel):
    """What became of one assignment (`student` is null) or of one score.

    Unchanged ones are only counted, apart from an assignment that something happened to: it has a warning.
    """

    assignment: OutcomeAssignment
    student: OutcomeStudent | None
    result: Literal[
        "created", "recreated", "updated", "written", "cleared", "unchanged", "adopted", "skipped", "failed"
    ]
    reason: ReasonText | None
    detail: Annotated[str | None, Field(description="What the SIS said of a refused assignment")] = None
    warnings: list[ReasonText]
    before: Annotated[str | None, Field(description="Points, or `excused`, `incomplete`, `missing`")]
    after: Annotated[str | None, Field(description="Points, or `excused`, `incomplete`, `missing`")]
    edits: Annotated[list[Edit], Field(description="What changes in the assignment itself")]


class OutcomePage(Page[Outcome]):
    names_unavailable: Annotated[
        bool, Field(description="The names could not be had from Schoology just now")
    ] = False
