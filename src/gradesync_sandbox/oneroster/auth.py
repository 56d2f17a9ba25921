"""Check OAuth 2 tokens with their scopes, signatures of OAuth 1.0a, and the header of a vendor."""

import base64
import binascii
import re
from secrets import compare_digest
from typing import Any
from urllib.parse import parse_qs, unquote

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client
from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.oneroster.state import SCOPES, VENDOR_KEY, OneRoster
from gradesync_sandbox.oneroster.wire import Refused, answer

_METHODS = {"oauth1-sha1": SIGNATURE_HMAC_SHA1, "oauth1-sha256": SIGNATURE_HMAC_SHA256}
_FIELD = re.compile(r'(\w+)="([^"]*)"')
LIFETIME = 3600


def issue_token(face: OneRoster, request: Request, raw: bytes) -> Response:
    """Issue a token for the scopes that are asked for; one that isn't granted refuses them all.

    Where a server lets a client name none, the token has all that are granted.
    """
    form = parse_qs(raw.decode("latin-1"))
    if face.demands.auth not in ("basic", "form") or not _is_client(face, request, form):
        return answer({"error": "invalid_client"}, 401)
    if form.get("grant_type") != ["client_credentials"]:
        return answer({"error": "unsupported_grant_type"}, 400)
    asked = frozenset(form.get("scope", [""])[0].split())
    known = {name for scope in face.scopes for name in spellings(face, scope)}
    if not asked and not face.demands.needs_scope:
        asked = frozenset(known)
    if not asked or not asked <= known:
        return answer({"error": "invalid_scope"}, 400)
    token = face.issue(frozenset(scope.rpartition("/")[2] for scope in asked), LIFETIME)
    return answer(
        {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME, "scope": " ".join(asked)}
    )


def spellings(face: OneRoster, scope: str) -> list[str]:
    """Return the names of a scope: a public suite for 1.2 still asks for those of 1.1."""
    old = f"https://purl.imsglobal.org/spec/or/v1p1/scope/{scope}"
    return [old] if face.demands.old else [old.replace("v1p1", "v1p2"), old]


def _is_client(face: OneRoster, request: Request, form: dict[str, list[str]]) -> bool:
    header = request.headers.get("authorization")
    if face.demands.auth == "form":
        given = f"{form.get('client_id', [''])[0]}:{form.get('client_secret', [''])[0]}".encode()
        return header is None and compare_digest(given, _credentials(face))
    scheme, _, encoded = (header or "").partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    return scheme.lower() == "basic" and compare_digest(decoded, _credentials(face))


def _credentials(face: OneRoster) -> bytes:
    return f"{face.sis.plugin.client_id}:{face.sis.plugin.client_secret}".encode()


def check_access(face: OneRoster, request: Request, scope: str) -> None:
    """Require who may call this at all, then the scope. Raises `Refused` 401 and 403."""
    demands = face.demands
    if demands.auth in _METHODS:
        granted = set(SCOPES) if _is_signed(face, request) else None
    else:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        stands = kind.lower() == "bearer" and face.sis.tokens.stands(token)
        granted = set(face.granted.get(token, ())) if stands else None
    if granted is None:
        raise Refused(401, "unauthorisedrequest", "The request was not authorised")
    if scope not in granted or scope not in face.scopes:
        raise Refused(403, "forbidden", f"The scope {scope} was not granted")
    if demands.vendor_header and scope.startswith("gradebook"):
        given = request.headers.get(demands.vendor_header, "")
        if not compare_digest(given.encode(), VENDOR_KEY.encode()):
            raise Refused(401, "unauthorisedrequest", "The vendor is not known")


def _is_signed(face: OneRoster, request: Request) -> bool:
    header = request.headers.get("authorization", "")
    given = {name: unquote(value) for name, value in _FIELD.findall(header)}
    if not header.startswith("OAuth ") or given.get("oauth_consumer_key") != face.sis.plugin.client_id:
        return False
    client = Client(
        face.sis.plugin.client_id,
        client_secret=face.sis.plugin.client_secret,
        signature_method=_METHODS[face.demands.auth],
        nonce=given.get("oauth_nonce"),
        timestamp=given.get("oauth_timestamp"),
    )
    verb: Any = request.method  # its type lists methods that ASGI leaves open
    _, headers, _ = client.sign(str(request.url), verb)
    own = {name: unquote(value) for name, value in _FIELD.findall(str(headers["Authorization"]))}
    return compare_digest(own["oauth_signature"], given.get("oauth_signature", ""))
