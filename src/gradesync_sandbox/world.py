"""Invent a school district, alike in Schoology and in PowerSchool, with the troubles of a real one."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import cycle
from random import Random

from gradesync_sandbox import invented
from gradesync_sandbox.classroom import TWISTS, Plan, Twist, fill
from gradesync_sandbox.district import ODD_STUDENTS, Classroom, School, World
from gradesync_sandbox.lti.platform import Platform
from gradesync_sandbox.powerschool import rows as ps
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.schoology.model import (
    ARCHIVED,
    EXPIRED,
    Credential,
    Role,
    Section,
    User,
)
from gradesync_sandbox.schoology.state import Schoology

__all__ = ["Classroom", "World", "build"]

YEAR = ("2026-2027", date(2026, 8, 17), date(2027, 6, 11))
HALVES = (("S1", date(2026, 8, 17), date(2027, 1, 15)), ("S2", date(2027, 1, 18), date(2027, 6, 11)))
QUARTERS = (
    ("Q1", date(2026, 8, 17), date(2026, 10, 16)),
    ("Q2", date(2026, 10, 19), date(2027, 1, 15)),
    ("Q3", date(2027, 1, 18), date(2027, 3, 26)),
    ("Q4", date(2027, 3, 29), date(2027, 6, 11)),
)
SECTIONS_PER_TEACHER = 4


def build(
    seed: int = 7,
    sections: int = 3,
    students: int = 30,
    assignments: int = 36,
    *,
    ideal: bool = False,
    clock: Callable[[], float] = time.time,
) -> World:
    """Invent a district: the same numbers give the same people, ids and grades.

    The first section has one of each trouble that its size has room for, the others few; an `ideal`
    district has none, and points in every cell. `clock` is the time of all systems, in unix seconds.
    """
    builder = _DistrictBuilder(seed, students=students, assignments=assignments, ideal=ideal, clock=clock)
    return builder.district(sections)


class _DistrictBuilder:
    """Build one district from one stream of chance."""

    def __init__(
        self, seed: int, *, students: int, assignments: int, ideal: bool, clock: Callable[[], float]
    ) -> None:
        self.rng = Random(seed)
        self.students = students
        self.assignments = assignments
        self.ideal = ideal
        self.schoology = Schoology(clock=clock)
        self.powerschool = PowerSchool(clock=clock)
        self.names = self._names()
        self.schools = [self._school(name) for name in invented.SCHOOLS]
        admin = self._user(Role.SYSTEM_ADMIN, self.schools[0].building)
        self.world = World(
            seed,
            self.schoology,
            self.powerschool,
            Platform(self.schoology, clock=clock),
            admin,
            self._key(admin),
            self._key(admin, allowed=False),
        )

    def district(self, sections: int) -> World:
        schools = cycle(self.schools)
        for index in range(sections):
            self.world.classrooms.append(self._classroom(index, next(schools)))
        if sections:
            first = self.world.classrooms[0]
            self.world.teacher_key = self._key(first.teacher)
            self.world.student_key = self._key(self.schoology.users[next(iter(first.students))])
        if not self.ideal:
            self.world.manual = self._manual_section(self.schools[0])
        return self.world

    # --- people and places

    def _names(self) -> Iterator[tuple[str, str]]:
        while True:
            yield self.rng.choice(invented.FIRST), self.rng.choice(invented.LAST)

    def _user(self, role: Role, building: int, name: tuple[str, str] | None = None, code: str = "") -> User:
        first, last = name or next(self.names)
        return self.schoology.add_user(first, last, role, building, code)

    def _key(self, user: User, *, allowed: bool = True) -> Credential:
        key, secret = f"{self.rng.getrandbits(160):040x}", f"{self.rng.getrandbits(128):032x}"
        return self.schoology.add_credential(Credential(key, secret, user.uid, allowed))

    def _school(self, name: str) -> School:
        school = self.powerschool.add_school(name)
        building = self.schoology.add_building(name)
        year = self.powerschool.add_term(school, *YEAR)
        half, _ = [self.powerschool.add_term(school, *dates) for dates in HALVES]
        whole = self.schoology.add_period(*YEAR)
        quarters = [self.schoology.add_period(*dates, parent=whole.id) for dates in QUARTERS]
        courses = [
            self.schoology.add_course(title, f"{school.school_number}_{code}", building)
            for title, code in invented.COURSES
        ]
        return School(school, building, year, half, [whole, *quarters], courses)

    def _teacher(self, school: School, index: int) -> tuple[User, ps.User]:
        """Return the teacher of the school's n-th section; each teaches a few."""
        while index // SECTIONS_PER_TEACHER >= len(school.teachers):
            name = next(self.names)
            teacher = self.powerschool.add_teacher(school.sis, *name)
            for title in invented.SIS_CATEGORIES:
                self.powerschool.add_category(teacher, title)
            self.powerschool.add_category(teacher, invented.UNMAPPED, active=False)
            user = self._user(Role.TEACHER, school.building, name, f"2_{teacher.dcid}")
            school.teachers.append((user, teacher))
        return school.teachers[index // SECTIONS_PER_TEACHER]

    def _pupil(self, school: School) -> tuple[User, ps.Student]:
        name = next(self.names)
        student = self.powerschool.add_student(school.sis, *name)
        return self._user(Role.STUDENT, school.building, name, f"1_{student.dcid}"), student

    # --- classes

    def _classroom(self, index: int, school: School) -> Classroom:
        nth = index // len(self.schools)
        user, teacher = self._teacher(school, nth)
        course = school.courses[index % len(school.courses)]
        term = school.half if index % 4 == 3 else school.year
        section = self.powerschool.add_section(school.sis, term, teacher, course.code.partition("_")[2])
        periods = school.periods if term is school.year else school.periods[1:3]
        book = self.schoology.add_section(course, f"Period {1 + index % 7}", str(section.dcid), list(periods))
        room = Classroom(book, section, term, user, teacher)
        self.schoology.enroll(book.id, user.uid, admin=True)
        self._enroll_students(room, school, self._trouble_makers(index))
        plan = Plan(self.assignments, term.firstday, term.lastday, self._twists(index), self.ideal)
        fill(self.schoology, book, plan, self.rng)
        self._end_odd_enrollments(room)
        return room

    def _trouble_makers(self, index: int) -> tuple[str, ...]:
        """Choose the odd students: a third of the first class at most, one of every third."""
        if self.ideal:
            return ()
        if index == 0:
            return ODD_STUDENTS[: self.students // 3]
        return (self.rng.choice(ODD_STUDENTS),) if index % 3 == 0 and self.students > 3 else ()

    def _twists(self, index: int) -> list[Twist]:
        if self.ideal:
            return []
        if index == 0:
            return list(TWISTS)
        return self.rng.sample(TWISTS, self.rng.randint(0, 3))

    def _enroll_students(self, room: Classroom, school: School, odd: tuple[str, ...]) -> None:
        ordinary = self.students - len(odd)
        while len(school.pool) < ordinary * 2:
            school.pool.append(self._pupil(school))
        for user, student in self.rng.sample(school.pool, ordinary):
            self._enroll(room, user, student)
        for trouble in odd:
            room.odd[trouble] = self._odd_student(room, school, trouble)

    def _enroll(self, room: Classroom, user: User, student: ps.Student) -> None:
        self.schoology.enroll(room.section.id, user.uid)
        self.powerschool.enroll(student, room.sis)
        room.students[user.uid] = student

    def _odd_student(self, room: Classroom, school: School, trouble: str) -> int:
        if trouble in ("by_hand", "odd_id"):
            code = "" if trouble == "by_hand" else "guest-17"
            user = self._user(Role.STUDENT, school.building, code=code)
            self.schoology.enroll(room.section.id, user.uid, source=0)
            return user.uid
        user, student = self._pupil(school)
        self._enroll(room, user, student)
        return user.uid

    def _end_odd_enrollments(self, room: Classroom) -> None:
        """Let the odd students leave, after they were graded."""
        for trouble, status in (("archived", ARCHIVED), ("expired", EXPIRED)):
            if trouble in room.odd:
                self.schoology.drop_student(room.section.id, room.odd[trouble], status)
        for trouble in ("archived", "dropped_in_sis"):
            if trouble in room.odd:
                self.powerschool.drop(room.students[room.odd[trouble]], room.sis)

    def _manual_section(self, school: School) -> Section:
        """Add a club that a teacher made: no SIS section, no codes."""
        course = self.schoology.add_course("Chess Club", "", school.building)
        book = self.schoology.add_section(course, "Tuesdays", "", [school.periods[0]], synced=False)
        user, _ = self._teacher(school, 0)
        self.schoology.enroll(book.id, user.uid, admin=True, source=0)
        for pupil, _ in school.pool[:3]:
            self.schoology.enroll(book.id, pupil.uid, source=0)
        fill(self.schoology, book, Plan(2, YEAR[1], YEAR[2]), self.rng)
        return book
