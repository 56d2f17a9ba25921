"""Hold a class, the calendar and the memory of a simulated school year, and what steps do there."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.powerschool import rows as ps
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.schoology.model import Category, Enrollment, Item, Section
from gradesync_sandbox.schoology.state import Schoology
from harness.calendar import Calendar
from harness.district import DistrictHarness
from harness.year_memory import YearMemory
from harness.year_people import acting_teachers, record_of

T = TypeVar("T")


class Runner(Protocol):
    """Run a coroutine to its end."""

    def __call__(self, work: Awaitable[T]) -> T: ...


@dataclass
class SchoolYear:
    """Hold one class that lives from August to June.

    `classes` are all classes of its teacher. `rough`: the next sync meets an upstream system that misbehaves;
    `bent` are values that it may store. `away`: it is linked to another class, and no longer synced itself.
    """

    harness: DistrictHarness
    calendar: Calendar
    memory: YearMemory
    run: Runner
    classes: "list[SchoolYear]"
    rough: bool = False
    away: bool = False
    bent: set[Decimal] = field(default_factory=set)
    names: int = 0
    imported: set[int] = field(default_factory=set)

    @property
    def world(self) -> World:
        return self.harness.world

    @property
    def schoology(self) -> Schoology:
        return self.world.schoology

    @property
    def powerschool(self) -> PowerSchool:
        return self.world.powerschool

    @property
    def room(self) -> Classroom:
        return self.memory.room

    @property
    def other(self) -> "SchoolYear | None":
        """Return the teacher's other class, while it is there."""
        return next((year for year in self.classes if year is not self and not year.away), None)

    @property
    def book(self) -> Section:
        return self.room.section

    @property
    def sis(self) -> ps.Section:
        """Return the SIS section that the class has."""
        return self.room.sis

    @property
    def items(self) -> list[Item]:
        return self.book.standing()

    @property
    def categories(self) -> list[Category]:
        return list(self.book.categories.values())

    @property
    def sis_categories(self) -> list[ps.Category]:
        """Return the categories of whoever acts today, else of the lead."""
        lead = self.powerschool.schoolstaff[self.sis.teacher].users_dcid
        acting = acting_teachers(self.world, self.sis) or {lead}
        return [c for c in self.powerschool.categories.values() if c.usersdcid in acting]

    @property
    def uids(self) -> list[int]:
        """Return everybody who was ever a student of the class."""
        return sorted({e.uid for e in self.book.students()})

    @property
    def columns(self) -> list[ps.AssignmentSection]:
        return [a.section(self.sis.dcid) for a in self.powerschool.gradebook.of_section(self.sis)]

    @property
    def enrollments(self) -> list[Enrollment]:
        return self.book.students()

    def record(self, uid: int) -> ps.Student | None:
        """Return the SIS record that a school id names."""
        dcid = record_of(self.world, uid, self.memory.student_id)
        return None if dcid is None else self.powerschool.students[dcid]

    def school_uid(self, student: ps.Student) -> str:
        """Return the school id that names a SIS record by the district's rule."""
        return f"1_{getattr(student, self.memory.student_id)}"

    def new_name(self) -> str:
        self.names += 1
        return f"Assignment {self.names} of {self.book.title}"

    def due(self, days: int = 3) -> datetime:
        """Return a due date some days ahead, at most the term's last day."""
        last = self.powerschool.term_of(self.sis).lastday
        day = min((self.calendar.now() + timedelta(days=days)).date(), last)
        return datetime(day.year, day.month, day.day, 23, 59, 59)  # noqa: DTZ001 - as Schoology has it

    def school(self) -> ps.School:
        return next(s for s in self.powerschool.schools.values() if s.school_number == self.sis.schoolid)

    def edited_cell(self, column: int, dcid: int) -> None:
        """Note that people of the SIS changed a cell, which a sync of changes does not look for."""
        for year in self.classes:
            year.memory.edited.add((column, dcid))


def pick(things: Sequence[T], number: int) -> T | None:
    """Return one of some things by a number; None where there is none."""
    return things[number % len(things)] if things else None
