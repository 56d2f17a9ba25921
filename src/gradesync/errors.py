"""Define the errors, grouped by what the caller does next.

GradeSyncError
├── Retriable       nothing happened; the same call may succeed later
│   └── CertificateRefused   the upstream's certificate is not trusted: the same call fails until it is
├── AnswerLost      a write may or may not have happened; look before writing again
├── Rejected        this assignment or score is refused; the others go on
├── SyncStopped     this sync cannot go on; the reason names why and what to do
│   └── AccessRefused   unless another teacher acts for the section
├── DatabaseAway    the database cannot be used now; everything goes on once it can
├── LeaseLost       another worker has this sync; write nothing more
└── RequestRefused  the caller's request cannot be done; a problem response explains why
"""

from collections.abc import Mapping
from datetime import datetime
from errno import EMFILE, ENFILE
from ssl import SSLCertVerificationError

# Causes of `DatabaseAway` where a limit was reached: that of a wait for a lock, that of a statement.
LOCKED, CANCELED = "LockNotAvailableError", "QueryCanceledError"
FULL = "DiskFullError"
# And where others in the same rows came first.
OVERTAKEN = ("DeadlockDetectedError", "SerializationError")


class GradeSyncError(Exception):
    """Base all errors that gradesync raises on purpose."""


class Retriable(GradeSyncError):
    """Report that the upstream did nothing, and that the same call may succeed later."""

    def __init__(self, detail: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_at = retry_at


class CertificateRefused(Retriable):
    """Report an upstream whose certificate is not trusted, so that nothing was sent."""


class AnswerLost(GradeSyncError):
    """Report a request that was sent without a usable response: the write may have happened.

    `lands`: until when, on the monotonic clock, a write that was given up may still happen; 0 where nothing
    is on its way.
    """

    def __init__(self, detail: str, *, lands: float = 0.0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.lands = lands


class Rejected(GradeSyncError):
    """Report that the SIS refuses one assignment or some scores. `reason` is a code of the catalog.

    `conflict`: the refusal is one of what the SIS holds already, such as an assignment of that name.
    """

    def __init__(self, reason: str, detail: str = "", *, conflict: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.conflict = conflict


class SyncStopped(GradeSyncError):
    """Report that the sync as a whole cannot go on. `reason` is a code of the catalog."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class AccessRefused(SyncStopped):
    """Report that the SIS refuses access as such: to the acting teacher, or to a field it doesn't name.

    Its status doesn't show which. The section is resolved once more before the sync stops.
    """


class TermMoved(GradeSyncError):
    """Report that the term of a SIS section has other days than a plan was made by: it is made anew."""


class DatabaseAway(GradeSyncError):
    """Report that the database cannot be used now: it is away, fails over, is full, locked or busy.

    `cause` is the name of the error behind it. `refused`: it does not know the role, its password or the
    database, and waiting does not help.
    """

    def __init__(self, cause: str, *, refused: bool = False) -> None:
        super().__init__(f"the database cannot be used now: {cause}")
        self.cause = cause
        self.refused = refused

    @property
    def concerns_all(self) -> bool:
        """Return False where it is the rows that are busy: other statements succeed."""
        return self.cause not in {LOCKED, CANCELED, *OVERTAKEN}


def name_cause(error: Exception) -> str:
    """Return the name of what went wrong, for logs: it contains no data."""
    return error.cause if isinstance(error, DatabaseAway) else type(error).__name__


def find_untrusted(error: BaseException) -> SSLCertVerificationError | None:
    """Return the refusal of a certificate that is behind an error, if one is."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause


def is_out_of_descriptors(error: BaseException) -> bool:
    """Return whether this process could open no descriptor more."""
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, OSError) and cause.errno in (EMFILE, ENFILE):
            return True
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
        if cause is not None:
            waiting.append(cause.__cause__ or cause.__context__)
    return False


class LeaseLost(GradeSyncError):
    """Report that the lease on the sync ended or is too short for the next call."""


class RequestRefused(GradeSyncError):
    """Report a request that cannot be done. `code` names the problem type in the API's catalog.

    `extensions` are further members of the problem response; `headers` go with it.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        extensions: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.extensions = dict(extensions or {})
        self.headers = dict(headers or {})
