"""What an instructor who launched may do (R22)."""

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
    """Reading, and starting syncs where the roles, the district or the section's enrollments allow it.

    A system admin launches as Administrator *and* Instructor, in any section: then only the enrollments show
    whether this person runs it. Where they cannot be read, it is reading alone.
    """
    if not launch.learner and (policy.admin_sync or not launch.administrator):
        return WRITES
    try:
        people = await members()
    except (SyncStopped, Retriable):
        return READS
    runs_it = any(one.uid == launch.uid and one.admin and one.active for one in people)
    return WRITES if runs_it else READS
