"""Define Schoology's records, plain and mutable."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum

ACTIVE, EXPIRED, INVITED, REQUESTED, ARCHIVED = 1, 2, 3, 4, 5


class Role(StrEnum):
    """Name a person's role in the whole organization; teacher of a section is a matter of enrollment."""

    TEACHER = "teacher"
    STUDENT = "student"
    SYSTEM_ADMIN = "system_admin"


class Mark(IntEnum):
    """Name the exception codes of a cell. Above MISSING nobody outside knows their meaning."""

    NONE = 0
    EXCUSED = 1
    INCOMPLETE = 2
    MISSING = 3


@dataclass(slots=True)
class User:
    uid: int
    first: str
    last: str
    role: Role
    building: int
    school_uid: str = ""
    tz_name: str = "America/Los_Angeles"

    @property
    def display(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(slots=True)
class Course:
    id: int
    title: str
    code: str
    building: int


@dataclass(slots=True)
class Period:
    id: int
    title: str
    first: date
    last: date
    parent: int = 0
    weight: int = 100


@dataclass(slots=True)
class Category:
    id: int
    title: str
    delta: int
    weight: int = 0
    drop_lowest: int = 0
    calculation_type: int = 2


@dataclass(slots=True)
class Enrollment:
    """Record a person in a section. `source` 6 is provisioned, 0 is added by hand.

    `own_section_code` names the SIS section of a student who came by linking.
    """

    id: int
    uid: int
    admin: bool = False
    status: int = ACTIVE
    source: int = 6
    own_section_code: str = ""


@dataclass(slots=True)
class Item:
    """Record a gradebook column.

    `due` has no zone; `assignees` holds enrollment ids, empty means everybody.
    """

    id: int
    grade_item_id: int
    title: str
    max_points: Decimal
    due: datetime | None = None
    category: int = 0
    period: int = 0
    type: str = "assignment"
    factor: Decimal = Decimal(1)
    is_final: bool = False
    published: bool = True
    count_in_grade: bool = True
    collected_only: bool = False
    assignees: list[int] = field(default_factory=list)
    deleted: bool = False
    last_updated: int = 0


@dataclass(slots=True)
class Cell:
    """Record one student's cell. `timestamp` is Schoology's own clock in unix seconds; 0 is never touched."""

    grade: Decimal | None = None
    exception: int = Mark.NONE
    timestamp: int = 0
    comment: str = ""


UNTOUCHED = Cell()


@dataclass(slots=True)
class Section:
    id: int
    course: Course
    title: str
    school_code: str
    synced: bool
    periods: list[Period]
    active: bool = True
    categories: dict[int, Category] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    enrollments: dict[int, Enrollment] = field(default_factory=dict)
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.course.title}: {self.title}"

    def standing(self) -> list[Item]:
        """Return the items that were not deleted."""
        return [item for item in self.items.values() if not item.deleted]

    def students(self) -> list[Enrollment]:
        return [e for e in self.enrollments.values() if not e.admin]

    def enrollment_of(self, uid: int) -> Enrollment:
        """Return the enrollment of a person, an active one before others, then the newest.

        Raises `KeyError` when there is none.
        """
        mine = self.enrollments_of(uid)
        if not mine:
            raise KeyError(f"user {uid} is not enrolled in section {self.id}")
        return max(mine, key=lambda enrollment: (enrollment.status == ACTIVE, enrollment.id))

    def enrollments_of(self, uid: int) -> list[Enrollment]:
        """Return all enrollments of a person, oldest first."""
        return [e for e in self.enrollments.values() if e.uid == uid]

    def is_admin(self, uid: int) -> bool:
        return any(e.uid == uid and e.admin and e.status == ACTIVE for e in self.enrollments.values())

    def cell(self, item: int, enrollment: int) -> Cell:
        return self.cells.get((item, enrollment), UNTOUCHED)


@dataclass(slots=True, frozen=True)
class Credential:
    """Describe a consumer key.

    `uid` is the user that it acts as; a key that is not `allowed` gets 401 with no body.
    """

    key: str
    secret: str
    uid: int
    allowed: bool = True
