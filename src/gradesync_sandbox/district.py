"""Hold the invented district as a whole: both systems, and its classes and people on both sides."""

from dataclasses import dataclass, field

from gradesync_sandbox.lti.platform import Platform
from gradesync_sandbox.powerschool import rows as ps
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.schoology.model import Course, Credential, Period, Section, User
from gradesync_sandbox.schoology.state import Schoology

# The last students of a troubled class, one of each.
ODD_STUDENTS = ("archived", "expired", "dropped_in_sis", "by_hand", "odd_id")


@dataclass(eq=False)
class Classroom:
    """Hold one class on both sides. `students` maps a Schoology uid to the SIS student; some have none."""

    section: Section
    sis: ps.Section
    term: ps.Term
    teacher: User
    sis_teacher: ps.User
    students: dict[int, ps.Student] = field(default_factory=dict)
    # The uid of each student with a trouble, by its name in `ODD_STUDENTS`.
    odd: dict[str, int] = field(default_factory=dict)


@dataclass(eq=False)
class School:
    """Hold one school on both sides, its people and its calendar."""

    sis: ps.School
    building: int
    year: ps.Term
    half: ps.Term
    periods: list[Period]
    courses: list[Course]
    teachers: list[tuple[User, ps.User]] = field(default_factory=list)
    pool: list[tuple[User, ps.Student]] = field(default_factory=list)


@dataclass(eq=False)
class World:
    """Hold the district. `app_key` reads all, `teacher_key` is personal, `refused_key` is not allowed."""

    seed: int
    schoology: Schoology
    powerschool: PowerSchool
    lti: Platform
    admin: User
    app_key: Credential
    refused_key: Credential
    classrooms: list[Classroom] = field(default_factory=list)
    # A section that was made by hand and not by the SIS.
    manual: Section | None = None
    teacher_key: Credential | None = None
    student_key: Credential | None = None
    timezone: str = "America/Los_Angeles"
