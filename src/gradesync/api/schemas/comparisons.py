"""Define comparisons of a section in both systems as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gradesync.api.schemas.base import Page, ReasonText, ResponseModel, Status
from gradesync.api.schemas.syncs import OutcomeStudent, Requester

CellState = Literal["same", "pending", "drift", "conflict", "converged", "unreadable"]


class CellCounts(ResponseModel):
    """Count the cells by state. They add up to `cells`."""

    same: Annotated[int, Field(description="Nothing changed since the last write")]
    pending: Annotated[int, Field(description="Schoology changed; the next sync sends it")]
    drift: Annotated[int, Field(description="Somebody changed the score in the SIS")]
    conflict: Annotated[int, Field(description="Both changed, to different values")]
    converged: Annotated[int, Field(description="Both changed, to the same value")]
    unreadable: Annotated[int, Field(description="One side could not be read, so nothing is claimed")]


class EditedAssignment(ResponseModel):
    """Count the edits of one assignment."""

    id: str
    title: str
    edits: int


class EditedStudent(ResponseModel):
    """Count the edits of one student. The id is the SIS's where Schoology has nobody with that record."""

    id: str
    edits: int


class EditsFound(ResponseModel):
    """Show where the edits made in the SIS are: the groups with the most first, at most 20 of each.

    An edit is a cell in drift or conflict.
    """

    total: int
    summary: Annotated[
        str | None, Field(description="One sentence", examples=["All 31 edits are in Quiz 4."])
    ]
    assignments: list[EditedAssignment]
    students: list[EditedStudent]


class ComparedAssignment(ResponseModel):
    """Identify the assignment of a cell or a field."""

    id: str
    title: str | None


class ComparedField(ResponseModel):
    """Describe one field of an assignment in both systems, as texts; a category by its title."""

    assignment: ComparedAssignment
    field: Annotated[
        Literal["name", "points", "due", "category", "counts", "assignment"],
        Field(description="`counts`: in the final grade. `assignment`: it was deleted in the SIS"),
    ]
    state: CellState
    sent: Annotated[str | None, Field(description="As last sent; null where nothing was")]
    sis: Annotated[str | None, Field(description="As the SIS has it; null: it was not read, or is no more")]
    schoology: Annotated[str | None, Field(description="As it is to be sent; null for nothing to send")]


class FieldsFound(ResponseModel):
    """Count the fields of the assignments that the SIS holds, by state, and list those that differ."""

    total: int
    counts: CellCounts
    differing: Annotated[list[ComparedField], Field(description="Every one that is not `same`")]


class ComparisonError(ReasonText):
    """Explain why a comparison failed."""

    detail: str


class Comparison(ResponseModel):
    """Describe a comparison of the section in Schoology and the SIS. It writes to neither.

    Figures are those of the finished comparison; they are zero before.
    """

    id: UUID
    section_id: str
    status: Status
    requested_by: Requester
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: Annotated[datetime, Field(description="It is complete or failed by this time at the latest")]
    cells: int
    counts: CellCounts
    left_out: Annotated[
        Mapping[str, int],
        Field(description="By reason: scores that do not go, where the SIS holds nothing of ours. No cells"),
    ]
    edits: EditsFound
    fields: Annotated[FieldsFound, Field(description="The assignments themselves: names, points, due dates")]
    error: Annotated[ComparisonError | None, Field(description="Why the comparison failed")]
    links: Mapping[str, str]


class ComparedCell(ResponseModel):
    """Describe one score in both systems. Values are points, or `excused`, `incomplete`, `missing`."""

    assignment: ComparedAssignment
    student: Annotated[
        OutcomeStudent | None, Field(description="null where Schoology has nobody with that SIS record")
    ]
    sis_student: Annotated[str | None, Field(description="The student's id in the SIS, where it is known")]
    state: CellState
    sent: Annotated[str | None, Field(description="As last sent; null for a blank, and where nothing was")]
    sis: Annotated[str | None, Field(description="As the SIS holds it; null for a blank, or unreadable")]
    schoology: Annotated[
        str | None, Field(description="As it is to be sent; null for a blank, or nothing to send")
    ]
    reason: Annotated[
        ReasonText | None, Field(description="Why the score is not sent, or cannot be compared")
    ]


class ComparedCells(Page[ComparedCell]):
    """Hold one page of the cells of a comparison."""

    names_unavailable: Annotated[
        bool, Field(description="True: Schoology did not provide the students' names")
    ] = False
