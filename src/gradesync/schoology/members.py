"""Read the people of a section with their names, for a page that shows them."""

from collections.abc import Iterable
from contextlib import suppress

from gradesync.core.ports import Member
from gradesync.schoology.scalars import UnreadableError
from gradesync.schoology.section import read_display_name, read_enrollment
from gradesync.schoology.wire import EnrollmentRow


def read_members(rows: Iterable[EnrollmentRow | None]) -> tuple[Member, ...]:
    """Return everybody enrolled, with the name that Schoology shows; unreadable enrollments are left out."""
    members: dict[str, Member] = {}
    for row in rows:
        with suppress(UnreadableError):
            member = _read_member(row)
            members[member.uid] = max(members.get(member.uid, member), member, key=_rank_member)
    return tuple(members.values())


def _read_member(row: EnrollmentRow | None) -> Member:
    enrollment = read_enrollment(row)
    name = read_display_name(row) if row else ""
    return Member(enrollment.uid, name, enrollment.admin, enrollment.active, enrollment.school_uid)


def _rank_member(member: Member) -> tuple[bool, bool]:
    return member.active, member.admin
