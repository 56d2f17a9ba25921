"""The API's description (OpenAPI 3.1)."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gradesync.api.problems import PROBLEM_JSON, answers

TITLE = "gradesync"
DESCRIPTION = """\
Carries assignments and scores from the Schoology gradebook to the district's SIS.

A teacher's front-end, or a client of the district, gets a token at `/oauth/token`, starts a sync with
`POST /sections/{id}/syncs`, and follows it until it is settled. Every error is a problem (RFC 9457) whose
`type` leads to what it means and how to mend it. Points are decimal strings, times are RFC 3339 in UTC, ids
are strings. Lists come in pages: follow `Link: rel="next"`. Every answer has an `X-Request-Id`, yours where
you sent one; name it when you ask the operator about a request.

A client's token covers its district, a teacher's one section. What a token does not cover answers 404, as if
it did not exist; what needs another scope answers 403 and names it.
"""
TAGS = [
    {"name": "Syncs", "description": "Start a sync, follow it, and see what became of everything."},
    {"name": "Assignments", "description": "Where each assignment stands, and its switch *Sync to SIS*."},
    {"name": "Categories", "description": "Which SIS category a grading category goes to."},
    {"name": "Sections", "description": "Which SIS section a Schoology section goes to."},
    {
        "name": "Pre-flight",
        "description": "What would not sync, told for a whole district before it matters.",
    },
    {"name": "District", "description": "The whole district's log, connections, policy and audit."},
    {"name": "Webhooks", "description": "Hear of settled syncs: ids and counts, signed, tried again."},
    {"name": "Tokens", "description": "How clients and teachers' front-ends get tokens."},
    {"name": "Operations", "description": "For operators and orchestrators."},
]
ANYWHERE = ("request-not-valid", "internal-error", "service-unavailable")
OPEN = ("/oauth/", "/healthz", "/readyz", "/metrics", "/problems/")
GUARDED = ("token-missing", "token-not-accepted", "scope-missing", *ANYWHERE)
COUNTED = ("too-many-requests",)
WITH_BODY = ("request-not-readable", "body-too-large")
BASIC = {"type": "http", "scheme": "basic", "description": "A client's id and secret, for /oauth/token."}

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. Some types have members of their own beside these.",
    "required": ["type", "title", "status", "code", "fix"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Leads to what it means"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The last part of `type`"},
        "fix": {"type": "string", "description": "How to mend it"},
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
        "reason": {"type": "string", "description": "A code of the reason catalogue, where a system refuses"},
    },
    "additionalProperties": True,
}
TOKEN_ERROR = {
    "title": "TokenError",
    "type": "object",
    "description": "RFC 6749 section 5.2, with the members of a problem beside.",
    "required": ["error", "error_description", "type", "title", "status", "code", "fix"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        **{
            name: PROBLEM["properties"][name] for name in ("type", "title", "status", "detail", "code", "fix")
        },
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application's routes."""
    document = get_openapi(
        title=TITLE,
        version=version("gradesync"),
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        servers=[{"url": "/"}],
    )
    components = document["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] |= {"Problem": PROBLEM, "TokenError": TOKEN_ERROR}
    components["securitySchemes"]["basic"] = BASIC
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation.setdefault("security", [])
            _declare(operation, _anywhere(method, operation, guarded=not path.startswith(OPEN)))
    return document


def _anywhere(method: str, operation: dict[str, Any], *, guarded: bool) -> tuple[str, ...]:
    """The problems that come with being such an operation."""
    codes: tuple[str, ...] = GUARDED if guarded else ANYWHERE
    if guarded and method != "get":
        codes += COUNTED
    return codes + WITH_BODY if "requestBody" in operation else codes


def _declare(operation: dict[str, Any], codes: tuple[str, ...]) -> None:
    """Add what such operations may answer to what this one says of itself."""
    responses = operation["responses"]
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]  # the framework's own words, which no answer of ours uses
    for status, told in answers(*codes).items():
        own, more = responses.setdefault(str(status), told)["content"], told["content"][PROBLEM_JSON]
        own.setdefault(PROBLEM_JSON, more)["examples"] |= more["examples"]
    operation["responses"] = dict(sorted(responses.items()))
