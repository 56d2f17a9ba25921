"""Check an LTI 1.1 launch: a form signed with the district's key and secret (upstream.md LTI §2.4)."""

from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from gradesync.access.launch import CLAIM
from gradesync.core.district import Lti11Registration
from gradesync.db import installations
from gradesync.errors import RequestRefused
from gradesync.lti import forms, logins
from gradesync.lti.forms import Form
from gradesync.lti.logins import CheckedLaunch
from gradesync.lti.page_data import check_launch
from gradesync.lti.tool import Tool

MESSAGE = "basic-lti-launch-request"
CUSTOM = "custom_"


async def check_form(tool: Tool, form: Form) -> CheckedLaunch:
    """Return the launch of a signed form. Each form is accepted once.

    Raises `RequestRefused`: `lti11-refused`, `lti-request-not-valid`, `lti-not-registered`, `launch-over`,
    and what `check_launch` raises.
    """
    if (form.get("lti_message_type"), form.get("lti_version")) != (MESSAGE, "LTI-1p0"):
        raise forms.not_valid("It is not a launch.")
    key = forms.require(form, "oauth_consumer_key")
    async with tool.database.without_tenant() as db:
        district_id = await installations.find_district_by_key(db, key)
    district = await tool.district(district_id)
    if district.lti11 is None or not _is_signed(tool.launch_url, form, district.lti11):
        raise RequestRefused("lti11-refused", "The signature or the time is not valid.")
    if not await logins.is_new(tool.redis, key, form["oauth_timestamp"], form["oauth_nonce"]):
        raise RequestRefused("launch-over", "The form was used before.")
    claims = _as_claims(form)
    return check_launch(district, claims)


def _as_claims(form: Form) -> dict[str, Any]:
    """Return the form as claims of LTI 1.3."""
    custom = {name.removeprefix(CUSTOM): value for name, value in form.items() if name.startswith(CUSTOM)}
    return {
        CLAIM + "roles": [role.strip() for role in form.get("roles", "").split(",")],
        CLAIM + "context": {"id": form.get("context_id"), "title": form.get("context_title")},
        CLAIM + "custom": custom,
    }


def _is_signed(url: str, form: Form, registration: Lti11Registration) -> bool:
    """Return whether the form was signed for our public address, by that key, in the last minutes."""
    endpoint = SignatureOnlyEndpoint(_KeyValidator(registration))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    valid, _ = endpoint.validate_request(url, "POST", urlencode(form), headers)
    return bool(valid)


class _KeyValidator(RequestValidator):
    """Validate one key for oauthlib. Nonces are checked in Redis, for all processes."""

    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256")
    timestamp_lifetime = 300
    enforce_ssl = False  # the address is ours, not the one in the request
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
