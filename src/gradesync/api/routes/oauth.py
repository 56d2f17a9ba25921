"""The token endpoint (RFC 6749): client credentials, and the exchange of LTI id_tokens (RFC 8693)."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from structlog.contextvars import bind_contextvars

from gradesync.access.tokens import CLIENT_LIFE, TEACHER_LIFE, Caller, Scope
from gradesync.api import schemas
from gradesync.api.allowance import count_token_request
from gradesync.api.exchange import exchange
from gradesync.api.problems import CATALOGUE, problem
from gradesync.api.service import Service, TheService
from gradesync.db import clients
from gradesync.db.clients import Client
from gradesync.errors import RequestRefused

router = APIRouter(tags=["Tokens"])

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a type
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - likewise
MOST_FIELDS = 20
TOKEN_ERROR = {"$ref": "#/components/schemas/TokenError"}

ERRORS: Mapping[str, str] = {
    "client-not-accepted": "invalid_client",
    "token-request-not-valid": "invalid_request",
    "grant-not-supported": "unsupported_grant_type",
    "scope-not-allowed": "invalid_scope",
    "exchange-not-allowed": "unauthorized_client",
    "lti-not-configured": "unauthorized_client",
    "id-token-refused": "invalid_grant",
    "id-token-used": "invalid_grant",
    "lti-not-instructor": "invalid_grant",
    "lti-user-unknown": "invalid_grant",
    "lti-section-unknown": "invalid_grant",
    "lti-keys-unavailable": "temporarily_unavailable",
    "too-many-token-requests": "temporarily_unavailable",
}
"""The error codes of RFC 6749 section 5.2 for our problems."""


class Granted(NamedTuple):
    caller: Caller
    life: timedelta
    issued_type: str | None = None


def _error_body(refused: RequestRefused, public_url: str) -> dict[str, Any]:
    """RFC 6749 section 5.2, with the members of a problem beside."""
    told = problem(refused.code, refused.detail).marshal(uri=f"{public_url}/problems/{{type}}")
    description = f"{told['title']} {refused.detail}".strip()
    return {"error": ERRORS[refused.code], "error_description": description, **told}


def _errors() -> dict[int | str, dict[str, Any]]:
    """What the API document says of the endpoint's errors."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for code in ERRORS:
        status = CATALOGUE[code].status
        told = by_status.setdefault(status, {"schema": TOKEN_ERROR, "examples": {}})
        told["examples"][code] = {"value": _error_body(RequestRefused(code, ""), "")}
    return {
        status: {"description": HTTPStatus(int(status)).phrase, "content": {"application/json": told}}
        for status, told in by_status.items()
    }


def _field(description: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **more}


FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": _field("What is asked for", enum=["client_credentials", EXCHANGE]),
        "scope": _field("Scopes, separated by spaces; all that the client may have, where none are named"),
        "client_id": _field("Where the client does not use HTTP Basic"),
        "client_secret": _field("Where the client does not use HTTP Basic", format="password"),
        "subject_token": _field("For token exchange: the id_token of the launch"),
        "subject_token_type": _field("For token exchange", enum=[ID_TOKEN]),
        "requested_token_type": _field("For token exchange", enum=[ACCESS_TOKEN]),
    },
}


@router.post(
    "/oauth/token",
    summary="Get a token",
    response_model=schemas.AccessToken,
    response_model_exclude_none=True,
    responses=_errors(),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": FORM,
                    "example": {"grant_type": "client_credentials", "scope": "syncs:read"},
                }
            },
        },
        "security": [{"basic": []}, {}],
    },
)
async def issue_token(service: TheService, request: Request) -> Response:
    """A client gets a token for its district; a teacher's front-end gets one for the teacher who launched.

    The client shows its id and secret by HTTP Basic, or in the form. A client's token lives an hour. Token
    exchange takes each id_token once; a teacher's token lives 15 minutes and covers one section:
    `syncs:write` where the person runs the section, `syncs:read` alone for a system admin who does not.
    """
    try:
        granted = await _grant(service, request)
    except RequestRefused as refused:
        return _refusal(refused, service.settings.public_url)
    told = schemas.AccessToken(
        access_token=service.tokens.issue(granted.caller, granted.life),
        expires_in=int(granted.life.total_seconds()),
        scope=" ".join(sorted(granted.caller.scopes)),
        issued_token_type=granted.issued_type,
    )
    return JSONResponse(told.model_dump(exclude_none=True), headers={"pragma": "no-cache"})


