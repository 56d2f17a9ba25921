"""Check OAuth 2.0 client credentials, bearer tokens, and the administrator's request interval (upstream.md
PowerSchool §1, §5).
"""

import base64
import binascii
import math
from secrets import compare_digest
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import Refused, json_response


def issue_token(sis: PowerSchool, request: Request, raw: bytes) -> Response:
    """Issue a bearer token for the plugin's credentials; `expires_in` is a text, as seen live."""
    if not _is_plugin(sis, request.headers.get("authorization", "")):
        return json_response({"error": "invalid_client"}, 401)
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if not form or parse_qs(raw.decode("latin-1")).get("grant_type") != ["client_credentials"]:
        return json_response({"error": "unsupported_grant_type"}, 400)
    seconds = sis.switches.expires_in
    shown = str(seconds) if sis.switches.expires_in_as == "string" else seconds
    token = sis.tokens.issue(seconds)
    return json_response({"access_token": token, "token_type": "Bearer", "expires_in": shown})


def _is_plugin(sis: PowerSchool, header: str) -> bool:
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    known = f"{sis.plugin.client_id}:{sis.plugin.client_secret}".encode()
    return scheme.lower() == "basic" and compare_digest(given, known)


def check_token(sis: PowerSchool, request: Request) -> None:
    """Require a valid token. Raises `Refused` 401 otherwise; its words were never captured."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not sis.tokens.stands(token):
        raise Refused(401, "Invalid or expired access token", headers={"www-authenticate": "Bearer"})


def check_interval(sis: PowerSchool, at: float) -> None:
    """Require the interval since the last call that was let in.

    Raises `Refused` for a call that comes sooner.
    """
    interval, wait = sis.switches.min_interval_ms / 1000, 0.0
    if interval and sis.last_accepted is not None:
        wait = sis.last_accepted + interval - at
    if wait > 0:
        seconds = str(max(1, math.ceil(wait)))
        in_header = sis.switches.throttle_hint == "header"
        text = "Too many requests." if in_header else f"Too many requests. Please wait {seconds} seconds."
        headers = {"retry-after": seconds} if in_header else {}
        raise Refused(sis.switches.throttle_status, text, headers=headers)
    sis.last_accepted = at
