"""What the API takes and gives, as JSON. Points are decimal strings, times RFC 3339 in UTC, ids strings."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

SchoologyId = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,19}$", examples=["7900000001"])]
SisId = Annotated[str, Field(min_length=1, max_length=200, examples=["49355"])]
Points = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["9.5"])]
Fingerprint = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_-]{8,128}$", examples=["5d0c3a77e2b14f60"])]

Mode = Literal["changes", "full"]
Status = Literal["processing", "complete", "failed"]

Item = TypeVar("Item")


class Given(BaseModel):
    """A body that a client sends: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """A body that the API sends."""

    model_config = ConfigDict(frozen=True)


class Page(Told, Generic[Item]):
    """One page of a list. `next_cursor` is null on the last one; `Link: rel="next"` says the same."""

    items: list[Item]
    next_cursor: str | None = None


class WantedSync(Given):
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


class Requester(Told):
    kind: Literal["teacher", "client"]
    id: Annotated[str, Field(description="A Schoology user id, or a client id")]


class Progress(Told):
    """Assignments and scores that are done, of those that the plan holds."""

    done: int
    total: int | None


class AssignmentCounts(Told):
    """What became of the assignments that were read; the others add up to `read`."""

    read: int = 0
    created: int = 0
    recreated: int = 0
    updated: int = 0
    unchanged: int = 0
    adopted: int = 0
    skipped: int = 0
    failed: int = 0


class ScoreCounts(Told):
    """What became of the scores that were read or owed; the others add up to `read`."""

    read: int = 0
    written: int = 0
    cleared: int = 0
    unchanged: int = 0
    adopted: int = 0
    skipped: int = 0
    failed: int = 0


class Said(Told):
    """A reason of the catalogue: what happened, and what to do about it."""

    code: Annotated[str, Field(examples=["mass-change"])]
    title: str
    fix: str
    retryable: bool


class SyncError(Said):
    """Why the sync as a whole could not go on."""

    detail: str


class GuardFigures(Told):
    """How much of what stands in the SIS the plan would change."""

    sent: int
    cleared: int
    zeroed: int
    changed: int
    known: int
    recreated: int


class SyncLinks(Told):
    self: str
    outcomes: str
    events: str


class Sync(Told):
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


class OutcomeStudent(Told):
    id: Annotated[str, Field(description="Schoology user id")]
    name: Annotated[str | None, Field(description="For teachers alone, while Schoology answers")] = None


class OutcomeAssignment(Told):
    id: str
    title: str | None


class Edit(Told):
    """One field of an assignment that changes in the SIS. A category is named by its id there."""

    field: Literal["name", "points", "due", "category", "counts"]
    before: str
    after: str


class Outcome(Told):
    """What became of one assignment (`student` is null) or of one score.

    Unchanged ones are only counted, apart from an assignment that something happened to: it has a warning.
    """

    assignment: OutcomeAssignment
    student: OutcomeStudent | None
    result: Literal[
        "created", "recreated", "updated", "written", "cleared", "unchanged", "adopted", "skipped", "failed"
    ]
    reason: Said | None
    warnings: list[Said]
    before: Annotated[str | None, Field(description="Points, or `excused`, `incomplete`, `missing`")]
    after: Annotated[str | None, Field(description="Points, or `excused`, `incomplete`, `missing`")]
    edits: Annotated[list[Edit], Field(description="What changes in the assignment itself")]


class OutcomePage(Page[Outcome]):
    names_unavailable: Annotated[
        bool, Field(description="The names could not be had from Schoology just now")
    ] = False


class SisSection(Told):
    id: str
    term_first: date
    term_last: date


class Section(Told):
    """The link of a Schoology section to the section of the SIS."""

    id: str
    title: str | None
    code: Annotated[str | None, Field(description="The section school code in Schoology")]
    sis_section: Annotated[SisSection | None, Field(description="null until the first sync resolves it")]
    teacher: Annotated[str | None, Field(description="The SIS teacher whom the district set")]
    chosen: Annotated[bool, Field(description="True where the district set the link")]
    links: Mapping[str, str]


