"""Hold the simulated Schoology's state, and let teachers grade in it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from gradesync_sandbox.schoology.log import RequestLog
from gradesync_sandbox.schoology.model import (
    ACTIVE,
    ARCHIVED,
    Category,
    Cell,
    Course,
    Credential,
    Enrollment,
    Item,
    Mark,
    Period,
    Role,
    Section,
    User,
)
from gradesync_sandbox.schoology.switches import Switches

Points = Decimal | int | str


def _ids() -> dict[str, Iterator[int]]:
    """Return one sequence a kind, far apart and of different strides, so that no id passes for another."""
    return {
        "user": count(5_790_011, 7),
        "building": count(97_900_003, 11),
        "course": count(2_330_000_109, 13),
        "section": count(7_900_000_001, 17),
        "enrollment": count(3_490_989_701, 3),
        "category": count(92_557_271, 5),
        "period": count(1_123_041, 2),
        "item": count(8_269_049_251, 19),
        "node": count(6_120_400_007, 23),
    }


@dataclass
class Organization:
    """Hold one organization. Every change moves the cell's or item's own clock, as Schoology's does."""

    clock: Callable[[], float] = time.time
    school: int = 94_000_000
    switches: Switches = field(default_factory=Switches)
    users: dict[int, User] = field(default_factory=dict)
    sections: dict[int, Section] = field(default_factory=dict)
    courses: dict[int, Course] = field(default_factory=dict)
    buildings: dict[int, str] = field(default_factory=dict)
    periods: dict[int, Period] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    log: RequestLog = field(default_factory=RequestLog)
    ids: dict[str, Iterator[int]] = field(default_factory=_ids, repr=False)

    def now(self) -> float:
        """Return unix seconds by Schoology's own clock."""
        return self.clock() + self.switches.clock_skew

    def advance_clock(self, seconds: float) -> None:
        """Let time pass in Schoology alone."""
        self.switches.clock_skew += seconds

    def cell_now(self) -> int:
        """Return unix seconds by the clock that stamps cells, which may differ from the one of `Date`."""
        return int(self.now() + self.switches.cell_clock_offset)

    def cut_list(self, key: str, rows: int) -> int | None:
        """Return how many of a list's rows a partial response shows; None for all of them."""
        partial = self.switches.partial_lists
        if key not in partial or partial[key] >= rows:
            return None
        return partial.pop(key) if self.switches.partial_once else partial[key]

    # --- the organization

    def add_building(self, name: str = "") -> int:
        building = next(self.ids["building"])
        self.buildings[building] = name or f"Building {building}"
        return building

    def add_user(self, first: str, last: str, role: Role, building: int, school_uid: str = "") -> User:
        user = User(next(self.ids["user"]), first, last, role, building, school_uid)
        self.users[user.uid] = user
        return user

    def add_course(self, title: str, code: str, building: int) -> Course:
        course = Course(next(self.ids["course"]), title, code, building)
        self.courses[course.id] = course
        return course

    def add_period(self, title: str, first: date, last: date, parent: int = 0) -> Period:
        period = Period(next(self.ids["period"]), title, first, last, parent)
        self.periods[period.id] = period
        return period

    def add_section(
        self, course: Course, title: str, school_code: str, periods: list[Period], *, synced: bool = True
    ) -> Section:
        section = Section(next(self.ids["section"]), course, title, school_code, synced, periods)
        self.sections[section.id] = section
        return section

    def add_credential(self, credential: Credential) -> Credential:
        self.credentials[credential.key] = credential
        return credential

    # --- the roster

    def enroll(self, section: int, uid: int, *, admin: bool = False, source: int = 6) -> Enrollment:
        """Enroll a person; one who was there before comes back under the old enrollment id."""
        if self.sections[section].enrollments_of(uid):
            known = self.sections[section].enrollment_of(uid)
            known.status = ACTIVE
            return known
        return self.enroll_anew(section, uid, admin=admin, source=source)

    def enroll_anew(self, section: int, uid: int, *, admin: bool = False, source: int = 6) -> Enrollment:
        """Enroll a person under a new id, beside the enrollments that exist; its cells were never touched."""
        enrollment = Enrollment(next(self.ids["enrollment"]), uid, admin, source=source)
        self.sections[section].enrollments[enrollment.id] = enrollment
        return enrollment

    def drop_student(self, section: int, uid: int, status: int = ARCHIVED) -> None:
        """End an enrollment; its grades stay."""
        self.sections[section].enrollment_of(uid).status = status

    # --- the gradebook's frame

    def add_category(self, section: int, title: str, **fields: Any) -> Category:
        categories = self.sections[section].categories
        category = Category(next(self.ids["category"]), title, len(categories), **fields)
        categories[category.id] = category
        return category

    def rename_category(self, section: int, category: int, title: str) -> None:
        self.sections[section].categories[category].title = title

    def add_assignment(self, section: int, title: str, max_points: Points = 100, **fields: Any) -> Item:
        """Add an item; `fields` are those of `Item`. A discussion has a content id of its own."""
        item_id = next(self.ids["item"])
        node = next(self.ids["node"]) if fields.get("type") == "discussion" else item_id
        item = Item(item_id, node, title, Decimal(max_points), last_updated=int(self.now()), **fields)
        self.sections[section].items[item.id] = item
        return item

    def edit_assignment(self, section: int, item: int, **fields: Any) -> Item:
        """Change fields of an item. Its cells keep their timestamps, as editing an item touches no grade."""
        if "max_points" in fields:
            fields["max_points"] = Decimal(fields["max_points"])
        edited = self.sections[section].items[item]
        for name, value in fields.items():
            setattr(edited, name, value)
        edited.last_updated = int(self.now())
        return edited

    def delete_assignment(self, section: int, item: int) -> None:
        self.edit_assignment(section, item, deleted=True)

    def restore_assignment(self, section: int, item: int) -> None:
        """Bring a deleted item back under its old id, with the scores it had."""
        self.edit_assignment(section, item, deleted=False)

    # --- grading

    def grade(self, section: int, item: int, uid: int, points: Points, comment: str | None = None) -> None:
        """Enter points for a student; an exception that stood there goes.

        Of several enrollments of one person the active ones come first, then the newest.
        """
        self._touch(section, item, uid, grade=Decimal(points), exception=Mark.NONE, comment=comment)

    def grade_enrollment(self, section: int, item: int, enrollment: int, points: Points) -> None:
        """Enter points in the row of one enrollment, whichever it is."""
        self.sections[section].cells[item, enrollment] = Cell(Decimal(points), timestamp=self.cell_now())

    def set_exception(
        self, section: int, item: int, uid: int, exception: int, points: Points | None = None
    ) -> None:
        """Mark a cell. Codes 1 to 3 take the points away; an unknown code may keep some."""
        grade = Decimal(points) if points is not None and exception > Mark.MISSING else None
        self._touch(section, item, uid, grade=grade, exception=exception)

    def clear(self, section: int, item: int, uid: int) -> None:
        """Blank a cell: the row stays, with no grade, no exception and a newer timestamp."""
        self._touch(section, item, uid, grade=None, exception=Mark.NONE)

    def comment(self, section: int, item: int, uid: int, text: str) -> None:
        """Write a comment alone: the cell's timestamp moves, its value does not."""
        cell = self.sections[section].cell(item, self.sections[section].enrollment_of(uid).id)
        self._touch(section, item, uid, grade=cell.grade, exception=cell.exception, comment=text)

    def age_scores(self, section: int, seconds: int) -> None:
        """Let all of a section have been graded so many seconds earlier; an untouched cell stays one."""
        for cell in self.sections[section].cells.values():
            cell.timestamp = max(1, cell.timestamp - seconds) if cell.timestamp else 0

    def _touch(
        self,
        section: int,
        item: int,
        uid: int,
        *,
        grade: Decimal | None,
        exception: int,
        comment: str | None = None,
    ) -> None:
        book = self.sections[section]
        if item not in book.items:
            raise KeyError(f"no item {item} in section {section}")
        key = (item, book.enrollment_of(uid).id)
        kept = book.cell(*key).comment if comment is None else comment
        book.cells[key] = Cell(grade, exception, self.cell_now(), kept)
