"""Define scores that somebody changed in the SIS, and decisions about them, as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from gradesync.api.schemas.base import Page, RequestModel, ResponseModel, SchoologyId, SisId
from gradesync.api.schemas.comparisons import ComparedAssignment
from gradesync.api.schemas.syncs import OutcomeStudent


class Drift(ResponseModel):
    """Describe a score that somebody changed in the SIS, with its values as they were seen."""

    assignment: ComparedAssignment
    student: OutcomeStudent
    sis_student: str
    state: Annotated[Literal["drift", "conflict"], Field(description="`conflict`: Schoology changed as well")]
    sent: Annotated[str | None, Field(description="As last sent")]
    sis: Annotated[str | None, Field(description="As the SIS holds it")]
    schoology: Annotated[str | None, Field(description="As Schoology has it")]
    choice: Annotated[
        Literal["put-back", "take", "stop"] | None, Field(description="What was decided; null: nothing yet")
    ]


class DriftList(Page[Drift]):
    """Hold one page of the scores that somebody changed in the SIS."""

    comparison: Annotated[
        UUID | None, Field(description="The newest comparison; null: what syncs found is all that is known")
    ]
    compared_at: datetime | None
    names_unavailable: Annotated[
        bool, Field(description="True: Schoology did not provide the students' names")
    ] = False


class DriftDecision(RequestModel):
    """Decide about one score."""

    assignment: SchoologyId
    sis_student: SisId
    choice: Annotated[
        Literal["put-back", "take", "stop", "resume"],
        Field(
            description="`put-back` sends Schoology's score with the next sync. `take` lets the SIS's score "
            "count as sent until Schoology changes. `stop` leaves it and sends nothing here, until `resume`"
        ),
    ]


class DriftDecisions(RequestModel):
    """Decide about scores of the list. All of them are stored, or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decisions": [{"assignment": "7900000009", "sis_student": "8311", "choice": "put-back"}]}
            ]
        }
    )

    decisions: Annotated[list[DriftDecision], Field(min_length=1, max_length=500)]


class DriftDecided(ResponseModel):
    """Count the decisions that were stored."""

    decided: int
