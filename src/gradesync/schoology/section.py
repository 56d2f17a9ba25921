"""Read what frames a section's cells: its people and its assignments."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, NamedTuple

from gradesync.core.gradebook import Assignment, Enrollment, Gradebook, Student
from gradesync.schoology.scalars import (
    UnreadableError,
    read_day,
    read_flag,
    read_id,
    read_ids,
    read_leniently,
    read_number,
    read_text,
    require_id,
)
from gradesync.schoology.wire import EnrollmentRow, ItemRow, SectionRow, unexpected

ACTIVE: Final = "1"


class EnrolledPerson(NamedTuple):
    """Hold one enrollment and whose it is; the `name` of a course admin, empty for others.

    `unreadable`: nothing else of it is known.
    """

    id: str
    uid: str
    admin: bool
    active: bool
    school_uid: str | None
    other_section: str | None
    name: str = ""
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """Hold the people of a section (upstream.md Schoology §2.2).

    `teachers` maps the uids of the active course admins to their names. `keys` maps every enrollment id of a
    student to the uid, the key of its cells. `shared` has, by `foreign_key`, uid and enrollment of those who
    have several. `complete` is False where a row does not show whose enrollment it is.
    """

    students: Mapping[str, Student] = field(default_factory=dict)
    teachers: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, tuple[str, Enrollment]] = field(default_factory=dict)
    complete: bool = True

    def cell_key(self, enrollment_id: str) -> str:
        """Return the key of an enrollment's cells."""
        return self.keys.get(enrollment_id) or foreign_key(enrollment_id)

    def assignee_key(self, enrollment_id: str) -> str:
        """Return the key of an assignee. An ended enrollment of an active student assigns nothing to them."""
        uid, enrollment = self.shared.get(foreign_key(enrollment_id), ("", None))
        if enrollment and self.students[uid].active and not enrollment.active:
            return foreign_key(enrollment_id)
        return self.cell_key(enrollment_id)

    def active_uids(self) -> frozenset[str]:
        """Return the uids of all students with an active enrollment."""
        return frozenset(uid for uid, student in self.students.items() if student.active)


def read_roster(rows: Iterable[EnrollmentRow | None]) -> Roster:
    """Read a section's enrollments: of a student's several the active one counts, then the newest."""
    people: dict[str, EnrolledPerson] = {}
    complete = True
    for row in rows:
        try:
            enrollment = read_enrollment(row)
            people[enrollment.id] = enrollment
        except UnreadableError:
            complete = complete and _has_ended(row)
    teachers = {each.uid: each.name for each in people.values() if each.admin and each.active}
    students = _join_people(each for each in people.values() if not each.admin)
    return replace(_make_roster(students, teachers), complete=complete)


def _has_ended(row: EnrollmentRow | None) -> bool:
    """Return True where an enrollment is known not to be in force, whosever it is."""
    status = read_leniently(require_id, "status", row.status) if row else None
    return status not in {None, ACTIVE}


def _make_roster(students: Mapping[str, Student], teachers: Mapping[str, str]) -> Roster:
    several = [(s.uid, enrollment) for s in students.values() for enrollment in s.enrollments]
    return Roster(
        students=students,
        teachers=teachers,
        keys={s.enrollment_id: s.uid for s in students.values()} | {e.id: uid for uid, e in several},
        shared={foreign_key(e.id): (uid, e) for uid, e in several},
    )


def rebuild_roster(gradebook: Gradebook) -> Roster:
    """Return the roster that a gradebook was read with."""
    return _make_roster(gradebook.students, gradebook.teachers)


def foreign_key(enrollment_id: str) -> str:
    """Return the key of cells whose student is not known, or has several enrollments."""
    return f"enrollment:{enrollment_id}"


def read_enrollment(row: EnrollmentRow | None) -> EnrolledPerson:
    """Return one enrollment. Raises `UnreadableError` where it does not show whose it is."""
    if row is None:
        raise UnreadableError("the enrollment is no object")
    enrollment_id, uid = require_id("id", row.id), require_id("uid", row.uid)
    try:
        return _parse_enrollment(row, enrollment_id, uid)
    except UnreadableError:
        return EnrolledPerson(enrollment_id, uid, False, False, None, None, unreadable=True)


