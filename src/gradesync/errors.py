"""Define the errors, grouped by what the caller does next.

GradeSyncError
├── Retriable       nothing happened; the same call may succeed later
│   └── CertificateRefused   the upstream's certificate is not trusted: the same call fails until it is
├── AnswerLost      a write may or may not have happened; look before writing again
├── Rejected        this assignment or score is refused; the others go on
├── SyncStopped     this sync cannot go on; the reason names why and what to do
│   └── AccessRefused   unless another teacher acts for the section
├── LeaseLost       another worker has this sync; write nothing more
└── RequestRefused  the caller's request cannot be done; a problem response explains why
"""

from collections.abc import Mapping
from datetime import datetime


class GradeSyncError(Exception):
    """Raised by gradesync on purpose: the base of all of its errors."""


class Retriable(GradeSyncError):
    """Raised where the upstream did nothing, and the same call may succeed later."""

    def __init__(self, detail: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_at = retry_at


class CertificateRefused(Retriable):
    """Raised where the certificate of an upstream is not trusted, so that nothing was sent."""


class AnswerLost(GradeSyncError):
    """Raised where a request was sent and no usable response came back: the write may have happened."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Rejected(GradeSyncError):
    """Raised where the SIS refuses one assignment or some scores. `reason` is a code of the catalogue.

    `conflict`: the refusal is one of what the SIS holds already, such as an assignment of that name.
    """

    def __init__(self, reason: str, detail: str = "", *, conflict: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.conflict = conflict


class SyncStopped(GradeSyncError):
    """Raised where the sync as a whole cannot go on. `reason` is a code of the catalogue."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class AccessRefused(SyncStopped):
    """Raised where the SIS refuses access as such: to the acting teacher, or to a field it doesn't name.

    Its status doesn't show which. The section is resolved once more before the sync stops.
    """


class LeaseLost(GradeSyncError):
    """Raised where the lease on the sync ended or is too short for the next call."""


class RequestRefused(GradeSyncError):
    """Raised for a request that cannot be done. `code` names the problem type in the API's catalogue.

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
