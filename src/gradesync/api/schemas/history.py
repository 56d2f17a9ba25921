"""Define what stood in the SIS, and what was sent for a student, as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from gradesync.api.schemas.base import Page, ResponseModel
from gradesync.api.schemas.syncs import OutcomeAssignment, OutcomeStudent

Actor = Annotated[str, Field(examples=["teacher:5790000"])]
Value = Annotated[
    str | None, Field(description="Points as a decimal string, or a mark; null for a blank", examples=["9.5"])
]


class ScoreChange(ResponseModel):
    """Describe one change of a score in the SIS, and why it was made.

    `found`: the sync wrote nothing, it saw the value there; in the `mode` `comparison` a comparison did, and
    `sync_id` is its id. `before` is null both for a blank and where nothing of ours stood; `first`
    distinguishes them.
    """

    at: datetime
    value: Value
    before: Value
    first: Annotated[bool, Field(description="Nothing of ours stood there before")]
    removed: Annotated[bool, Field(description="What stood there is not ours any more; `value` is null")]
    found: bool
    sent_by: Annotated[
        str | None,
        Field(description="An earlier sync that wrote it; its answer was lost, and this one saw it"),
    ] = None
    sync_id: str
    mode: str
    requested_by: Actor
    approved_by: Annotated[
        Actor | None, Field(description="Who approved the plan, where a person had to; else null")
    ]
    reason: Annotated[str | None, Field(description="The reason that was given for it")]


class StandingScore(ResponseModel):
    """Give a score as it stood in the SIS, with the change that made it."""

    assignment: OutcomeAssignment
    student: Annotated[
        OutcomeStudent | None, Field(description="The student in Schoology; null where nobody was matched")
    ]
    sis_assignment_id: str
    sis_student_id: str
    change: ScoreChange


class SectionHistory(Page[StandingScore]):
    """Hold the scores of a section as they stood in the SIS at a moment, as far as is known.

    `known_since` is the time of the first change that is kept: what was sent before it is not known. Null:
    nothing is.
    """

    as_of: datetime
    known_since: datetime | None
    names_unavailable: bool = False


class StandsNow(ResponseModel):
    """Describe what the SIS holds now.

    `read`: it was read just now. `last-sent`: it was not asked, shows no scores, or did not respond; then
    `value` is what was last sent, as far as is known.
    """

    source: Literal["read", "last-sent"]
    value: Value
    edited: Annotated[bool | None, Field(description="It is not what was last sent; null if not read")]


class StudentScore(ResponseModel):
    """List what was sent for a student in one assignment, newest first, with the value there now."""

    section_id: str
    section_title: str | None
    assignment: OutcomeAssignment
    sis_assignment_id: str | None
    now: StandsNow
    changes: list[ScoreChange]


class FoundStudent(ResponseModel):
    """Identify a student whose name was searched."""

    student_id: str
    name: str


class StudentScores(ResponseModel):
    """Answer for one student: what was sent, when, by which sync, who asked, and what stands there now.

    `student_id` is the Schoology user id, null where nobody has the SIS id now. `name` is looked up for this
    response and stored nowhere.
    """

    student_id: str | None
    sis_student_ids: list[str]
    name: str | None
    as_of: datetime
    known_since: datetime | None
    sections: int
    scores: list[StudentScore]
