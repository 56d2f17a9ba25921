"""The login that begins an LTI 1.3 launch (LTI contract 2.2, step 1; 2.3).

A browser must be known again at the launch. Where the platform offers storage for that, a page puts the
state there and goes on. Else a cookie must do, and whether this browser keeps one is tried before the
platform is asked: its hint may be good for one answer only.
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
from gradesync.lti.tool import Tool, origin_of, source_ip, tool_of

TRIED = "cookie_tried"
STORAGE = "lti_storage_target"
PASSED_ON = ("iss", "login_hint", "target_link_uri", "lti_message_hint", "lti_deployment_id", "client_id")
WINDOW = (
    "Your browser lets this page keep nothing while it sits inside Schoology. "
    "It works in a window of its own."
)
_FRAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A login as the platform asked for it, and where it goes on."""

    form: Form
    client_id: str
    authorization_url: str
    frame: str | None

    def again(self, **more: str) -> str:
        """The address of this login without storage."""
        passed = {name: self.form[name] for name in PASSED_ON if name in self.form}
        return f"login?{urlencode(passed | more)}"


async def login(request: Request) -> Response:
    """`GET` or `POST /lti/login`: send the browser to the platform, in such a way that it is known again."""
    tool = tool_of(request)
    await tool.count_login(source_ip(request))
    asked = await _asked(tool, await forms.read(request))
    known = browser.key_of(request)
    if asked.frame is None and known is None and TRIED in asked.form:
        return html("message.html", title="One step more", text=WINDOW, admin="", link=asked.again())
    key = known or browser.new_key()
    if asked.frame is None and known is None:
        answer: Response = RedirectResponse(asked.again(**{TRIED: "1"}), 302)
    else:
        answer = await _onward(tool, asked, key)
    browser.remember(answer, key)
    return answer


async def _asked(tool: Tool, form: Form) -> Asked:
    issuer = forms.needed(form, "iss")
    forms.needed(form, "login_hint")
    if origin_of(forms.needed(form, "target_link_uri")) != origin_of(tool.public_url):
        raise forms.not_valid("target_link_uri is not here.")
    ids = form.get("client_id") or None, form.get("lti_deployment_id") or None
    async with tool.database.without_tenant() as door:
        platform = await installations.platform(door, issuer, *ids)
    if platform is None:
        raise RequestRefused("lti-not-registered", "No district has this installation.")
    frame = form.get(STORAGE, "")
    return Asked(
        form, platform.client_id, platform.authorization_url, frame if _FRAME.fullmatch(frame) else None
    )


async def _onward(tool: Tool, asked: Asked, key: str) -> Response:
    origin = origin_of(asked.authorization_url)
    record = logins.Login(
        issuer=asked.form["iss"],
        client_id=asked.client_id,
        nonce=token_urlsafe(32),
        browser=browser.digest(key),
        storage=logins.Storage(asked.frame, origin) if asked.frame else None,
    )
    state = await logins.begin(tool.redis, record)
    onward = _authorization(tool, asked, state, record.nonce)
    if asked.frame is None:
        return RedirectResponse(onward, 302)
    kept = {"frame": asked.frame, "origin": origin, "state": state}
    return html("keep.html", start={**kept, "next": onward, "otherwise": asked.again()})


def _authorization(tool: Tool, asked: Asked, state: str, nonce: str) -> str:
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": asked.client_id,
        "redirect_uri": tool.launch_url,
        "login_hint": asked.form["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    if "lti_message_hint" in asked.form:
        query["lti_message_hint"] = asked.form["lti_message_hint"]
    url = asked.authorization_url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
