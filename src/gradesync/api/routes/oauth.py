"""Issue tokens (RFC 6749): for client credentials, and in exchange for LTI id_tokens (RFC 8693)."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from structlog.contextvars import bind_contextvars

from gradesync.access.tokens import CLIENT_LIFETIME, TEACHER_LIFETIME, Caller, Scope, source_ip
from gradesync.api import schemas
from gradesync.api.auth import CurrentLive, CurrentRuntime, count_token_request
from gradesync.api.exchange import exchange
from gradesync.api.live import Live
from gradesync.api.middleware import Router
from gradesync.api.problems import CATALOG, problem
from gradesync.db import clients, districts
from gradesync.db.clients import Client
from gradesync.db.codec import is_storable
from gradesync.errors import RequestRefused
from gradesync.runtime import Runtime

router = Router("Tokens")

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a type
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - likewise
MAX_FIELDS = 20
GONE = "token-not-accepted"  # the district left, and so did its client, which had shown its secret
TOKEN_ERROR = {"$ref": "#/components/schemas/TokenError"}

# Our problems -> error codes of RFC 6749 section 5.2.
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


class Grant(NamedTuple):
    """Describe the token to issue, and how long it is valid."""

    caller: Caller
    valid_for: timedelta
    issued_type: str | None = None


def _error_body(refused: RequestRefused, public_url: str) -> dict[str, Any]:
    """Return an error of RFC 6749 section 5.2, with the members of a problem."""
    members = problem(refused.code, refused.detail).marshal(uri=f"{public_url}/problems/{{type}}")
    description = f"{members['title']} {refused.detail}".strip()
    return {"error": ERRORS[refused.code], "error_description": description, **members}


def _error_responses() -> dict[int | str, dict[str, Any]]:
    """Return the errors of the endpoint for the API document."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for code in ERRORS:
        status = CATALOG[code].status
        content = by_status.setdefault(status, {"schema": TOKEN_ERROR, "examples": {}})
        content["examples"][code] = {"value": _error_body(RequestRefused(code, ""), "")}
    return {
        status: {"description": HTTPStatus(int(status)).phrase, "content": {"application/json": content}}
        for status, content in by_status.items()
    }


def _field(description: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **more}


FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": _field("How the token is requested", enum=["client_credentials", EXCHANGE]),
        "scope": _field("Scopes, separated by spaces; without it, all that the client may have"),
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
    responses=_error_responses(),
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
async def issue_token(runtime: CurrentRuntime, live: CurrentLive, request: Request) -> Response:
    """Issue a token to a client for its district, or to a teacher's front-end for the teacher who launched.

    The client sends its id and secret by HTTP Basic or in the form. A client's token is valid for an hour.
    Token exchange accepts each id_token once. A teacher's token is valid for 15 minutes and covers one
    section. It has `syncs:write` if the person teaches the section, and only `syncs:read` for a system admin
    who does not.
    """
    try:
        grant = await _grant(runtime, live, request)
    except RequestRefused as refused:
        if refused.code == GONE:
            refused = RequestRefused("client-not-accepted", refused.detail)
        return _refusal(refused, runtime.settings.public_url)
    token = schemas.AccessToken(
        access_token=runtime.tokens.issue(grant.caller, grant.valid_for),
        expires_in=int(grant.valid_for.total_seconds()),
        scope=" ".join(sorted(grant.caller.scopes)),
        issued_token_type=grant.issued_type,
    )
    return JSONResponse(token.model_dump(exclude_none=True), headers={"pragma": "no-cache"})


