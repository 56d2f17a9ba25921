"""Define tokens, checks, the audit log and health as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from gradesync.api.schemas.base import ReasonText, ResponseModel


class Finding(ResponseModel):
    """Report one check of a connection."""

    check: str
    ok: bool
    detail: str
    fix: str


class ConnectionReport(ResponseModel):
    """Report what the credentials can do in Schoology and in the SIS, checked just now and read-only."""

    ok: bool
    findings: list[Finding]


class AuditEntry(ResponseModel):
    """Record one action of a person or a client."""

    id: str
    at: datetime
    actor: Annotated[str, Field(examples=["teacher:5790000", "client:gs_0a1b2c3d4e5f6071"])]
    action: Annotated[str, Field(examples=["sync.requested"])]
    objects: Mapping[str, Any]
    source_ip: str | None


class ProblemType(ResponseModel):
    """Explain a problem of a request, the reason of a sync or an outcome, or what is both."""

    code: str
    status: Annotated[int | None, Field(description="null where only syncs and outcomes have this reason")]
    title: str
    fix: str
    reason: Annotated[ReasonText | None, Field(description="null where only requests have this problem")]


class AccessToken(ResponseModel):
    """Hold a token (RFC 6749 section 5.1); `issued_token_type` is for token exchange (RFC 8693)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the type's name
    expires_in: Annotated[int, Field(description="Seconds")]
    scope: str
    issued_token_type: str | None = None


class Health(ResponseModel):
    """Report that the process is alive."""

    status: Literal["ok"] = "ok"


class Readiness(ResponseModel):
    """Report whether the process can accept requests.

    `degraded`: the queue cannot be used. Requests are stored all the same, and workers find them.
    """

    status: Literal["ready", "degraded", "unavailable"]
    checks: Mapping[str, Literal["ok", "failed"]]
    maintenance: Annotated[
        Literal["done", "due"],
        Field(
            description="`due`: run `gradesync maintain`, which makes partitions for coming months. Nothing "
            "fails meanwhile."
        ),
    ]
    queue_problem: Annotated[
        str | None,
        Field(
            description="Why the queue cannot be used: `no-answer`, `slow`, `unreachable`, `read-only`, "
            "`full`, `loading`, `not-saving`, `password-refused`, `failing`. `null` while it can.",
            examples=["no-answer"],
        ),
    ]
    circuits_open: Annotated[
        Mapping[str, int] | None,
        Field(
            description="How many accounts of each upstream system have an open circuit breaker: they failed "
            "so often that no new sync calls them now. `null` while the queue cannot be used.",
            examples=[{"schoology": 0, "powerschool": 1}],
        ),
    ]
