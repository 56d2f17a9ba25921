"""Hold the district that the PowerSchool simulator serves: roster, gradebook, plugin and switches."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from zoneinfo import ZoneInfo

from gradesync_sandbox.powerschool.gradebook import Gradebook
from gradesync_sandbox.powerschool.grants import Plugin
from gradesync_sandbox.powerschool.log import RequestLog
from gradesync_sandbox.powerschool.rows import (
    CO_TEACHER,
    LEAD,
    ROLES,
    Category,
    Enrollment,
    RoleDef,
    School,
    SchoolStaff,
    Section,
    SectionTeacher,
    Student,
    Term,
    User,
)
from gradesync_sandbox.powerschool.switches import Switches
from gradesync_sandbox.powerschool.tokens import Tokens


class Sequences:
    """Number each kind of key from starts far apart, so that one key never passes for another."""

    def __init__(self) -> None:
        self.school = count(301)
        self.school_number = count(12)
        self.term = count(1201)
        self.user = count(8301)
        self.staff_dcid = count(19101)
        self.staff = count(6501)
        self.section_dcid = count(85001)
        self.section = count(2001)
        self.section_teacher = count(71001)
        self.student_dcid = count(181001)
        self.student = count(40001)
        self.student_number = count(900501, 3)
        self.cc_dcid = count(2610001)
        self.cc = count(1310001)
        self.category = count(4302)


@dataclass(eq=False)
class Roster:
    """Hold the tables of one PowerSchool server, keyed by the key in their comment."""

    timezone: str = "America/Los_Angeles"
    clock: Callable[[], float] = time.time
    plugin: Plugin = field(default_factory=Plugin)
    switches: Switches = field(default_factory=Switches)
    gradebook: Gradebook = field(default_factory=Gradebook)
    tokens: Tokens = field(default_factory=Tokens)
    log: RequestLog = field(default_factory=RequestLog)
    # When, on the monotonic clock, the last call passed the pace check.
    last_accepted: float | None = None
    schools: dict[int, School] = field(default_factory=dict)  # DCID
    terms: dict[int, Term] = field(default_factory=dict)  # DCID
    users: dict[int, User] = field(default_factory=dict)  # DCID
    schoolstaff: dict[int, SchoolStaff] = field(default_factory=dict)  # ID
    sections: dict[int, Section] = field(default_factory=dict)  # DCID
    roledefs: dict[int, RoleDef] = field(
        default_factory=lambda: {key: RoleDef(key, name) for key, name in ROLES.items()}
    )  # ID
    sectionteachers: dict[int, list[SectionTeacher]] = field(default_factory=dict)  # SECTIONS.ID
    students: dict[int, Student] = field(default_factory=dict)  # DCID
    student_dcids: dict[int, int] = field(default_factory=dict)  # STUDENTS.ID -> STUDENTS.DCID
    cc: dict[int, dict[int, Enrollment]] = field(default_factory=dict)  # SECTIONS.ID -> STUDENTS.ID
    categories: dict[int, Category] = field(default_factory=dict)  # TEACHERCATEGORYID
    _next: Sequences = field(default_factory=Sequences)

    def add_school(self, name: str) -> School:
        """Add a school with a number of its own."""
        school = School(next(self._next.school), len(self.schools) + 1, next(self._next.school_number), name)
        self.schools[school.dcid] = school
        return school

    def add_term(self, school: School, name: str, first: date, last: date) -> Term:
        """Add a term of the school year in which `first` lies (July begins a year)."""
        yearid = first.year - (first.month < 7) - 1990
        before = sum(t.schoolid == school.school_number and t.yearid == yearid for t in self.terms.values())
        term = Term(
            next(self._next.term), yearid * 100 + before, yearid, school.school_number, name, first, last
        )
        self.terms[term.dcid] = term
        return term

    def add_teacher(self, school: School, first_name: str = "Robin", last_name: str = "Teacher") -> User:
        """Add a person who works in one school; `add_to_school` adds another."""
        dcid = next(self._next.user)
        user = User(dcid, first_name, last_name, f"teacher{dcid}@district.example")
        self.users[dcid] = user
        self.add_to_school(user, school)
        return user

    def add_to_school(self, teacher: User, school: School) -> SchoolStaff:
        """Add a staff record of that person in that school."""
        staff = SchoolStaff(
            next(self._next.staff_dcid), next(self._next.staff), teacher.dcid, school.school_number
        )
        self.schoolstaff[staff.id] = staff
        return staff

    def add_section(self, school: School, term: Term, teacher: User, course: str = "ALG1") -> Section:
        """Add a class that this teacher teaches."""
        dcid = next(self._next.section_dcid)
        staff = self.staff_of(teacher, school.school_number)
        number = str(len(self.sections) + 1)
        section = Section(
            dcid, next(self._next.section), term.id, school.school_number, staff.id, course, number
        )
        self.sections[dcid] = section
        self.cc[section.id] = {}
        self.assign_teacher(teacher, section, role=LEAD)
        return section

    def assign_teacher(
        self,
        teacher: User,
        section: Section,
        *,
        role: int = CO_TEACHER,
        first: date | None = None,
        last: date | None = None,
    ) -> SectionTeacher:
        """Let a teacher teach a section beside the others; without dates, for the whole term."""
        staff = self.staff_of(teacher, section.schoolid)
        row = SectionTeacher(next(self._next.section_teacher), section.id, staff.id, role, first, last)
        self.sectionteachers.setdefault(section.id, []).append(row)
        return row

    def add_student(self, school: School, first_name: str = "Sam", last_name: str = "Student") -> Student:
        """Add a student of a school, in no section yet."""
        keys = next(self._next.student_dcid), next(self._next.student), next(self._next.student_number)
        student = Student(*keys, first_name, last_name, school.school_number)
        self.students[student.dcid] = student
        self.student_dcids[student.id] = student.dcid
        return student

    def enroll(self, student: Student, section: Section) -> Enrollment:
        """Enroll a student in a section, again if they were dropped."""
        term = self.term_of(section)
        row = Enrollment(
            next(self._next.cc_dcid),
            next(self._next.cc),
            section.id,
            student.id,
            term.id,
            section.schoolid,
            term.firstday,
            term.lastday,
        )
        self.cc[section.id][student.id] = row
        return row

    def add_category(self, teacher: User, name: str, *, active: bool = True) -> Category:
        """Add a category of one teacher."""
        position = sum(c.usersdcid == teacher.dcid for c in self.categories.values())
        key = next(self._next.category)
        category = Category(key, teacher.dcid, name, active, displayposition=position)
        self.categories[category.teachercategoryid] = category
        return category

    def staff_of(self, teacher: User, schoolid: int) -> SchoolStaff:
        """Return the person's staff record in a school (by SCHOOLS.SCHOOL_NUMBER). Raises `KeyError`."""
        mine = {s.schoolid: s for s in self.schoolstaff.values() if s.users_dcid == teacher.dcid}
        return mine[schoolid]

    def term_of(self, section: Section) -> Term:
        """Return the section's term: TERMS.ID repeats in every school, so the school decides."""
        key = section.termid, section.schoolid
        return next(t for t in self.terms.values() if (t.id, t.schoolid) == key)

    def teaches(self, users_dcid: int, section: Section, *, write: bool = False) -> bool:
        """Return whether SECTIONTEACHER lets this person into the section's gradebook.

        Dates and roles count for writes only, where the switches check them.
        """
        rows = [r for r in self.sectionteachers[section.id] if self._is_row_of(r, users_dcid)]
        if write and self.switches.teacher_dates == "checked":
            rows = [row for row in rows if row.current(self.today())]
        if write:
            rows = [row for row in rows if row.roleid not in self.switches.read_only_roles]
        return bool(rows)

    def _is_row_of(self, row: SectionTeacher, users_dcid: int) -> bool:
        return self.schoolstaff[row.teacherid].users_dcid == users_dcid

    def categories_of(self, users_dcid: int) -> list[Category]:
        """Return a teacher's categories in their order."""
        mine = [c for c in self.categories.values() if c.usersdcid == users_dcid]
        return sorted(mine, key=lambda category: category.displayposition)

    def now(self) -> float:
        """Return unix seconds by PowerSchool's own clock."""
        return self.clock() + self.switches.clock_skew

    def today(self) -> date:
        """Return the day in the district's time zone."""
        return datetime.fromtimestamp(self.now(), ZoneInfo(self.timezone)).date()

    def roster(self, section: Section) -> set[int]:
        """Return STUDENTS.DCID of all who are in the section now."""
        rows = self.cc[section.id].values()
        return {self.student_dcids[row.studentid] for row in rows if not row.dropped}
