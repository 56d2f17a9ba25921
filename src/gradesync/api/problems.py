"""Define every problem response (RFC 9457) in one catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi_problem.error import Problem
from starlette.responses import JSONResponse

PROBLEM_JSON = "application/problem+json"
CHALLENGE = "www-authenticate"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """Define one type of problem: its status, what happened, and how to fix it."""

    status: int
    title: str
    fix: str


CATALOG: Mapping[str, ProblemType] = {
    # requests
    "request-not-valid": ProblemType(
        422, "The request is not valid.", "Correct the members that `errors` names."
    ),
    "request-not-readable": ProblemType(
        400, "The request cannot be read.", "Send what the API document describes."
    ),
    "body-too-large": ProblemType(413, "The body is too large.", "Send at most 1 MiB."),
    "too-many-requests": ProblemType(
        429, "Too many requests came in one minute.", "Wait for the seconds in `Retry-After`."
    ),
    "not-found": ProblemType(
        404, "There is nothing at this address.", "Look up the addresses in the API document."
    ),
    "method-not-allowed": ProblemType(
        405, "This address does not accept that method.", "Use a method that `Allow` lists."
    ),
    "cursor-not-valid": ProblemType(
        422, "The cursor does not belong to this list.", "Start again without a cursor."
    ),
    "idempotency-key-reused": ProblemType(
        422, "This Idempotency-Key was used with another body.", "Use a new key for a new request."
    ),
    # the caller
    "token-missing": ProblemType(401, "A bearer token is needed.", "Get a token from /oauth/token."),
    "token-not-accepted": ProblemType(
        401,
        "The bearer token is not accepted.",
        "It has expired, or is not from this service: get a new one.",
    ),
    "scope-missing": ProblemType(
        403, "The token may not do this.", "Get a token with the scope that `scope` names."
    ),
    "district-only": ProblemType(
        403,
        "Only the district's clients may do this.",
        "Use a client of the district, not a teacher's token.",
    ),
    "viewer-only": ProblemType(
        403,
        "Your role in the console may look, and change nothing.",
        "Ask the person who manages gradesync in your district for the role operator.",
    ),
    "service-sync-off": ProblemType(
        403,
        "This district's clients may not start syncs.",
        "A teacher starts syncs; a district can allow its clients with policy.service_sync.",
    ),
    "not-course-admin": ProblemType(
        403,
        "Only a course admin of this section may do this.",
        "Launch as a course admin of the section, or let the district allow it with policy.admin_sync.",
    ),
    # the resource
    "section-not-found": ProblemType(
        404, "The section is unknown.", "Check the Schoology section id, and that the token covers it."
    ),
    "sync-not-found": ProblemType(
        404, "The sync is unknown.", "Syncs are kept for 30 days; check the id and the section."
    ),
    "comparison-not-found": ProblemType(
        404, "The comparison is unknown.", "Comparisons are kept for 30 days; check the id and the section."
    ),
    "undo-not-possible": ProblemType(
        422, "There is nothing to put back.", "Choose a sync that wrote something, or a moment that is kept."
    ),
    "student-not-found": ProblemType(
        404,
        "The student is unknown.",
        "Check the id, and which system gave it. A score of the student must have synced.",
    ),
    "drift-not-found": ProblemType(
        422, "This score isn't known to be changed in the SIS.", "Decide about scores of the list alone."
    ),
    "assignment-not-found": ProblemType(
        404, "The assignment is not in this section.", "Check the id against the section's assignments."
    ),
    "period-not-found": ProblemType(
        404, "The grading period is not in this section.", "Check the id in the section's assignments."
    ),
    "sync-in-progress": ProblemType(
        409, "A sync of this section is in progress.", "Follow the sync at `Location`, then start another."
    ),
    "syncs-paused": ProblemType(
        423,
        "Your district has paused syncs of this section.",
        "Wait until they are resumed; what was started before goes on by itself then.",
    ),
    "pause-not-found": ProblemType(404, "The pause is unknown.", "Check the id against /pause."),
    "runs-off": ProblemType(
        403,
        "This district has no runs.",
        "A teacher starts syncs; a district can allow runs of many with policy.runs.",
    ),
    "run-in-progress": ProblemType(
        409, "A run of this district is in progress.", "Follow the run at `Location`, or stop it."
    ),
    "run-empty": ProblemType(
        422, "The run would have no section.", "Choose sections that gradesync knows: see GET /sections."
    ),
    "schedules-off": ProblemType(
        403,
        "This district has no schedules.",
        "A teacher starts syncs; a district can allow schedules with policy.schedules.",
    ),
    "too-many-schedules": ProblemType(
        409, "The district has too many schedules.", "Remove one that is not needed."
    ),
    "schedule-not-found": ProblemType(404, "The schedule is unknown.", "Check the id against /schedules."),
    "run-not-found": ProblemType(404, "The run is unknown.", "Runs are kept for 30 days; check the id."),
    "retry-not-possible": ProblemType(
        422, "There is nothing to retry.", "Name a finished sync of this section that has failed outcomes."
    ),
    "approval-not-possible": ProblemType(
        422,
        "This plan cannot be approved.",
        "Use the fingerprint of a sync of this section from the last 24 hours.",
    ),
    "second-person-needed": ProblemType(
        403,
        "Another person must approve these changes.",
        "Ask another teacher of the section, or an administrator, to review and approve them.",
    ),
    "reason-needed": ProblemType(
        422, "These changes need a reason.", "Send `reason` with the approval: the history keeps it."
    ),
    "sis-section-taken": ProblemType(
        409,
        "Another Schoology section is linked to this SIS section.",
        "Unlink the other section first, or choose another SIS section.",
    ),
    "link-not-possible": ProblemType(
        422, "The section cannot be linked this way.", "Check the SIS section and its teacher."
    ),
    "pair-not-possible": ProblemType(
        422,
        "These categories cannot be paired.",
        "Pair active categories, each once; policy.category_mapping can allow many to one.",
    ),
    # bulk imports, reports and webhooks
    "rows-not-readable": ProblemType(
        422,
        "The rows cannot be read.",
        "Send a JSON object with `rows`, or CSV with a heading; at most 2,000 rows.",
    ),
    "preflight-in-progress": ProblemType(
        409, "A pre-flight report is in progress.", "Follow the report at `Location`, then start another."
    ),
    "preflight-not-found": ProblemType(
        404, "The report is unknown.", "Reports are kept for 30 days; check the id."
    ),
    "webhook-not-found": ProblemType(404, "The webhook is unknown.", "Check the id against /webhooks."),
    "webhook-not-allowed": ProblemType(
        422,
        "This address cannot be a webhook.",
        "Use an https address without a user name or a fragment.",
    ),
    "client-not-found": ProblemType(404, "The client is unknown.", "Check the id against /clients."),
    "client-beyond-caller": ProblemType(
        403,
        "A client may not get more than its maker has.",
        "Leave out what `detail` names, or ask the operator of gradesync for the client.",
    ),
    "too-many-clients": ProblemType(
        409, "The district has too many clients.", "Revoke clients that are no longer used."
    ),
    "too-many-webhooks": ProblemType(
        409, "The district has too many webhooks.", "Remove one that is not needed."
    ),
    "delivery-not-found": ProblemType(
        404, "The delivery is unknown.", "Deliveries are kept for 30 days; check the id."
    ),
    # upstream systems and this service
    "upstream-unavailable": ProblemType(
        503, "Schoology or the SIS doesn't respond.", "Try again in a few minutes."
    ),
    "upstream-refused": ProblemType(
        502,
        "Schoology or the SIS refuses the request.",
        "Run the connection check; it names what is missing.",
    ),
    "service-unavailable": ProblemType(
        503, "The service cannot reach its database.", "Try again in a few seconds."
    ),
    "internal-error": ProblemType(
        500, "Something went wrong in this service.", "Try again; contact the operator if it persists."
    ),
    # tokens
    "client-not-accepted": ProblemType(
        401, "The client is not accepted.", "Check client id and secret; a revoked client needs a new one."
    ),
    "token-request-not-valid": ProblemType(
        400, "The token request is not valid.", "Send the form parameters of the API document, each once."
    ),
    "too-many-token-requests": ProblemType(
        429, "Too many tokens were requested in one minute.", "Reuse a token for the seconds in `expires_in`."
    ),
    "grant-not-supported": ProblemType(
        400, "This grant type is not supported.", "Use client_credentials or token exchange."
    ),
    "scope-not-allowed": ProblemType(400, "The scope is not allowed.", "Request scopes that the client has."),
    "exchange-not-allowed": ProblemType(
        400, "The client may not exchange tokens.", "Use a client with the scope token:exchange."
    ),
    "lti-not-configured": ProblemType(
        400, "The district has no LTI registration.", "Fill in [lti] in the district's file and apply it."
    ),
    "id-token-refused": ProblemType(
        400,
        "The id_token is not accepted.",
        "Launch again; if it persists, compare [lti] with Schoology's app.",
    ),
    "id-token-used": ProblemType(
        400, "The id_token was used before.", "Launch again: each id_token works once."
    ),
    "lti-not-instructor": ProblemType(
        400, "Only instructors of the section may use the tool.", "Launch as a course admin of the section."
    ),
    "lti-user-unknown": ProblemType(
        400,
        "The launch does not identify the person.",
        "Set the custom parameter user_id=$User.id in the Schoology app.",
    ),
    "lti-section-unknown": ProblemType(
        400,
        "The launch does not identify the section.",
        "Launch inside a course; set section_id=$com.schoology.CourseSection.id in the Schoology app.",
    ),
    "lti-keys-unavailable": ProblemType(
        503, "The LTI platform's keys cannot be read.", "Try again in a minute; check lti.jwks_url."
    ),
}


def problem(
    code: str,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Problem:
    """Return a problem of the catalog, to be raised or returned by a handler."""
    kind = CATALOG[code]
    members = {"code": code, "fix": kind.fix, **(extensions or {})}
    return Problem(kind.title, code, detail, kind.status, dict(headers or {}), **members)


def problem_response(code: str, public_url: str) -> JSONResponse:
    """Return a problem as a response, for middleware that refuses before a route is matched."""
    refused = problem(code)
    body = refused.marshal(uri=type_template(public_url))
    return JSONResponse(body, refused.status, media_type=PROBLEM_JSON)


def type_template(public_url: str) -> str:
    """Return the template of the address that explains a problem."""
    return f"{public_url}/problems/{{type}}"


def problem_responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the problems of an operation for the API document: by status, each with an example."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = CATALOG[code]
        response = by_status.setdefault(kind.status, _describe_response(HTTPStatus(kind.status).phrase))
        example = problem(code).marshal(uri="/problems/{type}")
        response["content"][PROBLEM_JSON]["examples"][code] = {"summary": kind.title, "value": example}
    return by_status


def _describe_response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema, "examples": {}}}}
