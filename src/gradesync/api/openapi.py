"""Describe the API as an OpenAPI 3.1 document."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from gradesync.api.messages import describe_messages
from gradesync.api.problems import PROBLEM_JSON, problem_responses

TITLE = "gradesync"
DESCRIPTION = """\
Sync assignments and scores from the Schoology gradebook to the district's SIS.

A teacher's front-end, or a client of the district, gets a token from `/oauth/token`. It starts a sync with
`POST /sections/{id}/syncs` and follows it until it is settled. Every error is a problem (RFC 9457): its
`type` links to what it means and how to fix it. Points are decimal strings, times are RFC 3339 in UTC, ids
are strings. Lists come in pages: follow `Link: rel="next"`. Unknown members and query parameters are
refused. Every response has an `X-Request-Id`, which is yours if you sent one. Give it to the operator when
you report a problem.

A client's token covers its district; a teacher's token covers one section. A resource that the token does not
cover returns 404, as if it did not exist. A request that needs another scope returns 403 and names the scope.
The console's token covers its district, with the scopes of a person's role; a viewer's changes nothing.
"""
TAGS = [
    {
        "name": "Syncs",
        "description": "Start a sync, follow it, and see the result for every assignment and score.",
    },
    {
        "name": "Comparisons",
        "description": "Compare what Schoology has with what the SIS holds, find edits made in the SIS, "
        "and explain why totals differ.",
    },
    {
        "name": "History",
        "description": "What was sent for a score, when, by whom, and what stood in the SIS at a moment.",
    },
    {
        "name": "Assignments",
        "description": "The sync state of each assignment, and its switch *Sync to SIS*.",
    },
    {"name": "Categories", "description": "Which SIS category a grading category goes to."},
    {"name": "Sections", "description": "Which SIS section a Schoology section goes to."},
    {
        "name": "Pauses",
        "description": "Pause the syncs of a district, a school or a section.",
    },
    {"name": "Runs", "description": "Sync many sections at once, where the district's policy allows it."},
    {
        "name": "Pre-flight",
        "description": "Find out ahead of time what would not sync in a whole district.",
    },
    {"name": "District", "description": "The district's sync log, connections, policy and audit log."},
    {"name": "Clients", "description": "Who may call the API for the district, and with which scopes."},
    {"name": "Webhooks", "description": "Get a signed message for every settled sync, with ids and counts."},
    {"name": "Tokens", "description": "How clients and teachers' front-ends get tokens."},
    {"name": "Operations", "description": "For operators and orchestrators."},
]
EVERYWHERE = ("request-not-valid", "internal-error", "service-unavailable")
OPEN = ("/oauth/", "/healthz", "/readyz", "/metrics", "/problems/")
GUARDED = ("token-missing", "token-not-accepted", "scope-missing", *EVERYWHERE)
CHANGING = ("too-many-requests", "viewer-only")
WITH_BODY = ("request-not-readable", "body-too-large")
BASIC = {"type": "http", "scheme": "basic", "description": "A client's id and secret, for /oauth/token."}

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. Some types have further members.",
    "required": ["type", "title", "status", "code", "fix"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Links to what it means"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The last part of `type`"},
        "fix": {"type": "string", "description": "How to fix it"},
        "errors": {
            "type": "array",
            "description": "With `request-not-valid`: where the request is wrong",
            "items": {
                "type": "object",
                "required": ["at", "type", "message"],
                "properties": {
                    "at": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "type": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "scope": {"type": "string", "description": "With `scope-missing`"},
        "sync_id": {"type": "string", "description": "With `sync-in-progress`"},
        "paused_since": {
            "type": "string",
            "format": "date-time",
            "description": "With `syncs-paused`, whose `detail` is the district's reason",
        },
        "reason": {"type": "string", "description": "A code of the reason catalog, where a system refuses"},
    },
    "additionalProperties": True,
}
TOKEN_ERROR = {
    "title": "TokenError",
    "type": "object",
    "description": "RFC 6749 section 5.2, with the members of a problem.",
    "required": ["error", "error_description", "type", "title", "status", "code", "fix"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        **{
            name: PROBLEM["properties"][name] for name in ("type", "title", "status", "detail", "code", "fix")
        },
    },
}


def describe(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the document of these routes."""
    document = get_openapi(
        title=TITLE,
        version=version("gradesync"),
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=routes,
        tags=TAGS,
        servers=[{"url": "/"}],
    )
    components = document["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] |= {"Problem": PROBLEM, "TokenError": TOKEN_ERROR}
    document["webhooks"], messages = describe_messages()
    components["schemas"] |= messages | components["schemas"]
    components["securitySchemes"]["basic"] = BASIC
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation.setdefault("security", [])
            _name_optional_body(operation.get("requestBody", {}))
            _declare(operation, _common_problems(method, operation, guarded=not path.startswith(OPEN)))
    return document


def _name_optional_body(body: dict[str, Any]) -> None:
    """Describe an optional body as left out, not as null: generated clients send what the schema allows."""
    for content in body.get("content", {}).values():
        schema = content["schema"]
        if not body.get("required"):
            (content["schema"],) = [
                each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}
            ]


def _common_problems(method: str, operation: dict[str, Any], *, guarded: bool) -> tuple[str, ...]:
    """Return the problems that every operation of this kind can have."""
    codes: tuple[str, ...] = GUARDED if guarded else EVERYWHERE
    if guarded and method != "get":
        codes += CHANGING
    return codes + WITH_BODY if "requestBody" in operation else codes


def _declare(operation: dict[str, Any], codes: tuple[str, ...]) -> None:
    """Add the common problems to those that the operation declares itself."""
    responses = operation["responses"]
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]  # FastAPI's own shape, which our responses never have
    for status, response in problem_responses(*codes).items():
        own, more = responses.setdefault(str(status), response)["content"], response["content"][PROBLEM_JSON]
        own.setdefault(PROBLEM_JSON, more)["examples"] |= more["examples"]
    operation["responses"] = dict(sorted(responses.items()))
