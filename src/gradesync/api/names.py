"""Join the names that Schoology shows to ids, for teachers. Names are stored nowhere."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gradesync.api.auth import SectionContext
from gradesync.core.ports import Member
from gradesync.errors import Retriable, SyncStopped


class Names(NamedTuple):
    """Hold display names by Schoology user id, and the number of active students where that is known.

    `missing`: Schoology did not provide them.
    """

    known: Mapping[str, str]
    students: int | None = None
    missing: bool = False


async def read_names(context: SectionContext) -> Names:
    """Return for a teacher the names that Schoology shows; none for a client."""
    if context.caller.section_id is None:
        return Names({})
    try:
        members = await context.members()
    except (SyncStopped, Retriable):
        return Names({}, missing=True)
    students = sum(member.active and not member.admin for member in members)
    return Names(distinguish_names(members), students)


def distinguish_names(members: Iterable[Member]) -> dict[str, str]:
    """Return the names by uid; people of the same name have their school ID, or their uid, behind it."""
    members = [member for member in members if member.display_name]
    alike = Counter(member.display_name for member in members)
    return {
        member.uid: member.display_name
        if alike[member.display_name] == 1
        else f"{member.display_name} ({member.school_id or member.uid})"
        for member in members
    }
