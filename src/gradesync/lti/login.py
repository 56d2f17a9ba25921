"""Handle the login that starts an LTI 1.3 launch (upstream.md LTI §2.2, §2.3).

The launch must come from the same browser. Where the platform offers storage, a page stores the state there
and goes on. Otherwise a cookie must do. A redirect tests it before the browser goes to the platform, whose
hint may be good for one response only.
"""

import re
from dataclasses import dataclass
from secrets import token_urlsafe
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gradesync.db import installations
from gradesync.errors import RequestRefused
from gradesync.lti import browser, forms, logins
from gradesync.lti.forms import Form
from gradesync.lti.responses import html
from gradesync.lti.tool import Tool, origin_of, tool_of

COOKIE_TRIED = "cookie_tried"
STORAGE = "lti_storage_target"
FORWARDED = ("iss", "login_hint", "target_link_uri", "lti_message_hint", "lti_deployment_id", "client_id")
NEW_WINDOW = (
    "Your browser doesn't allow cookies for this page while it is inside Schoology. "
    "It works in a window of its own."
)
_FRAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Describe a login that a platform requests, and the address where it continues."""

    form: Form
    client_id: str
    authorization_url: str
    frame: str | None

    def without_storage(self, **more: str) -> str:
        """Return the address of this login without storage."""
        forwarded = {name: self.form[name] for name in FORWARDED if name in self.form}
        return f"login?{urlencode(forwarded | more)}"


async def login(request: Request) -> Response:
    """Handle `GET` and `POST /lti/login`: send the browser to the platform, with a key to recognize it by."""
    tool = tool_of(request)
    await tool.count_request("login", request)  # each is stored for minutes, whoever starts it
    wanted = await _read_login(tool, await forms.read(request))
    known = browser.read_key(request)
    if wanted.frame is None and known is None and COOKIE_TRIED in wanted.form:
        return html(
            "message.html", title="One more step", text=NEW_WINDOW, admin="", link=wanted.without_storage()
        )
    key = known or browser.new_key()
    if wanted.frame is None and known is None:
        response: Response = RedirectResponse(wanted.without_storage(**{COOKIE_TRIED: "1"}), 302)
    else:
        response = await _continue_login(tool, wanted, key)
    browser.set_cookie(response, key)
    return response


async def _read_login(tool: Tool, form: Form) -> LoginRequest:
    issuer = forms.require(form, "iss")
    forms.require(form, "login_hint")
    if origin_of(forms.require(form, "target_link_uri")) != origin_of(tool.public_url):
        raise forms.not_valid("target_link_uri is not an address of this tool.")
    ids = form.get("client_id") or None, form.get("lti_deployment_id") or None
    async with tool.database.without_tenant() as db:
        platform = await installations.find_platform(db, issuer, *ids)
    if platform is None:
        raise RequestRefused("lti-not-registered", "No district has this installation.")
    frame = form.get(STORAGE, "")
    return LoginRequest(
        form, platform.client_id, platform.authorization_url, frame if _FRAME.fullmatch(frame) else None
    )


async def _continue_login(tool: Tool, wanted: LoginRequest, key: str) -> Response:
    origin = origin_of(wanted.authorization_url)
    record = logins.Login(
        issuer=wanted.form["iss"],
        client_id=wanted.client_id,
        nonce=token_urlsafe(32),
        browser=browser.digest(key),
        storage=logins.Storage(wanted.frame, origin) if wanted.frame else None,
    )
    state = await logins.save_login(tool.redis, record)
    url = _authorization_url(tool, wanted, state, record.nonce)
    if wanted.frame is None:
        return RedirectResponse(url, 302)
    stored = {"frame": wanted.frame, "origin": origin, "state": state}
    return html("store.html", start={**stored, "next": url, "otherwise": wanted.without_storage()})


def _authorization_url(tool: Tool, wanted: LoginRequest, state: str, nonce: str) -> str:
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": wanted.client_id,
        "redirect_uri": tool.launch_url,
        "login_hint": wanted.form["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    if "lti_message_hint" in wanted.form:
        query["lti_message_hint"] = wanted.form["lti_message_hint"]
    url = wanted.authorization_url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
