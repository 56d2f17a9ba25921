"""Define pauses as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from gradesync.api.schemas.base import RequestModel, ResponseModel, SchoologyId, check_visible

SchoolId = Annotated[str, Field(min_length=1, max_length=200, examples=["94000001"])]
Why = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        description="Why, as teachers read it",
        examples=["PowerSchool is being upgraded until 6 PM."],
    ),
    AfterValidator(check_visible),
]


class PauseRequest(RequestModel):
    """Pause a school, a section, or the whole district where neither is given."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "PowerSchool is being upgraded until 6 PM."}]}
    )

    reason: Why
    school: Annotated[SchoolId | None, Field(description="Only the sections of this school")] = None
    section: Annotated[SchoologyId | None, Field(description="Only this section")] = None

    @model_validator(mode="after")
    def _check_target(self) -> "PauseRequest":
        if self.school is not None and self.section is not None:
            raise ValueError("school and section exclude each other")
        return self


class Pause(ResponseModel):
    """Describe a pause: nothing that it covers starts or goes on."""

    id: UUID
    level: Literal["district", "school", "section"]
    school: str | None
    section: str | None
    reason: str
    paused_by: Annotated[str, Field(examples=["client:gs_0a1b2c3d4e5f6071"])]
    paused_at: datetime