def _parse_enrollment(row: EnrollmentRow, enrollment_id: str, uid: str) -> EnrolledPerson:
    status, admin, name = require_id("status", row.status), read_flag("admin", row.admin), ""
    if admin:
        with suppress(UnreadableError):
            name = read_display_name(row)
    return EnrolledPerson(
        id=enrollment_id,
        uid=uid,
        admin=admin,
        active=status == ACTIVE,
        school_uid=read_text("school_uid", row.school_uid) or None,
        other_section=read_text("cross-listed section", row.cross_listed_section_school_code) or None,
        name=name,
    )


def _join_people(enrolled: Iterable[EnrolledPerson]) -> dict[str, Student]:
    """Make one student of all enrollments of a uid."""
    by_uid: dict[str, list[EnrolledPerson]] = {}
    for each in sorted(enrolled, key=lambda one: int(one.id)):
        by_uid.setdefault(each.uid, []).append(each)
    return {uid: _to_student(several) for uid, several in by_uid.items()}


def _to_student(several: Sequence[EnrolledPerson]) -> Student:
    chosen, enrollments = several[-1], tuple[Enrollment, ...]()
    unreadable = any(each.unreadable for each in several)
    if len(several) > 1:
        chosen = max(several, key=lambda each: (each.active, int(each.id)))
        enrollments = tuple(Enrollment(each.id, each.active and not unreadable) for each in several)
    active = chosen.active and not unreadable
    return Student(
        chosen.uid, chosen.id, chosen.school_uid, active, chosen.other_section, enrollments, unreadable
    )


def read_display_name(row: EnrollmentRow) -> str:
    """Return a person's name as Schoology shows it. Raises `UnreadableError`."""
    parts = (read_text("name_first", row.name_first), read_text("name_last", row.name_last))
    return read_text("name_display", row.name_display) or " ".join(filter(None, parts))


def read_section(section_id: str, row: SectionRow) -> tuple[str | None, bool]:
    """Return the section's school code, and True where the SIS made it (upstream.md Schoology §2.1).

    Raises `SyncStopped` where the response is not that section.
    """
    try:
        if read_id("id", row.id) != section_id:
            raise unexpected("section", "the response is another object than the section")
        code = read_text("section_school_code", row.section_school_code) or None
        return code, read_flag("synced", row.synced)
    except UnreadableError as problem:
        raise unexpected("section", str(problem)) from None


def read_section_title(row: SectionRow) -> str:
    """Return the titles of the course and of its section, as Schoology shows them; empty where unreadable."""
    with suppress(UnreadableError):
        titles = (read_text("course_title", row.course_title), read_text("section_title", row.section_title))
        return ": ".join(filter(None, map(str.strip, titles)))
    return ""


def read_assignments(rows: Iterable[ItemRow | None], roster: Roster) -> tuple[Assignment, ...]:
    """Return the assignments in the order of the response; a row without an id gets the id `row:<n>`."""
    assignments: dict[str, Assignment] = {}
    for number, row in enumerate(rows, 1):
        assignment = _read_assignment(row or ItemRow(), number, roster)
        assignments[assignment.id] = assignment
    return tuple(assignments.values())


def _read_assignment(row: ItemRow, number: int, roster: Roster) -> Assignment:
    try:
        return _parse_assignment(row, roster)
    except UnreadableError as problem:
        # Its id and title, as far as they are readable: a teacher can find it by them.
        item_id = read_leniently(read_id, "id", row.id) or f"row:{number}"
        title = read_leniently(read_text, "title", row.title) or ""
        return Assignment(item_id, title, None, unreadable=str(problem))


def _parse_assignment(row: ItemRow, roster: Roster) -> Assignment:
    """Parse an assignment (upstream.md Schoology §2.6). Garbled points and factors have a default."""
    url = read_leniently(read_text, "web_url", row.web_url)
    factor = read_leniently(read_number, "factor", row.factor)
    return Assignment(
        id=require_id("id", row.id),
        title=read_text("title", row.title),
        max_points=read_leniently(read_number, "max_points", row.max_points),
        due=read_day("due", row.due),
        category_id=read_id("grading_category", row.grading_category),
        period_id=read_id("grading_period", row.grading_period),
        factor=Decimal(1) if factor is None else factor,
        counts=read_flag("count_in_grade", row.count_in_grade, absent=True),
        collected_only=read_flag("collected_only", row.collected_only),
        assignees=frozenset(map(roster.assignee_key, read_ids("assignees", row.assignees))) or None,
        url=url if url and url.startswith("https://") else None,
        # It explains a total, and decides nothing that is sent.
        final=read_leniently(read_flag, "is_final", row.is_final) or False,
    )
