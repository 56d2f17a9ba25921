"""Describe a section's gradebook as read from the source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

EXCUSED = 1
INCOMPLETE = 2
MISSING = 3
EXCEPTION_NAMES: Final = {EXCUSED: "excused", INCOMPLETE: "incomplete", MISSING: "missing"}

# Lists of a section that may be partial.
ENROLLMENTS: Final = "enrollments"
ITEMS: Final = "assignments"
CATEGORIES: Final = "categories"
PERIODS: Final = "periods"

# How the key of a row begins that shows no enrollment at all.
ANONYMOUS: Final = "row:"


class Mark(NamedTuple):
    """Describe a score with an exception: its code, and its points where it has any."""

    exception: int
    points: Decimal | None = None


def find_mark(*values: object) -> Mark | None:
    """Return the first mark among values of a score: it may stand in the SIS, for a write to take back."""
    for value in values:
        if isinstance(value, Mark):
            return value
    return None


class Untouched(Enum):
    """Stand for a blank that nobody ever made, as the source shows: it takes nothing back (R38)."""

    UNTOUCHED = "untouched"


UNTOUCHED: Final = Untouched.UNTOUCHED

# One student's score in one assignment: points, an exception, or blank (None).
Score: TypeAlias = Decimal | Mark | None
# A score as the source shows it.
Cell: TypeAlias = Score | Literal[Untouched.UNTOUCHED]


class Enrollment(NamedTuple):
    """Describe one enrollment of a person in a section; `active` where it is in force."""

    id: str
    active: bool


@dataclass(frozen=True, slots=True)
class Category:
    """Describe a grading category of the source, and how it counts.

    `by_percent`: the mean of its percents counts, not the sum of its points. `drop_lowest` of each student's
    scores are left out. `weight` is None where the source shows no number.
    """

    id: str
    title: str
    by_percent: bool = False
    drop_lowest: int = 0
    weight: Decimal | None = None


class Student(NamedTuple):
    """Describe a student of the section, by the one enrollment that counts of perhaps several (R39).

    `uid` is the source's user id, the key of every score. `school_uid` is the id that the SIS gave
    the account, None where there is none. `active` is False where no enrollment is in force.
    `other_section` is the school code of the section that a linked enrollment names, where it names one.
    `enrollments` are all of the student's, in the order of their ids; empty stands for the one alone.
    `unreadable`: whether one of them is in force could not be read, so nothing is known to be in force.
    """

    uid: str
    enrollment_id: str
    school_uid: str | None
    active: bool = True
    other_section: str | None = None
    enrollments: tuple[Enrollment, ...] = ()
    unreadable: bool = False


class Assignment(NamedTuple):
    """Describe a gradebook column of the source.

    `max_points` is None where the source holds no number. `due` is the district's local date.
    `category_id` and `period_id` are None for "none". `assignees` are student uids, None for everybody.
    `final`: it is a midterm or final, which the source weighs by itself.
    `unreadable` describes what was wrong with the row, where it could not be understood. `url` is its page.
    """

    id: str
    title: str
    max_points: Decimal | None
    due: date | None = None
    category_id: str | None = None
    period_id: str | None = None
    factor: Decimal = Decimal(1)
    counts: bool = True
    collected_only: bool = False
    assignees: frozenset[str] | None = None
    unreadable: str | None = None
    url: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Gradebook:
    """Hold all that one section holds, as one read found it.

    `title` is empty where it is not known. `school` is the id of its school, None where that is not known.
    `section_code` is the school code, None where the section has none; `from_sis` is True for sections that
    the SIS made. `students` are by uid; `course_admins` are uids, and
    `teachers` their names by uid, as far as they are known.
    `weighted`: its categories have weights; otherwise all weigh the same.
    `periods` maps a grading period to its last date, `period_starts` to its first, `period_titles` to its
    title. `cells` maps assignment id -> student uid -> cell and holds only what the responses carried (a row
    of an enrollment that the roster does not know has the key `enrollment:<id>`).
    `unreadable` maps (assignment id, student key) to what was wrong with that row.
    `full` is True when every cell was asked for, False when only changes were.
    `differing` are (assignment id, student uid) whose enrollments hold different scores.
    `blanked` has the times of the blanks that somebody made, as the source's clock has them.
    `partial` are assignments whose cells did not all arrive, even when asked again.
    `partial_lists` are the lists that announced more than they showed: nothing is missing by them (R49).
    `read_through` maps assignment id -> the source's own time up to which its cells are known.
    """

    section_id: str
    section_code: str | None
    from_sis: bool
    students: Mapping[str, Student]
    course_admins: frozenset[str]
    categories: tuple[Category, ...]
    periods: Mapping[str, date]
    assignments: tuple[Assignment, ...]
    cells: Mapping[str, Mapping[str, Cell]]
    full: bool
    unreadable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    differing: frozenset[tuple[str, str]] = frozenset()
    blanked: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    read_through: Mapping[str, datetime] = field(default_factory=dict)
    partial_lists: frozenset[str] = frozenset()
    period_titles: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    school: str | None = None
    period_starts: Mapping[str, date] = field(default_factory=dict)
    weighted: bool = False
    teachers: Mapping[str, str] = field(default_factory=dict)


def may_miss(gradebook: Gradebook, assignment: Assignment) -> bool:
    """Return True where a partial list may lack what an assignment is judged by (R49)."""
    partial = gradebook.partial_lists
    listed = {category.id for category in gradebook.categories}
    unlisted = assignment.category_id is not None and assignment.category_id not in listed
    undated = assignment.due is None and assignment.period_id not in {None, *gradebook.periods}
    return (CATEGORIES in partial and unlisted) or (PERIODS in partial and undated)