async def _grant(runtime: Runtime, live: Live, request: Request) -> Grant:
    await count_token_request(runtime, request)
    form = await _form(request)
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise _invalid("grant_type is missing.")
    client = await _authenticate(runtime, request, form)
    await count_token_request(runtime, request, client.id)
    await _note_use(runtime, client)
    if grant_type == "client_credentials":
        scopes = _requested_scopes(form, client.scopes)
        return Grant(Caller(client.district_id, client.id, client.id, scopes), CLIENT_LIFETIME)
    if grant_type == EXCHANGE:
        _check_exchange(form, client)
        teacher = await exchange(
            runtime,
            live,
            client,
            form["subject_token"],
            wanted=_known_scopes(form),
            source_ip=source_ip(request),
        )
        return Grant(teacher, TEACHER_LIFETIME, ACCESS_TOKEN)
    raise RequestRefused("grant-not-supported", "")


def _check_exchange(form: Mapping[str, str], client: Client) -> None:
    if Scope.TOKEN_EXCHANGE not in client.scopes:
        raise RequestRefused("exchange-not-allowed", "The client lacks the scope token:exchange.")
    if form.get("subject_token_type") != ID_TOKEN:
        raise _invalid(f"subject_token_type must be {ID_TOKEN}.")
    if "subject_token" not in form or "actor_token" in form:
        raise _invalid("subject_token is needed, and actor_token is not supported.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise _invalid(f"requested_token_type must be {ACCESS_TOKEN}.")


def _requested_scopes(form: Mapping[str, str], allowed: frozenset[str]) -> frozenset[str]:
    """Return the scopes in the form, or everything that is allowed."""
    scopes = _known_scopes(form) or allowed
    if not scopes <= allowed:
        raise RequestRefused("scope-not-allowed", f"The client lacks {' '.join(sorted(scopes - allowed))}.")
    return scopes


def _known_scopes(form: Mapping[str, str]) -> frozenset[str] | None:
    scopes = frozenset(form.get("scope", "").split())
    if not scopes <= set(Scope):
        raise RequestRefused("scope-not-allowed", "There is no such scope.")
    return scopes or None


async def _form(request: Request) -> dict[str, str]:
    """Return the parameters, each at most once (RFC 6749 section 3.2); an empty one counts as left out."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise _invalid("The body must be application/x-www-form-urlencoded.")
    async with request.form(max_fields=MAX_FIELDS) as form:
        items = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and value]
    if len(dict(items)) < len(items):
        raise _invalid("A parameter occurs twice.")
    if not is_storable(dict(items)):
        raise _invalid("A parameter has a character that no text can have.")
    return dict(items)


async def _authenticate(runtime: Runtime, request: Request, form: Mapping[str, str]) -> Client:
    """Return the client that the id and secret belong to. Raises `RequestRefused("client-not-accepted")`."""
    header = request.headers.get("authorization")
    if header is not None and "client_secret" in form:
        raise _invalid("The client sends its secret twice.")
    given = _read_basic(header) if header is not None else (form.get("client_id"), form.get("client_secret"))
    if given is None or not given[0] or not given[1] or not is_storable(given[0]):
        raise RequestRefused("client-not-accepted", "")
    async with runtime.context.database.without_tenant() as db:
        client = await clients.authenticate(db, given[0], given[1])
    if client is None:
        raise RequestRefused("client-not-accepted", "")
    bind_contextvars(district=client.district_id)
    return client


async def _note_use(runtime: Runtime, client: Client) -> None:
    """Note that the client is in use, at most once an hour: a token is no reason for a write.

    Raises `RequestRefused("client-not-accepted")` for the client of a copy.
    """
    async with runtime.context.database.district(client.district_id) as db:
        if not await districts.is_here(db):
            raise RequestRefused("client-not-accepted", "")
        if client.use_due:
            await clients.note_use(db, client.id)


def _read_basic(header: str) -> tuple[str, str] | None:
    """Return id and secret, which are form-encoded inside (RFC 6749 section 2.3.1)."""
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
    status = CATALOG[refused.code].status
    challenge = {"www-authenticate": 'Basic realm="gradesync"'} if status == 401 else {}
    headers = {"pragma": "no-cache", **challenge, **refused.headers}
    return JSONResponse(_error_body(refused, public_url), status, headers=headers)
