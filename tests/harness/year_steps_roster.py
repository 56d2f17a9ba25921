"""Change who is in the class, on both sides: enrollments, accounts, ids and SIS records."""

from gradesync_sandbox.schoology.model import ARCHIVED, EXPIRED
from harness.year_school import SchoolYear, pick
from harness.year_step import Step

MOST = 6
"""Limit the people of the class."""


def end_enrollment(year: SchoolYear, a: int, b: int) -> None:
    if enrollment := pick(year.enrollments, a):
        year.schoology.end_enrollment(year.book.id, enrollment.id, ARCHIVED if b % 2 else EXPIRED)


def come_back(year: SchoolYear, a: int, b: int) -> None:
    if uid := pick(year.uids, a):
        year.schoology.enroll(year.book.id, uid)


def come_back_anew(year: SchoolYear, a: int, b: int) -> None:
    """Enroll somebody once more: beside an enrollment that is active, or after one that ended."""
    uid = pick(year.uids, a)
    if uid and len(year.book.enrollments_of(uid)) < 3:
        year.schoology.enroll_anew(year.book.id, uid)


def renumber_enrollments(year: SchoolYear, a: int, b: int) -> None:
    year.schoology.renumber_enrollments(year.book.id, keep_cells=bool(a % 2))


def join(year: SchoolYear, a: int, b: int) -> None:
    """Let a new child come, who may be in Schoology before the SIS knows."""
    if len(year.uids) < MOST:
        student = year.powerschool.add_student(year.school())
        if b % 3:
            year.powerschool.enroll(student, year.sis)
        known = year.schoology.users[year.uids[0]]
        user = year.schoology.add_user(
            "New", f"Child {a}", known.role, known.building, year.school_uid(student)
        )
        year.schoology.enroll(year.book.id, user.uid)


def swap_ids(year: SchoolYear, a: int, b: int) -> None:
    one, other = pick(year.uids, a), pick(year.uids, b)
    if one and other and one != other:
        year.schoology.swap_school_uids(one, other)


def name_another_record(year: SchoolYear, a: int, b: int) -> None:
    """Let a school id name a record that no other child of the class has."""
    if uid := pick(year.uids, a):
        student = year.powerschool.add_student(year.school())
        year.powerschool.enroll(student, year.sis)
        year.schoology.set_school_uid(uid, year.school_uid(student))


def second_account(year: SchoolYear, a: int, b: int) -> None:
    uid = pick(year.uids, a)
    if uid and len(year.uids) < MOST:
        year.schoology.enroll(year.book.id, year.schoology.add_second_account(uid).uid)


def replace_account(year: SchoolYear, a: int, b: int) -> None:
    uid = pick(year.uids, a)
    if uid and len(year.uids) < MOST:
        year.schoology.replace_account(uid, keep_cells=bool(b % 2))


def drop_in_sis(year: SchoolYear, a: int, b: int) -> None:
    uid = pick(year.uids, a)
    student = year.record(uid) if uid else None
    if student and student.id in year.powerschool.cc[year.sis.id]:
        year.powerschool.drop(student, year.sis)


def enroll_in_sis(year: SchoolYear, a: int, b: int) -> None:
    uid = pick(year.uids, a)
    if student := year.record(uid) if uid else None:
        year.powerschool.enroll(student, year.sis)


def renumber_record(year: SchoolYear, a: int, b: int) -> None:
    """Give a SIS record new keys, and Schoology the new school id at once, later, or never."""
    uid = pick(year.uids, a)
    student = year.record(uid) if uid else None
    if uid and student:
        dcid = max(year.powerschool.students) + 1000
        year.powerschool.renumber_student(student, dcid=dcid, number=student.student_number + 1)
        for column in year.columns:
            year.edited_cell(column.assignmentsectionid, dcid)
        if b % 3:
            year.schoology.set_school_uid(uid, year.school_uid(student))


def correct_ids(year: SchoolYear, a: int, b: int) -> None:
    """Let the school ids that lead nowhere name a record of the class that nobody has."""
    taken = {student.dcid for uid in year.uids if (student := year.record(uid))}
    free = [d for d in sorted(year.powerschool.roster(year.sis)) if d not in taken]
    lost = [uid for uid in year.uids if year.record(uid) is None]
    for uid, dcid in zip(lost, free, strict=False):
        year.schoology.set_school_uid(uid, year.school_uid(year.powerschool.students[dcid]))


ROSTER = (
    Step("end enrollment", "R27a", end_enrollment),
    Step("come back", "R27a R38", come_back),
    Step("come back anew", "R38 R39", come_back_anew),
    Step("renumber enrollments", "R38", renumber_enrollments),
    Step("join", "R27", join),
    Step("swap school ids", "R40", swap_ids),
    Step("name another record", "R40", name_another_record),
    Step("second account", "R53", second_account),
    Step("replace account", "R40", replace_account),
    Step("drop in the SIS", "R27", drop_in_sis),
    Step("enroll in the SIS", "R27", enroll_in_sis),
    Step("renumber record", "R40 R37", renumber_record),
    Step("correct school ids", "R40", correct_ids),
)
