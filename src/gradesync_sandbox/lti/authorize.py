"""Handle the OIDC step of a launch (upstream.md LTI §2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradesync_sandbox.lti.platform import Platform

FIXED = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none"}


class RefusedError(Exception):
    """Refuse a request that names no registered client or address: there is nowhere to send a response."""


@dataclass(frozen=True)
class FormPost:
    """Hold a form that the browser posts back to the tool."""

    action: str
    fields: dict[str, str]


def authorize(platform: Platform, asked: Mapping[str, str]) -> FormPost:
    """Return the form for an authentication request: a signed launch, or an OIDC error."""
    redirect_uri = asked.get("redirect_uri", "")
    if asked.get("client_id") != platform.client_id:
        raise RefusedError("Unknown client_id.")
    if platform.tool is None or redirect_uri not in platform.tool.redirect_uris:
        raise RefusedError("This redirect_uri is not registered.")
    state = {"state": asked["state"]} if asked.get("state") else {}
    if error := _error(asked):
        return FormPost(redirect_uri, {"error": "invalid_request", "error_description": error, **state})
    launch = platform.launches.pop(asked.get("lti_message_hint", ""), None)
    if launch is None or asked.get("login_hint") != str(launch.user.uid):
        return FormPost(redirect_uri, {"error": "login_required", **state})
    token = platform.id_token(launch.user, launch.section, launch.roles, nonce=asked["nonce"])
    return FormPost(redirect_uri, {"id_token": token, **state})


def _error(asked: Mapping[str, str]) -> str | None:
    for name, value in FIXED.items():
        if asked.get(name) != value:
            return f"{name} must be {value}"
    missing = [name for name in ("nonce", "state", "login_hint") if not asked.get(name)]
    return f"{missing[0]} is missing" if missing else None