async def _grant(service: Service, request: Request) -> Granted:
    await count_token_request(service, request)
    form = await _form(request)
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise _invalid("grant_type is missing.")
    client = await _client(service, request, form)
    await count_token_request(service, request, client.id)
    if grant_type == "client_credentials":
        scopes = _wanted_scopes(form, client.scopes)
        return Granted(Caller(client.district_id, client.id, client.id, scopes), CLIENT_LIFE)
    if grant_type == EXCHANGE:
        return await _exchanged(service, request, form, client)
    raise RequestRefused("grant-not-supported", "")


async def _exchanged(service: Service, request: Request, form: Mapping[str, str], client: Client) -> Granted:
    if Scope.TOKEN_EXCHANGE not in client.scopes:
        raise RequestRefused("exchange-not-allowed", "The client lacks the scope token:exchange.")
    if form.get("subject_token_type") != ID_TOKEN:
        raise _invalid(f"subject_token_type must be {ID_TOKEN}.")
    if "subject_token" not in form or "actor_token" in form:
        raise _invalid("It takes a subject_token and no actor_token.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise _invalid(f"requested_token_type must be {ACCESS_TOKEN}.")
    known = _known_scopes(form)
    source_ip = request.client.host if request.client else None
    teacher = await exchange(service, client, form["subject_token"], known, source_ip)
    return Granted(teacher, TEACHER_LIFE, ACCESS_TOKEN)


def _wanted_scopes(form: Mapping[str, str], allowed: frozenset[str]) -> frozenset[str]:
    """What is named, or everything that is allowed."""
    wanted = _known_scopes(form) or allowed
    if not wanted <= allowed:
        raise RequestRefused("scope-not-allowed", f"The client lacks {' '.join(sorted(wanted - allowed))}.")
    return wanted


def _known_scopes(form: Mapping[str, str]) -> frozenset[str] | None:
    named = frozenset(form.get("scope", "").split())
    if not named <= set(Scope):
        raise RequestRefused("scope-not-allowed", "There is no such scope.")
    return named or None


async def _form(request: Request) -> dict[str, str]:
    """The parameters, each at most once (RFC 6749 section 3.2); an empty one counts as left out."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise _invalid("The body must be application/x-www-form-urlencoded.")
    async with request.form(max_fields=MOST_FIELDS) as form:
        items = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and value]
    if len(dict(items)) < len(items):
        raise _invalid("A parameter is named twice.")
    return dict(items)


async def _client(service: Service, request: Request, form: Mapping[str, str]) -> Client:
    """The client that shows its secret. Raises `RequestRefused("client-not-accepted")`."""
    header = request.headers.get("authorization")
    if header is not None and "client_secret" in form:
        raise _invalid("The client shows its secret twice.")
    given = _basic(header) if header is not None else (form.get("client_id"), form.get("client_secret"))
    if given is None or not given[0] or not given[1]:
        raise RequestRefused("client-not-accepted", "")
    async with service.database.without_tenant() as door:
        client = await clients.authenticate(door, given[0], given[1])
    if client is None:
        raise RequestRefused("client-not-accepted", "")
    bind_contextvars(district=client.district_id)
    return client


def _basic(header: str) -> tuple[str, str] | None:
    """Id and secret are form-encoded inside (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        return None
    id_, colon, secret = text.partition(":")
    return (unquote_plus(id_), unquote_plus(secret)) if colon else None


def _invalid(detail: str) -> RequestRefused:
    return RequestRefused("token-request-not-valid", detail)


def _refusal(refused: RequestRefused, public_url: str) -> Response:
    status = CATALOGUE[refused.code].status
    challenge = {"www-authenticate": 'Basic realm="gradesync"'} if status == 401 else {}
    headers = {"pragma": "no-cache", **challenge, **refused.headers}
    return JSONResponse(_error_body(refused, public_url), status, headers=headers)
