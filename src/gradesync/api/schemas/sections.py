"""Define section links, assignments and category pairs as JSON."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, model_validator

from gradesync.api.schemas.base import (
    Paused,
    ReasonText,
    RequestModel,
    ResponseModel,
    SchoologyId,
    SisId,
    SyncResult,
)


class SisSection(ResponseModel):
    """Describe a section of the SIS and its term."""

    id: str
    term_first: date
    term_last: date


class SectionTeacher(ResponseModel):
    """Name a course admin of a section."""

    id: Annotated[str, Field(description="Schoology user id")]
    name: Annotated[str | None, Field(description="As Schoology shows it")]


class ReasonCount(ResponseModel):
    """Count what needs attention for a reason."""

    reason: ReasonText
    items: int


class LatestSync(ResponseModel):
    """Describe what the last sync of a section came to.

    A sync of chosen assignments, or a retry, never makes a section `all-sent`.
    """

    result: SyncResult
    settled_at: datetime
    reasons: Annotated[list[ReasonCount], Field(description="What needs attention, most of it first")]
    links: Mapping[str, str]


class Section(ResponseModel):
    """Link a Schoology section to a section of the SIS."""

    id: str
    title: str | None
    school: Annotated[
        str | None, Field(description="The id of its school in Schoology; null until a sync has read it")
    ] = None
    code: Annotated[str | None, Field(description="The section school code in Schoology")]
    sis_section: Annotated[SisSection | None, Field(description="null until the first sync finds it")]
    teacher: Annotated[str | None, Field(description="The SIS teacher that the district set")]
    chosen: Annotated[bool, Field(description="True where the district set the link")]
    teachers: Annotated[
        list[SectionTeacher],
        Field(default_factory=list, description="Its course admins in Schoology, as the last sync read them"),
    ]
    latest: Annotated[LatestSync | None, Field(description="null until a sync has settled")] = None
    paused: Annotated[
        Paused | None,
        Field(description="Why no sync starts now; null: it may, and in a list, where each is not asked for"),
    ] = None
    links: Mapping[str, str]


class School(ResponseModel):
    """Name a school."""

    id: Annotated[str, Field(description="Its id in Schoology, as sections have it")]
    title: str


class Schools(ResponseModel):
    """Name the schools of the district."""

    items: list[School]


class LinkRequest(RequestModel):
    """Set the SIS section, its acting teacher, or both. null: found automatically."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sis_section": "49355", "teacher": None}]})

    sis_section: SisId | None = None
    teacher: SisId | None = None


class AssignmentCategory(ResponseModel):
    """Name a category."""

    id: str
    title: str | None


class GradingPeriod(ResponseModel):
    """Name a grading period of Schoology."""

    id: str
    title: str | None


class SectionAssignment(ResponseModel):
    """Describe one gradable item of the section and its sync state."""

    id: str
    title: str | None
    points: str | None
    due: date | None
    category: AssignmentCategory | None
    period: Annotated[
        GradingPeriod | None,
        Field(description="Null where it has none, and while Schoology does not respond"),
    ]
    sync_to_sis: bool
    state: Literal["never-synced", "synced", "changes-waiting", "opted-out", "problem"]
    last_sent: Annotated[
        datetime | None,
        Field(
            description="When something of it was last sent to, or found in, the SIS; null: it is not there, "
            "or was sent before times were kept"
        ),
    ]
    changes_waiting: Annotated[
        bool | None,
        Field(description="True if the assignment changed or scores are still to be sent; null: unknown"),
    ]
    scores_waiting: Annotated[
        int | None, Field(description="Scores that changed since they were last sent; null: unknown")
    ]
    scores_not_sent: Annotated[
        int,
        Field(description="Scores that earlier syncs could not send, such as an absent student's"),
    ]
    problem: ReasonText | None
    url: Annotated[str | None, Field(description="The assignment in Schoology, where Schoology names it")]


class SectionAssignments(ResponseModel):
    """List the gradable items of a section."""

    items: list[SectionAssignment]
    problem: Annotated[
        ReasonText | None, Field(description="What would stop a sync of the section as a whole")
    ] = None
    live: Annotated[
        bool, Field(description="False: Schoology can't be read, and this is the state of the last sync")
    ]
    as_of: datetime | None


class Waiting(ResponseModel):
    """Count what changed in Schoology since the last sync. Null: unknown."""

    assignments: Annotated[int | None, Field(description="Assignments that are new, or changed")]
    scores: Annotated[int | None, Field(description="New, changed and cleared scores")]
    as_of: datetime | None


class AssignmentSwitch(RequestModel):
    """Set the switch *Sync to SIS* of one assignment."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sync_to_sis": False}]})

    sync_to_sis: StrictBool


class AssignmentSwitches(RequestModel):
    """Set the switch *Sync to SIS* of several assignments alike."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": ["7900000001"], "sync_to_sis": False}]})

    ids: Annotated[list[SchoologyId], Field(min_length=1, max_length=500)]
    sync_to_sis: StrictBool


class SisCategory(ResponseModel):
    """Describe a category of the SIS."""

    id: str
    title: str
    active: bool


class CategoryPair(ResponseModel):
    """Pair a grading category of Schoology with the SIS category that its assignments go to."""

    id: str
    title: str | None
    sis_category: AssignmentCategory | None
    chosen: Annotated[bool, Field(description="True where the district set the pair")]
    problem: Annotated[ReasonText | None, Field(description="Why its assignments do not sync")]


class SectionCategories(ResponseModel):
    """List the category pairs of a section."""

    items: list[CategoryPair]
    sis_categories: list[SisCategory]
    unmapped: Annotated[list[str], Field(description="Ids of categories whose assignments do not sync")]
    live: Annotated[
        bool,
        Field(description="False: the SIS does not respond, and its categories are those of the last sync"),
    ]
    as_of: datetime | None


class PairRequest(RequestModel):
    """Pair one grading category with a SIS category."""

    id: Annotated[SchoologyId, Field(description="Grading category in Schoology")]
    sis_category: Annotated[SisId, Field(description="Category in the SIS")]


class PairsRequest(RequestModel):
    """Set all pairs that the district chooses. Other categories pair by title."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pairs": [{"id": "71000001", "sis_category": "3312"}]}]}
    )

    pairs: Annotated[list[PairRequest], Field(max_length=500)]

    @model_validator(mode="after")
    def _check_unique(self) -> "PairsRequest":
        if len({pair.id for pair in self.pairs}) < len(self.pairs):
            raise ValueError("a category is named twice")
        return self
