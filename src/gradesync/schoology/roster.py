"""Who is enrolled in a section: students by uid, course admins, and whose an enrollment is (contract 2.2)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gradesync.core.gradebook import Gradebook, Student
from gradesync.core.ports import Member
from gradesync.schoology.scalars import UnreadableError, flag, required_ident, text
from gradesync.schoology.wire import EnrollmentRow

ACTIVE: Final = "1"
ROW_UNREADABLE: Final = "the enrollment of this row could not be read"


class Enrollment(NamedTuple):
    """One readable enrollment."""

    id: str
    uid: str
    admin: bool
    active: bool
    school_uid: str | None
    other_section: str | None


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of a section.

    `keys` maps an enrollment id to the key of its cells: the student's uid, for the one enrollment of that
    student that counts. `unreadable` are the keys of enrollments that could not be read; `whole` is False
    where one of them did not even tell its id.
    """

    students: Mapping[str, Student] = field(default_factory=dict)
    course_admins: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    whole: bool = True

    def key(self, enrollment_id: str) -> str:
        """The key of an enrollment's cells."""
        return self.keys.get(enrollment_id) or f"enrollment:{enrollment_id}"

    def doubts(self, key: str) -> bool:
        """Whether cells of this key may belong to a student whose enrollment could not be read."""
        return key in self.unreadable or not (self.whole or key in self.students)

    def active(self) -> frozenset[str]:
        """The uids of all students with an enrollment in force."""
        return frozenset(uid for uid, student in self.students.items() if student.active)


def roster(rows: Iterable[EnrollmentRow | None]) -> Roster:
    """Read a section's enrollments.

    Of a student's several enrollments the active one counts, then the newest; the others' cells keep the
    key `enrollment:<id>`.
    """
    readable: dict[str, Enrollment] = {}
    unreadable: set[str] = set()
    whole = True
    for row in rows:
        try:
            found = _enrollment(row)
            readable[found.id] = found
        except UnreadableError:
            known = _id_of(row)
            unreadable |= {f"enrollment:{known}"} if known else set()
            whole = whole and known is not None
    chosen = _chosen(found for found in readable.values() if not found.admin)
    return Roster(
        students={uid: _student(found) for uid, found in chosen.items()},
        course_admins=frozenset(e.uid for e in readable.values() if e.admin and e.active),
        keys={found.id: uid for uid, found in chosen.items()},
        unreadable=frozenset(unreadable),
        whole=whole,
    )


def roster_of(gradebook: Gradebook) -> Roster:
    """The roster that a gradebook was read with, as far as it tells."""
    doubted = {key for (_, key), why in gradebook.unreadable.items() if why == ROW_UNREADABLE}
    return Roster(
        students=gradebook.students,
        course_admins=gradebook.course_admins,
        keys={student.enrollment_id: uid for uid, student in gradebook.students.items()},
        unreadable=frozenset(doubted),
    )


def members(rows: Iterable[EnrollmentRow | None]) -> tuple[Member, ...]:
    """Everybody enrolled, with the name that Schoology shows; unreadable enrollments are left out."""
    found: dict[str, Member] = {}
    for row in rows:
        with suppress(UnreadableError):
            member = _member(row)
            found[member.uid] = max(found.get(member.uid, member), member, key=_standing)
    return tuple(found.values())


def _member(row: EnrollmentRow | None) -> Member:
    found = _enrollment(row)
    return Member(found.uid, _name(row) if row else "", found.admin, found.active)


def _standing(member: Member) -> tuple[bool, bool]:
    return member.active, member.admin


def _name(row: EnrollmentRow) -> str:
    parts = (text("name_first", row.name_first), text("name_last", row.name_last))
    return text("name_display", row.name_display) or " ".join(filter(None, parts))


def _chosen(students: Iterable[Enrollment]) -> dict[str, Enrollment]:
    ranked = sorted(students, key=lambda e: (e.active, int(e.id)))
    return {enrollment.uid: enrollment for enrollment in ranked}


def _enrollment(row: EnrollmentRow | None) -> Enrollment:
    if row is None:
        raise UnreadableError("the enrollment is no object")
    status = required_ident("status", row.status)
    return Enrollment(
        id=required_ident("id", row.id),
        uid=required_ident("uid", row.uid),
        admin=flag("admin", row.admin),
        active=status == ACTIVE,
        school_uid=text("school_uid", row.school_uid) or None,
        other_section=text("cross-listed section", row.cross_listed_section_school_code) or None,
    )


def _id_of(row: EnrollmentRow | None) -> str | None:
    try:
        return required_ident("id", row.id) if row else None
    except UnreadableError:
        return None


def _student(found: Enrollment) -> Student:
    return Student(found.uid, found.id, found.school_uid, found.active, found.other_section)
