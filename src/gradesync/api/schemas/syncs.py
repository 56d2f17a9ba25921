"""Define syncs and their outcomes as JSON."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from gradesync.api.schemas.base import (
    Approval,
    Fingerprint,
    Mode,
    Page,
    Paused,
    ReasonText,
    RequestModel,
    ResponseModel,
    SchoologyId,
    Status,
    SyncResult,
    Why,
)
from gradesync.api.schemas.undo import Undone


class SyncRequest(RequestModel):
    """Request a sync. Every member is optional, and so is the body."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "changes"}, {"dry_run": True}]})

    mode: Annotated[
        Mode, Field(description="`changes` reads what changed; `full` reads everything in both systems")
    ] = "changes"
    dry_run: Annotated[StrictBool, Field(description="Preview: plan the sync and write nothing")] = False
    assignments: Annotated[
        list[SchoologyId] | None,
        Field(min_length=1, max_length=2000, description="Only these assignments, by Schoology id"),
    ] = None
    retry_of: Annotated[
        UUID | None, Field(description="Only what failed in that sync of this section, with current values")
    ] = None
    approve: Annotated[
        Fingerprint | None,
        Field(description="The fingerprint of a plan that the guard stopped and that may now be written"),
    ] = None

    reason: Annotated[Why | None, Field(description="Why; the history keeps it")] = None

    @model_validator(mode="after")
    def _check_combination(self) -> "SyncRequest":
        if self.approve is not None and self.dry_run:
            raise ValueError("approve and dry_run exclude each other")
        if self.retry_of is not None and {"mode", "assignments"} & self.model_fields_set:
            raise ValueError("retry_of goes with neither mode nor assignments")
        return self


class Requester(ResponseModel):
    """Identify who requested a sync."""

    kind: Annotated[
        Literal["teacher", "client", "admin", "run", "schedule"],
        Field(description="`run` and `schedule`: one of many syncs that the district asked for at once"),
    ]
    id: Annotated[
        str,
        Field(
            description="A Schoology user id, a client id, or the subject of an admin; of a run or schedule, "
            "whoever decided it"
        ),
    ]
    run: Annotated[UUID | None, Field(description="The run that the sync is part of")] = None
    name: Annotated[
        str | None, Field(description="Only in a section's log, for teachers, and while Schoology responds")
    ] = None


class Progress(ResponseModel):
    """Count the assignments and scores that are done, out of those in the plan."""

    done: int
    total: int | None


class AssignmentCounts(ResponseModel):
    """Count the results of the assignments that were read. The other counts add up to `read`.

    Each is the sum of `count` over the outcomes of assignments with that result.
    """

    read: int = 0
    created: int = 0
    recreated: int = 0
    updated: int = 0
    unchanged: int = 0
    adopted: int = 0
    skipped: int = 0
    failed: int = 0


class ScoreCounts(ResponseModel):
    """Count the results of the scores that were read or owed. The other counts add up to `read`.

    Each is the sum of `count` over the outcomes of scores with that result. Mode `changes` reads only what
    changed since the sync before, and counts nothing else. A score that was never given is not read.
    """

    read: int = 0
    written: int = 0
    cleared: int = 0
    unchanged: int = 0
    adopted: int = 0
    skipped: int = 0
    failed: int = 0


class SyncError(ReasonText):
    """Explain why the sync as a whole failed."""

    detail: str


class GuardFigures(ResponseModel):
    """Count how much in the SIS the plan would change."""

    sent: int
    cleared: int
    zeroed: int
    changed: int
    known: int
    recreated: int
    danger: Annotated[
        Literal["scores", "assignments"] | None,
        Field(description="What is too much of it, so that a person must approve the plan; null: nothing"),
    ]
    late: Annotated[
        int, Field(description="Changes after the term's end, which a second person must approve")
    ] = 0
    term_ended: Annotated[
        date | None, Field(description="The last day of the term, where there are `late` changes")
    ] = None
    explanation: Annotated[
        str | None, Field(description="Why a person must approve the plan, with the numbers, as sentences")
    ]


class Attention(ResponseModel):
    """Count what needs attention: what the SIS lacks or holds otherwise, and no teacher chose that.

    A score whose assignment needs attention is not counted again.
    """

    assignments: int
    scores: int


class SyncLinks(ResponseModel):
    """Link to the parts of a sync."""

    self: str
    outcomes: str
    events: str


