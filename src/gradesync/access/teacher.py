"""Grant scopes to an instructor who launched the tool (R22)."""

from collections.abc import Awaitable, Callable, Sequence

from gradesync.access.launch import Launch
from gradesync.access.tokens import Scope
from gradesync.core.ports import Member
from gradesync.core.sis import Policy
from gradesync.errors import Retriable, SyncStopped

READS = frozenset({str(Scope.SYNCS_READ)})
WRITES = READS | {str(Scope.SYNCS_WRITE)}


async def teacher_scopes(
    launch: Launch, policy: Policy, members: Callable[[], Awaitable[Sequence[Member]]]
) -> frozenset[str]:
    """Return the scopes: reading, and syncing where roles, policy or enrollments allow it.

    Where the enrollments cannot be read, they allow reading only.
    """
    # A system admin launches as Administrator *and* Instructor, in any section: then only the enrollments
    # show whether this person is a course admin of it.
    if not launch.learner and (policy.admin_sync or not launch.administrator):
        return WRITES
    try:
        people = await members()
    except (SyncStopped, Retriable):
        return READS
    return WRITES if is_course_admin(launch.uid, people) else READS


def is_course_admin(uid: str, people: Sequence[Member]) -> bool:
    """Return whether this person is enrolled as a course admin."""
    return any(each.uid == uid and each.admin and each.active for each in people)