class WantedLink(Given):
    """The SIS section, its acting teacher, or both. null: found by itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sis_section": "49355", "teacher": None}]})

    sis_section: SisId | None = None
    teacher: SisId | None = None


class AssignmentCategory(Told):
    id: str
    title: str | None


class SectionAssignment(Told):
    """One gradable item of the section, and where it stands with the SIS."""

    id: str
    title: str | None
    points: str | None
    due: date | None
    category: AssignmentCategory | None
    sync_to_sis: bool
    state: Literal["never-synced", "synced", "changes-waiting", "opted-out", "problem"]
    last_synced: datetime | None
    changes_waiting: Annotated[
        bool | None,
        Field(description="Known changes of the assignment, or scores owed; null: cannot be told"),
    ]
    problem: Said | None


class SectionAssignments(Told):
    items: list[SectionAssignment]
    live: Annotated[bool, Field(description="False: Schoology does not answer, this is what is known")]
    as_of: datetime | None


class AssignmentSwitch(Given):
    """The switch *Sync to SIS* of one assignment."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sync_to_sis": False}]})

    sync_to_sis: StrictBool


class SisCategory(Told):
    id: str
    title: str
    active: bool


class CategoryPair(Told):
    """A grading category of Schoology, and where its assignments go."""

    id: str
    title: str | None
    sis_category: AssignmentCategory | None
    chosen: Annotated[bool, Field(description="True where the district set the pair")]
    problem: Annotated[Said | None, Field(description="Why its assignments do not sync")]


class SectionCategories(Told):
    items: list[CategoryPair]
    sis_categories: list[SisCategory]
    unmapped: Annotated[list[str], Field(description="Ids of categories whose assignments do not sync")]
    live: Annotated[bool, Field(description="False where a side does not answer and this is what is known")]
    as_of: datetime | None


class WantedPair(Given):
    id: Annotated[SchoologyId, Field(description="Grading category in Schoology")]
    sis_category: Annotated[SisId, Field(description="Category in the SIS")]


class WantedPairs(Given):
    """The pairs that the district sets, all of them. Other categories pair by title."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pairs": [{"id": "71000001", "sis_category": "3312"}]}]}
    )

    pairs: Annotated[list[WantedPair], Field(max_length=500)]

    @model_validator(mode="after")
    def _once(self) -> "WantedPairs":
        if len({pair.id for pair in self.pairs}) < len(self.pairs):
            raise ValueError("a category is named twice")
        return self


class Finding(Told):
    check: str
    ok: bool
    detail: str
    fix: str


class ConnectionReport(Told):
    """What the credentials can do in Schoology and in the SIS, tried just now, without any write."""

    ok: bool
    findings: list[Finding]


class AuditEntry(Told):
    """One thing that somebody did."""

    id: str
    at: datetime
    actor: Annotated[str, Field(examples=["teacher:5790000", "client:gs_0a1b2c3d4e5f6071"])]
    action: Annotated[str, Field(examples=["sync.requested"])]
    objects: Mapping[str, Any]
    source_ip: str | None


class ProblemKind(Told):
    """One type of problem: what happened, and how to mend it."""

    code: str
    status: int
    title: str
    fix: str


class AccessToken(Told):
    """RFC 6749 section 5.1; `issued_token_type` for token exchange (RFC 8693)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the type's name
    expires_in: Annotated[int, Field(description="Seconds")]
    scope: str
    issued_token_type: str | None = None


class Health(Told):
    status: Literal["ok"] = "ok"


class Readiness(Told):
    """`degraded`: requests are taken and kept, and the sweep finds them; the queue does not answer."""

    status: Literal["ready", "degraded", "unavailable"]
    checks: Mapping[str, Literal["ok", "failed"]]
