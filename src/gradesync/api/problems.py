"""Problem responses (RFC 9457), every one from this catalogue, and the handlers that make them."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_problem.error import Problem, StatusProblem
from fastapi_problem.handler import ExceptionHandler, add_exception_handler, new_exception_handler
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from gradesync.api.paths import sync_path
from gradesync.core.catalogue import CATALOGUE as REASONS
from gradesync.core.reasons import Reason
from gradesync.errors import RequestRefused, Retriable, SyncStopped

log = structlog.get_logger()

PROBLEM_JSON = "application/problem+json"
SECONDS_TO_RETRY = {"retry-after": "5"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of problem: its status, what happened, and how to mend it."""

    status: int
    title: str
    fix: str


CATALOGUE: Mapping[str, Kind] = {
    # requests
    "request-not-valid": Kind(422, "The request is not valid.", "Correct the members that `errors` names."),
    "request-not-readable": Kind(400, "The request cannot be read.", "Send what the API document says."),
    "body-too-large": Kind(413, "The body is too large.", "Send at most 1 MiB."),
    "too-many-requests": Kind(
        429, "Too many requests came in a minute.", "Wait as long as `Retry-After` says."
    ),
    "not-found": Kind(404, "There is nothing here.", "Look at the API document for the addresses."),
    "method-not-allowed": Kind(405, "This address does not take that method.", "Use a method of `Allow`."),
    "cursor-not-valid": Kind(
        422, "The cursor does not belong to this list.", "Start again without a cursor, same filters or not."
    ),
    "idempotency-key-reused": Kind(
        422, "This Idempotency-Key came with another body.", "Use a new key for a new request."
    ),
    # who asks
    "token-missing": Kind(401, "A bearer token is needed.", "Get a token at /oauth/token."),
    "token-not-accepted": Kind(
        401, "The bearer token is not accepted.", "It has ended or was never ours: get a new one."
    ),
    "scope-missing": Kind(403, "The token may not do this.", "Get a token with the scope that is named."),
    "district-only": Kind(
        403, "This is for the district's clients.", "Use a client of the district, not a teacher's token."
    ),
    "service-sync-off": Kind(
        403,
        "This district's clients may not start syncs.",
        "A teacher starts syncs; a district can allow its clients with policy.service_sync.",
    ),
    # what is asked for
    "section-not-found": Kind(
        404, "The section is not known.", "Check the Schoology section id, and that the token covers it."
    ),
    "sync-not-found": Kind(
        404, "The sync is not known.", "Syncs are kept for 30 days; check id and section."
    ),
    "assignment-not-found": Kind(
        404, "The assignment is not in this section.", "Check the id against the section's assignments."
    ),
    "sync-in-progress": Kind(
        409, "A sync of this section is in progress.", "Follow the one at `Location`, then start another."
    ),
    "retry-not-possible": Kind(
        422, "There is nothing to retry.", "Name a settled sync of this section that has failed outcomes."
    ),
    "approval-not-possible": Kind(
        422,
        "This plan cannot be approved.",
        "Approve the fingerprint of a sync of this section of the last 24 hours.",
    ),
    "sis-section-taken": Kind(
        409,
        "Another Schoology section has this SIS section.",
        "Unlink the other section first, or choose another SIS section.",
    ),
    "link-not-possible": Kind(
        422, "The section cannot be linked like this.", "Check the SIS section and its teacher."
    ),
    "pair-not-possible": Kind(
        422,
        "These categories cannot be paired.",
        "Pair active categories, each once; policy.category_mapping can allow many to one.",
    ),
    # the district's own
    "rows-not-readable": Kind(
        422,
        "The rows cannot be read.",
        "Send a JSON object with `rows`, or CSV with a heading; 2,000 at most.",
    ),
    "preflight-in-progress": Kind(
        409, "A pre-flight report is being made.", "Follow the one at `Location`, then ask for another."
    ),
    "preflight-not-found": Kind(
        404, "The report is not known.", "Reports are kept for 30 days; check the id."
    ),
    "webhook-not-found": Kind(404, "The webhook is not known.", "Check the id against /webhooks."),
    "webhook-not-allowed": Kind(
        422,
        "Nothing can be delivered to this address.",
        "Give an https address without user name or fragment.",
    ),
    "too-many-webhooks": Kind(409, "The district has enough webhooks.", "Remove one that is not needed."),
    "delivery-not-found": Kind(
        404, "The delivery is not known.", "Deliveries are kept for 30 days; check the id."
    ),
    # the systems behind
    "upstream-unavailable": Kind(503, "Schoology or the SIS does not answer.", "Try again in a few minutes."),
    "upstream-refused": Kind(
        502, "Schoology or the SIS refuses.", "Run the connection check; it names what is missing."
    ),
    "service-unavailable": Kind(503, "The service cannot reach its database.", "Try again in a few seconds."),
    "internal-error": Kind(500, "Something went wrong here.", "Try again; tell the operator if it stays."),
    # tokens
    "client-not-accepted": Kind(
        401, "The client is not accepted.", "Check client id and secret; a revoked client needs a new one."
    ),
    "token-request-not-valid": Kind(
        400, "The token request is not valid.", "Send the form parameters that the API document says, once."
    ),
    "too-many-token-requests": Kind(
        429, "Too many tokens were asked for in a minute.", "Keep tokens for as long as `expires_in` says."
    ),
    "grant-not-supported": Kind(
        400, "This grant type is not supported.", "Use client_credentials or token exchange."
    ),
    "scope-not-allowed": Kind(400, "The scope is not allowed.", "Ask for scopes that the client has."),
    "exchange-not-allowed": Kind(
        400, "The client may not exchange tokens.", "Use a client with the scope token:exchange."
    ),
    "lti-not-configured": Kind(
        400, "The district has no LTI registration.", "Fill in [lti] in the district's file and apply it."
    ),
    "id-token-refused": Kind(
        400, "The id_token is not accepted.", "Launch again; if it stays, compare [lti] with Schoology's app."
    ),
    "id-token-used": Kind(400, "The id_token was used before.", "Launch again: each id_token works once."),
    "lti-not-instructor": Kind(
        400, "Only instructors of the section may use this.", "Launch as a course admin of the section."
    ),
    "lti-user-unknown": Kind(
        400,
        "The launch does not say who the person is.",
        "Set the custom parameter user_id=$User.id in the Schoology app.",
    ),
    "lti-section-unknown": Kind(
        400,
        "The launch does not say which section it is.",
        "Launch inside a course; set section_id=$com.schoology.CourseSection.id in the Schoology app.",
    ),
    "lti-keys-unavailable": Kind(
        503, "The LTI platform's keys cannot be read.", "Try again in a minute; check lti.jwks_url."
    ),
}

