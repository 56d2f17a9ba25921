"""OAuth 2.0 client credentials, the bearer check, and the pace that an administrator set (1, 5)."""

import base64
import binascii
import math
from secrets import compare_digest
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import Refused, answer


def issue_token(sis: PowerSchool, request: Request, raw: bytes) -> Response:
    """A bearer token for the plugin's credentials; `expires_in` is a text, as seen live."""
    if not _is_plugin(sis, request.headers.get("authorization", "")):
        return answer({"error": "invalid_client"}, 401)
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if not form or parse_qs(raw.decode("latin-1")).get("grant_type") != ["client_credentials"]:
        return answer({"error": "unsupported_grant_type"}, 400)
    seconds = sis.switches.expires_in
    shown = str(seconds) if sis.switches.expires_in_as == "string" else seconds
    token = sis.tokens.issue(seconds)
    return answer({"access_token": token, "token_type": "Bearer", "expires_in": shown})


def _is_plugin(sis: PowerSchool, header: str) -> bool:
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    known = f"{sis.plugin.client_id}:{sis.plugin.client_secret}".encode()
    return scheme.lower() == "basic" and compare_digest(given, known)


def check_token(sis: PowerSchool, request: Request) -> None:
    """Raises `Refused` 401 without a standing token; its words were never captured."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not sis.tokens.stands(token):
        raise Refused(401, "Invalid or expired access token", headers={"www-authenticate": "Bearer"})


def check_pace(sis: PowerSchool, at: float) -> None:
    """Raises `Refused` for a call that comes sooner than the interval after the last one that was let in."""
    interval, wait = sis.switches.min_interval_ms / 1000, 0.0
    if interval and sis.last_let_in is not None:
        wait = sis.last_let_in + interval - at
    if wait > 0:
        seconds = str(max(1, math.ceil(wait)))
        says_header = sis.switches.throttle_says == "header"
        text = "Too many requests." if says_header else f"Too many requests. Please wait {seconds} seconds."
        headers = {"retry-after": seconds} if says_header else {}
        raise Refused(sis.switches.throttle_status, text, headers=headers)
    sis.last_let_in = at
