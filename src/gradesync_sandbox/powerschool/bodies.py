"""Define the request bodies that the simulator takes: the proven fields and those the web app sends, no
others.

Sources: upstream.md PowerSchool §4.1 (create), §4.2 and §4.3 (a whole object put back), §4.4 (scores).
"""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from gradesync_sandbox.powerschool.wire import Refused

Number = int | Decimal
ScoreType = Literal["POINTS", "PERCENT", "GRADESCALE", "COLLECTED"]
PublishOption = Literal["Immediately", "Never", "OnSpecificDate", "DaysBeforeDue"]
BodyT = TypeVar("BodyT")


class AssocBody(Struct, forbid_unknown_fields=True):
    """Name a category of an assignment."""

    teachercategoryid: int
    isprimary: bool
    assignmentcategoryassocid: int | None = None
    wire_name: str | None = field(name="_name", default=None)
    wire_id: int | None = field(name="_id", default=None)
    breach: str | None = field(name="$breach_mitigation", default=None)


class StudentBody(Struct, forbid_unknown_fields=True):
    """Name one of the students that an assignment is for."""

    studentsdcid: int
    wire_name: str | None = field(name="_name", default=None)
    breach: str | None = field(name="$breach_mitigation", default=None)


class SectionBody(Struct, forbid_unknown_fields=True):
    """Hold one section's part of an assignment."""

    sectionsdcid: int
    name: str
    duedate: date
    scoreentrypoints: Number
    categories: list[AssocBody] = field(name="_assignmentcategoryassociations")
    scoretype: ScoreType = "POINTS"
    weight: Number = 1
    totalpointvalue: Number | None = None
    extracreditpoints: Number = 0
    pointspossible: Number | None = None
    description: str | None = None
    iscountedinfinalgrade: bool = True
    isscoringneeded: bool = False
    publishoption: PublishOption = "Immediately"
    publishdaysbeforedue: int = 0
    publishonspecificdate: date | None = None
    isscorespublish: bool = True
    maxretakeallowed: int = 0
    relatedgradescaleitemdcid: int | None = None
    yearid: int | None = None
    students: list[StudentBody] = field(name="_assignmentstudentassociations", default_factory=list)
    students_as_haiku: list[StudentBody] = field(name="_assignmentStudentAssociations", default_factory=list)
    # What the web app sends for its own screen.
    selected_score_type: Any = field(name="selectedScoreType", default=None)
    due_date_obj: Any = field(name="dueDateObj", default=None)
    selected_online_work_type: Any = field(name="selectedOnlineWorkType", default=None)
    # What a GET gives, and a PUT may therefore carry.
    assignmentsectionid: int | None = None
    islocked: bool | None = None
    publisheddate: date | None = None
    minvalues: Any = None
    wire_name: str | None = field(name="_name", default=None)
    wire_id: int | None = field(name="_id", default=None)
    breach: str | None = field(name="$breach_mitigation", default=None)


class AssignmentBody(Struct, forbid_unknown_fields=True):
    """Hold an assignment: new, or the whole object that overwrites one."""

    sections: list[SectionBody] = field(name="_assignmentsections")
    standardcalcdirection: str = "NONE"
    standardscoringmethod: str | None = "GradeScale"
    yearid: int | None = None
    standards: list[Any] = field(name="_assignmentstandardassociations", default_factory=list)
    # What a GET gives, and a PUT may therefore carry.
    assignmentid: int | None = None
    createdbyplugin: str | None = None
    hasstandards: bool | None = None
    hasextracriteria: bool | None = None
    wire_name: str | None = field(name="_name", default=None)
    wire_id: int | None = field(name="_id", default=None)
    breach: str | None = field(name="$breach_mitigation", default=None)


# Fields that a GET gives and that nobody was seen to send with a create.
READ_BACK = frozenset(
    {
        *("_name", "_id", "$breach_mitigation", "assignmentid", "createdbyplugin", "hasstandards"),
        *("hasextracriteria", "assignmentsectionid", "islocked", "publisheddate", "minvalues"),
        "assignmentcategoryassocid",
    }
)


class InnerAssignment(Struct, forbid_unknown_fields=True):
    """Name the assignment, as the web app does within a score row."""

    assignmentid: int


class ScoreTarget(Struct, forbid_unknown_fields=True):
    """Name the assignment section that a score belongs to."""

    assignmentsectionid: int
    sectionsdcid: int | None = None
    assignment: InnerAssignment | None = field(name="_assignment", default=None)


class ScoreComment(Struct, forbid_unknown_fields=True):
    """Hold a comment to a score."""

    commentvalue: str


class ScoreRow(Struct, forbid_unknown_fields=True):
    """Hold one score. Left out and null are different things: only null can clear."""

    target: ScoreTarget = field(name="_assignmentsection")
    studentsdcid: int
    assignmentscoreid: int | None = None
    actualscoreentered: str | UnsetType | None = UNSET
    actualscorekind: Literal["REAL_SCORE"] | None = None
    actualscoregradescaledcid: int | None = None
    scoretype: ScoreType = "POINTS"
    scorepoints: Number | UnsetType | None = UNSET
    scorepercent: Number | None = None
    islate: bool | None = None
    iscollected: bool | None = None
    isexempt: bool | None = None
    ismissing: bool | None = None
    isabsent: bool | None = None
    isincomplete: bool | None = None
    comment: ScoreComment | None = field(name="_assignmentscorecomment", default=None)


class ScoreBatch(Struct, forbid_unknown_fields=True):
    """Hold the body of a score write."""

    rows: list[ScoreRow] = field(name="assignment_scores")


def read_body(raw: bytes, kind: type[BodyT]) -> BodyT:
    """Return the body as `kind`, numbers exact. Raises `Refused` 400 naming the field that does not fit."""
    try:
        return msgspec.convert(json.loads(raw, parse_float=Decimal), kind, builtin_types=(Decimal,))
    except (ValueError, msgspec.ValidationError) as problem:
        raise Refused(400, f"Invalid request body: {problem}") from problem


def read_new_assignment(raw: bytes) -> AssignmentBody:
    """Return the body of a create. Raises `Refused` 400 also for a field that only a GET gives."""
    body = read_body(raw, AssignmentBody)
    if unexpected := READ_BACK & set(_keys(json.loads(raw))):
        raise Refused(400, f"Invalid request body: Object contains unknown field `{min(unexpected)}`")
    return body


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from _keys(part)
