"""Define the request of an undo as JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from gradesync.api.schemas.base import Fingerprint, Moment, RequestModel, ResponseModel, SchoologyId, Why


class UndoRequest(RequestModel):
    """Choose what to put back: one sync, or an assignment or a student as of a moment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"sync": "01a22407-f49d-70c8-b24e-d63c206a0326", "dry_run": True},
                {"assignment": "8269049251", "as_of": "2026-11-26T12:00:00Z"},
            ]
        }
    )

    sync: Annotated[UUID | None, Field(description="Everything that this sync of the section wrote")] = None
    assignment: Annotated[SchoologyId | None, Field(description="The scores of this assignment")] = None
    student: Annotated[SchoologyId | None, Field(description="The scores of this student")] = None
    as_of: Annotated[Moment | None, Field(description="The moment to go back to")] = None
    reason: Annotated[Why | None, Field(description="Why; the history keeps it")] = None
    dry_run: Annotated[StrictBool, Field(description="Preview: plan the undo and write nothing")] = False
    approve: Annotated[
        Fingerprint | None, Field(description="The fingerprint of a plan that the guard stopped")
    ] = None

    @model_validator(mode="after")
    def _check_combination(self) -> "UndoRequest":
        chosen = [one for one in (self.sync, self.assignment, self.student) if one is not None]
        if len(chosen) != 1:
            raise ValueError("choose one of sync, assignment and student")
        if (self.sync is None) != (self.as_of is not None):
            raise ValueError("as_of goes with assignment or student, and only with them")
        if self.approve is not None and self.dry_run:
            raise ValueError("approve and dry_run exclude each other")
        return self


class Undone(ResponseModel):
    """Name what an undo puts back, and why."""

    sync_id: str | None
    assignment: str | None
    student: str | None
    as_of: datetime | None
    reason: str | None
