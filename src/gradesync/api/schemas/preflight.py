"""Define pre-flight reports as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from gradesync.api.schemas import ReasonText, RequestModel, ResponseModel, SchoologyId
from gradesync.api.schemas.sections import SectionTeacher


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
