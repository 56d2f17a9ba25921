"""Define what became of a gradebook as JSON: by assignment in numbers, and cell by cell."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from gradesync.api.schemas.base import Page, ReasonText, ResponseModel
from gradesync.api.schemas.syncs import (
    AssignmentCounts,
    Outcome,
    OutcomeAssignment,
    OutcomeStudent,
    ScoreCounts,
)

GradebookState = Literal["in-sis", "waiting", "needs-attention", "left-out", "edited-in-sis", "none"]
LETTERS: Mapping[GradebookState, str] = {
    "in-sis": "s",
    "waiting": "w",
    "needs-attention": "a",
    "left-out": "o",
    "edited-in-sis": "e",
    "none": "-",
}


class AssignmentSummary(ResponseModel):
    """Count the outcomes of one assignment and of its scores.

    Over all items the counts add up to those of the sync.
    """

    assignment: Annotated[
        OutcomeAssignment | None, Field(description="Null for what is counted over several assignments")
    ]
    outcome: Annotated[
        Outcome | None,
        Field(description="What became of the assignment itself; null where it is counted over several"),
    ]
    assignments: AssignmentCounts
    scores: ScoreCounts
    reasons: Annotated[
        Mapping[str, int],
        Field(description="How many of its scores have each reason; warnings are not counted"),
    ]
    clears: Annotated[int, Field(description="How many of its scores are, or would have been, cleared")]
    attention: Annotated[int, Field(description="How many of its scores need attention")]


class ConcernedRow(ResponseModel):
    """Name one assignment or score that a reason concerns."""

    assignment: OutcomeAssignment | None
    student: OutcomeStudent | None
    about: Annotated[
        str | None, Field(description="What happened, with its facts; null where the title has it all")
    ]


class Concerned(ResponseModel):
    """Count the outcomes with one reason of one student, or of one assignment."""

    student: OutcomeStudent | None
    assignment: Annotated[
        OutcomeAssignment | None,
        Field(description="Null for a student, and for a count of several"),
    ]
    assignments: Annotated[int, Field(description="Number of assignments that have the reason themselves")]
    scores: int
    first: Annotated[list[ConcernedRow], Field(description="All of them up to four, else some")]


class SyncReason(ResponseModel):
    """Hold a reason with everybody and everything that it concerns."""

    reason: Annotated[ReasonText, Field(description="Without facts: those are in the rows")]
    warning: Annotated[
        bool, Field(description="True: a warning; false: why something failed or was left out")
    ]
    assignments: int
    scores: int
    concerned: list[Concerned]


class SyncReasons(ResponseModel):
    """Hold the reasons of a sync, in the order of the catalog."""

    items: list[SyncReason]
    names_unavailable: Annotated[
        bool, Field(description="True: Schoology did not provide the students' names")
    ] = False
    students: Annotated[
        int | None, Field(description="Active students of the section; null: unknown, or not for a teacher")
    ] = None


class GradebookColumn(ResponseModel):
    """Describe one assignment of a gradebook, and the cell of each student.

    `before`, `after` and `reasons` have one member for each student, or none where all would be null.
    """

    assignment: OutcomeAssignment
    state: Annotated[GradebookState, Field(description="The state of the assignment itself")]
    reason: Annotated[ReasonText | None, Field(description="Why the assignment itself is in that state")]
    cells: Annotated[
        str,
        Field(
            pattern="^[swaoe-]*$",
            description="One letter for each student, in the order of `students`: `s` in the SIS, "
            "`w` waiting to be sent, `a` needs attention, `o` left out, `e` edited in the SIS, `-` no score",
            examples=["sssas-"],
        ),
    ]
    before: Annotated[
        list[str | None], Field(description="Points, or `excused`, `incomplete`, `missing`, as last sent")
    ]
    after: Annotated[
        list[str | None],
        Field(description="Points, or `excused`, `incomplete`, `missing`, as sent or to send"),
    ]
    reasons: Annotated[list[str | None], Field(description="Codes of `reasons` of the page")]


class GradebookPage(Page[GradebookColumn]):
    """Hold one page of the assignments of a gradebook, with the students who have a cell on it."""

    students: list[OutcomeStudent]
    reasons: Annotated[Mapping[str, ReasonText], Field(description="By code, those of the page's cells")]
    whole: Annotated[
        bool,
        Field(
            description="True: what the sync left as it was is included. False: a later sync may have "
            "changed that, so only what this sync reported is included"
        ),
    ]
    names_unavailable: Annotated[
        bool, Field(description="True: Schoology did not provide the students' names")
    ] = False