class Sync(ResponseModel):
    """Describe one sync of one section."""

    id: UUID
    section_id: str
    status: Status
    result: Annotated[
        SyncResult | None,
        Field(
            description="What it came to; null while it is processing. `all-sent`: the SIS holds everything "
            "that should be there. `needs-attention`: some of it needs a person, though `status` may be "
            "`complete`. `stopped-for-review`: nothing was sent, and a person must approve it first. "
            "`failed`: nothing could be sent. For a preview: what a sync would come to."
        ),
    ]
    attention: Annotated[Attention | None, Field(description="null while it is processing")]
    stage: Literal["queued", "reading", "planning", "writing", "settled"]
    applied: Annotated[
        Literal["none", "some", "all"], Field(description="How much of the plan was written to the SIS")
    ]
    mode: Mode
    dry_run: bool
    assignments_selected: Annotated[
        list[str] | None, Field(description="The requested assignments; null: all of them")
    ] = None
    retry_of: UUID | None = None
    requested_by: Requester
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: Annotated[
        datetime,
        Field(description="The sync is complete or failed by this time at the latest, unless it is paused"),
    ]
    paused: Annotated[
        Paused | None,
        Field(description="Why it does not go on now; it does by itself once the district resumes it"),
    ] = None
    progress: Progress
    assignments: AssignmentCounts
    scores: ScoreCounts
    warnings: Annotated[Mapping[str, int], Field(description="How many outcomes have each warning")]
    fingerprint: str | None
    approve: Annotated[
        str | None, Field(description="The fingerprint of the plan that this sync was allowed to write")
    ] = None
    guard: GuardFigures | None
    approval: Annotated[Approval | None, Field(description="Null unless its plan waits for approval")] = None
    error: SyncError | None
    undo: Annotated[Undone | None, Field(description="What it puts back, where it is an undo")] = None
    reason: Annotated[str | None, Field(description="Reason that a person gave with the request")] = None
    links: SyncLinks


class OutcomeStudent(ResponseModel):
    """Identify the student of a score."""

    id: Annotated[str, Field(description="Schoology user id")]
    name: Annotated[str | None, Field(description="Only for teachers, and only while Schoology responds")] = (
        None
    )


class OutcomeAssignment(ResponseModel):
    """Identify the assignment of an outcome."""

    id: str
    title: str | None
    points: Annotated[
        str | None, Field(description="The total points as last sent; null where none were")
    ] = None


class Edit(ResponseModel):
    """Describe one field of an assignment that changes in the SIS. A category is named by its SIS id."""

    field: Literal["name", "points", "due", "category", "counts"]
    before: str
    after: str
    before_title: Annotated[str | None, Field(description="The title of a category, if known")] = None
    after_title: Annotated[str | None, Field(description="The title of a category, if known")] = None


class Outcome(ResponseModel):
    """Give the result of one assignment or of one score, or of `count` of them in one summary.

    What is unchanged, and has no warning, is in summaries: one of all assignments, and one of the scores of
    each assignment.
    """

    kind: Literal["assignment", "score"]
    assignment: Annotated[
        OutcomeAssignment | None, Field(description="Null in a summary of more than one assignment")
    ]
    student: Annotated[
        OutcomeStudent | None, Field(description="Null for assignments, and in a summary of scores")
    ]
    count: Annotated[int, Field(ge=1, description="How many assignments or scores it stands for")]
    result: Literal[
        "created", "recreated", "updated", "written", "cleared", "unchanged", "adopted", "skipped", "failed"
    ]
    reason: ReasonText | None
    detail: Annotated[str | None, Field(description="The SIS's message for a refused assignment")] = None
    warnings: list[ReasonText]
    before: Annotated[str | None, Field(description="Points, or `excused`, `incomplete`, `missing`")]
    after: Annotated[str | None, Field(description="Points, or `excused`, `incomplete`, `missing`")]
    edits: Annotated[list[Edit], Field(description="The changed fields of the assignment")]


class OutcomePage(Page[Outcome]):
    """Hold one page of outcomes."""

    names_unavailable: Annotated[
        bool, Field(description="True: Schoology did not provide the students' names")
    ] = False
    students: Annotated[
        int | None, Field(description="Active students of the section; null: unknown, or not for a teacher")
    ] = None