HTTP_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


def problem(
    code: str,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Problem:
    """A problem of the catalogue, to be raised or returned by a handler."""
    kind = CATALOGUE[code]
    members = {"code": code, "fix": kind.fix, **(extensions or {})}
    return Problem(kind.title, code, detail, kind.status, dict(headers or {}), **members)


def response(code: str, public_url: str) -> JSONResponse:
    """A problem as an answer, for what answers before any route is found."""
    told = problem(code)
    return JSONResponse(told.marshal(uri=_types(public_url)), told.status, media_type=PROBLEM_JSON)


def _types(public_url: str) -> str:
    return f"{public_url}/problems/{{type}}"


def install(app: FastAPI, public_url: str) -> None:
    """Answer every error of `app` with a problem of the catalogue, and nothing of its insides."""
    handler = new_exception_handler(
        handlers={
            RequestRefused: _refused,
            SyncStopped: _stopped,
            Retriable: _unavailable,
            InterfaceError: _no_database,
            OperationalError: _no_database,
            OSError: _no_database,
        },
        unhandled_wrappers={"default": _Unexpected},
        http_exception_handler=_http,
        request_validation_handler=_invalid,
        documentation_uri_template=_types(public_url),
    )
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    for kind in (RequestRefused, SyncStopped, Retriable, InterfaceError, OperationalError, OSError):
        app.add_exception_handler(kind, handler)


def _refused(_: ExceptionHandler, __: Request, error: RequestRefused) -> Problem:
    headers = dict(error.headers)
    if error.code == "sync-in-progress":
        named = error.extensions
        headers["location"] = sync_path(str(named["section_id"]), str(named["sync_id"]))
    return problem(error.code, error.detail, headers=headers, extensions=error.extensions)


def _stopped(_: ExceptionHandler, __: Request, error: SyncStopped) -> Problem:
    """What a live read ran into, in the words of the reason catalogue."""
    if error.reason == Reason.SECTION_NOT_FOUND:
        return problem("section-not-found")
    reason = REASONS[Reason(error.reason)]
    return problem("upstream-refused", reason.title, extensions={"reason": error.reason, "fix": reason.fix})


def _unavailable(_: ExceptionHandler, __: Request, ___: Exception) -> Problem:
    return problem("upstream-unavailable", headers=SECONDS_TO_RETRY)


def _no_database(_: ExceptionHandler, __: Request, error: Exception) -> Problem:
    log.warning("database.unreachable", error=type(error).__name__)
    return problem("service-unavailable", headers=SECONDS_TO_RETRY)


class _Unexpected(StatusProblem):
    """What nobody foresaw: its text may hold anything, so none of it goes out.

    The server ends the connection after it; a client that is not told may send its next request into that.
    """

    title = CATALOGUE["internal-error"].title
    type_ = "internal-error"

    def __init__(self, _: str) -> None:
        headers = {"connection": "close"}
        super().__init__(headers=headers, code=self.type_, fix=CATALOGUE["internal-error"].fix)


def _http(_: ExceptionHandler, __: Request, error: HTTPException) -> Problem:
    return problem(HTTP_STATUS.get(error.status_code, "request-not-readable"), headers=error.headers)


def _invalid(_: ExceptionHandler, __: Request, error: RequestValidationError) -> Problem:
    """Where and what, never the input itself: it may hold what must not be repeated."""
    errors = [
        {"at": [_short(part) for part in entry["loc"]], "type": entry["type"], "message": entry["msg"]}
        for entry in error.errors()
    ]
    return problem("request-not-valid", extensions={"errors": errors})


def _short(part: str | int) -> str | int:
    return part if isinstance(part, int) else part[:64]


def answers(*codes: str) -> dict[int | str, dict[str, Any]]:
    """What an operation declares in the API document: its problems by status, each with an example."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = CATALOGUE[code]
        told = by_status.setdefault(kind.status, _answer(HTTPStatus(kind.status).phrase))
        example = problem(code).marshal(uri="/problems/{type}")
        told["content"][PROBLEM_JSON]["examples"][code] = {"summary": kind.title, "value": example}
    return by_status


def _answer(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema, "examples": {}}}}
