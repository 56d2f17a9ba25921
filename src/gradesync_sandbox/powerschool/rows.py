"""Define PowerSchool's rows: one dataclass per table, columns by their own names.

Several tables have two keys, DCID and ID, from different sequences: mixing them up finds nothing (upstream.md
PowerSchool §3).
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

LEAD, CO_TEACHER, SUBSTITUTE = 41, 42, 43  # ROLEDEF.ID: every server has numbers of its own
ROLES = {LEAD: "Lead Teacher", CO_TEACHER: "Co-teacher", SUBSTITUTE: "Substitute Teacher"}
FLAGS = ("islate", "iscollected", "isexempt", "ismissing", "isabsent", "isincomplete")


@dataclass(slots=True, eq=False)
class School:
    """Hold a row of SCHOOLS. Other tables name a school by `school_number`."""

    dcid: int
    id: int
    school_number: int
    name: str


@dataclass(slots=True, eq=False)
class Term:
    """Hold a row of TERMS: `id` is `yearid * 100 + n`, the same in every school; `dcid` is unique."""

    dcid: int
    id: int
    yearid: int
    schoolid: int
    name: str
    firstday: date
    lastday: date
    locked: bool = False


@dataclass(slots=True, eq=False)
class User:
    """Hold a row of USERS: one person in the district."""

    dcid: int
    first_name: str
    last_name: str
    email_addr: str


@dataclass(slots=True, eq=False)
class SchoolStaff:
    """Hold a row of SCHOOLSTAFF: one person in one school. SECTIONTEACHER.TEACHERID is its `id`."""

    dcid: int
    id: int
    users_dcid: int
    schoolid: int


@dataclass(slots=True, eq=False)
class RoleDef:
    """Hold a row of ROLEDEF: a role that SECTIONTEACHER.ROLEID names."""

    id: int
    name: str


@dataclass(slots=True, eq=False)
class Section:
    """Hold a row of SECTIONS: the API wants `dcid`; CC and SECTIONTEACHER use `id`; `termid` is TERMS.ID."""

    dcid: int
    id: int
    termid: int
    schoolid: int
    teacher: int
    course_number: str
    section_number: str


@dataclass(slots=True, eq=False)
class SectionTeacher:
    """Hold a row of SECTIONTEACHER: who may write to the section's gradebook, as what, and when.

    Without dates it holds for the whole term.
    """

    id: int
    sectionid: int
    teacherid: int
    roleid: int = LEAD
    start_date: date | None = None
    end_date: date | None = None

    def current(self, today: date) -> bool:
        """Return whether the row's dates include that day."""
        return (self.start_date or today) <= today <= (self.end_date or today)


@dataclass(slots=True, eq=False)
class Student:
    """Hold a row of STUDENTS: three keys from three sequences."""

    dcid: int
    id: int
    student_number: int
    first_name: str
    last_name: str
    schoolid: int


@dataclass(slots=True, eq=False)
class Enrollment:
    """Hold a row of CC: a student in a section."""

    dcid: int
    id: int
    sectionid: int
    studentid: int
    termid: int
    schoolid: int
    dateenrolled: date
    dateleft: date
    dropped: bool = False


@dataclass(slots=True, eq=False)
class Category:
    """Hold a row of TEACHERCATEGORY: it belongs to one teacher, by USERS.DCID."""

    teachercategoryid: int
    usersdcid: int
    name: str
    isactive: bool = True
    districtteachercategoryid: int | None = None
    displayposition: int = 0


@dataclass(slots=True, eq=False)
class CategoryAssoc:
    """Hold a row of ASSIGNMENTCATEGORYASSOC."""

    assignmentcategoryassocid: int
    teachercategoryid: int
    isprimary: bool


@dataclass(slots=True, eq=False)
class AssignmentSection:
    """Hold a row of ASSIGNMENTSECTION with its categories and students. Scores hang on its id."""

    assignmentsectionid: int
    sectionsdcid: int
    name: str
    duedate: date
    scoreentrypoints: Decimal
    totalpointvalue: Decimal
    categories: list[CategoryAssoc]
    weight: Decimal = Decimal(1)
    extracreditpoints: Decimal = Decimal(0)
    scoretype: str = "POINTS"
    description: str | None = None
    iscountedinfinalgrade: bool = True
    isscoringneeded: bool = False
    publishoption: str = "Immediately"
    publishdaysbeforedue: int = 0
    publishonspecificdate: date | None = None
    isscorespublish: bool = True
    maxretakeallowed: int = 0
    relatedgradescaleitemdcid: int | None = None
    locked: bool = False
    # STUDENTS.DCID of those it is for; empty means the whole section.
    students: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Assignment:
    """Hold a row of ASSIGNMENT with its rows of ASSIGNMENTSECTION."""

    assignmentid: int
    yearid: int
    sections: list[AssignmentSection]
    createdbyplugin: str | None = None
    standardcalcdirection: str = "NONE"
    standardscoringmethod: str | None = "GradeScale"

    def section(self, sectionsdcid: int) -> AssignmentSection:
        """Return its part in one section. Raises `KeyError` where it has none."""
        return {part.sectionsdcid: part for part in self.sections}[sectionsdcid]


@dataclass(slots=True, eq=False)
class Score:
    """Hold a row of ASSIGNMENTSCORE. `flags` are those of FLAGS that are set."""

    assignmentscoreid: int
    assignmentsectionid: int
    studentsdcid: int
    actualscoreentered: str | None = None
    scorepoints: Decimal | None = None
    actualscorekind: str | None = None
    scoretype: str = "POINTS"
    flags: frozenset[str] = frozenset()
    by: Literal["plugin", "sis"] = "plugin"

    @property
    def value(self) -> tuple[str | None, Decimal | None, frozenset[str]]:
        """Return the text, the points and the marks, as a person sees them."""
        return self.actualscoreentered, self.scorepoints, self.flags

    @property
    def blank(self) -> bool:
        """Return whether the score has neither text nor points."""
        return self.actualscoreentered is None and self.scorepoints is None
