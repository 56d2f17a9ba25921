"""Section links, assignments and category pairs as JSON."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, model_validator

from gradesync.api.schemas.base import (
    ReasonText,
    RequestModel,
    ResponseModel,
    SchoologyId,
    SisId,
)


class SisSection(ResponseModel):
    id: str
    term_first: date
    term_last: date


class Section(ResponseModel):
    """The link of a Schoology section to the section of the SIS."""

    id: str
    title: str | None
    code: Annotated[str | None, Field(description="The section school code in Schoology")]
    sis_section: Annotated[SisSection | None, Field(description="null until the first sync resolves it")]
    teacher: Annotated[str | None, Field(description="The SIS teacher whom the district set")]
    chosen: Annotated[bool, Field(description="True where the district set the link")]
    links: Mapping[str, str]


class WantedLink(RequestModel):
    """The SIS section, its acting teacher, or both. null: found by itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sis_section": "49355", "teacher": None}]})

    sis_section: SisId | None = None
    teacher: SisId | None = None


class AssignmentCategory(ResponseModel):
    id: str
    title: str | None


class SectionAssignment(ResponseModel):
    """One gradable item of the section, and where it stands with the SIS."""

    id: str
    title: str | None
    points: str | None
    due: date | None
    category: AssignmentCategory | None
    sync_to_sis: bool
    state: Literal["never-synced", "synced", "changes-waiting", "opted-out", "problem"]
    last_synced: Annotated[
        datetime | None,
        Field(
            description="Up to when a sync has its scores, by Schoology's clock; null: read whole next time"
        ),
    ]
    changes_waiting: Annotated[
        bool | None,
        Field(description="Known changes of the assignment, or scores owed; null: cannot be told"),
    ]
    problem: ReasonText | None


class SectionAssignments(ResponseModel):
    items: list[SectionAssignment]
    live: Annotated[bool, Field(description="False: Schoology does not answer, this is what is known")]
    as_of: datetime | None


class AssignmentSwitch(RequestModel):
    """The switch *Sync to SIS* of one assignment."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sync_to_sis": False}]})

    sync_to_sis: StrictBool


class SisCategory(ResponseModel):
    id: str
    title: str
    active: bool


class CategoryPair(ResponseModel):
    """A grading category of Schoology, and where its assignments go."""

    id: str
    title: str | None
    sis_category: AssignmentCategory | None
    chosen: Annotated[bool, Field(description="True where the district set the pair")]
    problem: Annotated[ReasonText | None, Field(description="Why its assignments do not sync")]


class SectionCategories(ResponseModel):
    items: list[CategoryPair]
    sis_categories: list[SisCategory]
    unmapped: Annotated[list[str], Field(description="Ids of categories whose assignments do not sync")]
    live: Annotated[bool, Field(description="False where a side does not answer and this is what is known")]
    as_of: datetime | None


class WantedPair(RequestModel):
    id: Annotated[SchoologyId, Field(description="Grading category in Schoology")]
    sis_category: Annotated[SisId, Field(description="Category in the SIS")]


class WantedPairs(RequestModel):
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
