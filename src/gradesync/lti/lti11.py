"""An LTI 1.1 launch checked: a form signed with the district's key and secret (LTI contract 2.4)."""

from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from gradesync.access.launch import CLAIM, read_launch
from gradesync.core.district import Lti11Registration
from gradesync.db import installations
from gradesync.errors import RequestRefused
from gradesync.lti import forms, logins
from gradesync.lti.forms import Form
from gradesync.lti.logins import Opened
from gradesync.lti.page_data import opened
from gradesync.lti.tool import Tool

MESSAGE = "basic-lti-launch-request"
CUSTOM = "custom_"


async def open_basic(tool: Tool, form: Form) -> Opened:
    """Who opened what, by a signed form. Each form is taken once.

    Raises `RequestRefused`: `lti11-refused`, `lti-request-not-valid`, `lti-not-registered`, `launch-over`,
    and what `read_launch` raises.
    """
    if (form.get("lti_message_type"), form.get("lti_version")) != (MESSAGE, "LTI-1p0"):
        raise forms.not_valid("It is no launch.")
    key = forms.needed(form, "oauth_consumer_key")
    async with tool.database.without_tenant() as door:
        found = await installations.district_of_key(door, key)
    district = await tool.district(found)
    if district.lti11 is None or not _is_signed(tool.launch_url, form, district.lti11):
        raise RequestRefused("lti11-refused", "Signature or time do not hold.")
    if not await logins.is_new(tool.redis, key, form["oauth_timestamp"], form["oauth_nonce"]):
        raise RequestRefused("launch-over", "The form was used before.")
    claims = _as_claims(form)
    return opened(district, read_launch(claims), claims)


def _as_claims(form: Form) -> dict[str, Any]:
    """The form in the terms of LTI 1.3."""
    custom = {name.removeprefix(CUSTOM): value for name, value in form.items() if name.startswith(CUSTOM)}
    return {
        CLAIM + "roles": [role.strip() for role in form.get("roles", "").split(",")],
        CLAIM + "context": {"id": form.get("context_id"), "title": form.get("context_title")},
        CLAIM + "custom": custom,
    }


def _is_signed(url: str, form: Form, registration: Lti11Registration) -> bool:
    """Whether the form was signed for our public address, by that key, lately."""
    endpoint = SignatureOnlyEndpoint(_Signed(registration))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    valid, _ = endpoint.validate_request(url, "POST", urlencode(form), headers)
    return bool(valid)


class _Signed(RequestValidator):
    """Answers oauthlib's questions about one key. Nonces are looked at where all processes see them."""

    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256")
    timestamp_lifetime = 300
    enforce_ssl = False  # the address is ours, and not what the request says of itself
    dummy_client = token_urlsafe(16)

    def __init__(self, registration: Lti11Registration) -> None:
        super().__init__()
        self._registration = registration

    def check_client_key(self, client_key: str) -> bool:
        return True

    def check_nonce(self, nonce: str) -> bool:
        return 0 < len(nonce) <= 255

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == self._registration.consumer_key

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self._registration.consumer_secret

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True
