"""Move students and whole sections between the classes of one teacher, link them and split them."""

from gradesync_sandbox.schoology.model import ACTIVE, ARCHIVED
from harness.year_school import SchoolYear, pick
from harness.year_step import Step

MOST = 6
"""Limit the people of a class."""


def move_student(year: SchoolYear, a: int, b: int) -> None:
    """Move a student to the other class; the SIS follows, lags behind, or forgets to drop."""
    other, uid = year.other, pick(year.uids, a)
    if other is None or uid is None or (uid not in other.uids and len(other.uids) >= MOST):
        return
    for enrollment in year.book.enrollments_of(uid):
        if enrollment.status == ACTIVE:
            year.schoology.end_enrollment(year.book.id, enrollment.id, ARCHIVED)
    year.schoology.enroll(other.book.id, uid)
    student = year.record(uid)
    if student is None or b % 3 == 0:
        return
    year.powerschool.enroll(student, other.sis)
    if b % 3 == 1 and student.id in year.powerschool.cc[year.sis.id]:
        year.powerschool.drop(student, year.sis)


def swap_sections(year: SchoolYear, a: int, b: int) -> None:
    """Exchange the SIS sections of two classes: for good, or by a mistake that is corrected later."""
    if (other := year.other) is None:
        return
    one, two = year.book.school_code, other.book.school_code
    year.schoology.recode_section(year.book.id, two)
    year.schoology.recode_section(other.book.id, one)
    if b % 2:
        year.room.sis, other.room.sis = other.room.sis, year.room.sis


def share_code(year: SchoolYear, a: int, b: int) -> None:
    """Give the other class the code of this one: both name one SIS section."""
    if other := year.other:
        year.schoology.recode_section(other.book.id, year.book.school_code)


def correct_codes(year: SchoolYear, a: int, b: int) -> None:
    for each in year.classes:
        year.schoology.recode_section(each.book.id, str(each.sis.dcid))


def divide_in_sis(year: SchoolYear, a: int, b: int) -> None:
    """Move students to the other class in the SIS alone, as schools do before they split a section."""
    if (other := year.other) is None:
        return
    for dcid in sorted(year.powerschool.roster(year.sis))[b % 2 :: 2]:
        student = year.powerschool.students[dcid]
        year.powerschool.drop(student, year.sis)
        year.powerschool.enroll(student, other.sis)


def copy_to_class(year: SchoolYear, a: int, b: int) -> None:
    """Copy an item to the other class, as teachers do who plan for both."""
    other, item = year.other, pick(year.items, a)
    if other and item and len(other.items) < MOST:
        year.schoology.copy_assignment(year.book.id, item.id, to=other.book.id)


def link_classes(year: SchoolYear, a: int, b: int) -> None:
    """Link the other class to this one: its people and items come here, and it is no longer synced."""
    if (other := year.other) is None or len({*year.uids, *other.uids}) > MOST:
        return
    year.schoology.link_sections(year.book.id, other.book.id)
    other.away = True


CLASSES = (
    Step("move student", "R27 R27a R40", move_student, several=True),
    Step("swap SIS sections", "R37 R40", swap_sections, several=True),
    Step("share a code", "R37", share_code, several=True),
    Step("correct codes", "R37 R40", correct_codes, several=True),
    Step("divide in the SIS", "R27", divide_in_sis, several=True),
    Step("copy to class", "R18", copy_to_class, several=True),
    Step("link classes", "R27 R45", link_classes),
)
