"""Handle a sign-in: to the district's provider with PKCE, and back to the console (OIDC Core §3.1)."""

from secrets import token_urlsafe
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from structlog.contextvars import bind_contextvars

from gradesync.access.tokens import source_ip
from gradesync.console.provider import Answer, Provider, Providers, challenge_of
from gradesync.core.district import OIDC, District, OidcAccess
from gradesync.errors import RequestRefused
from gradesync.lti import browser, forms
from gradesync.lti.console_start import start_console
from gradesync.lti.forms import Form
from gradesync.lti.launch import Session
from gradesync.lti.logins import STATE_SECONDS, save_record, take_record
from gradesync.lti.responses import html
from gradesync.lti.tool import Tool, tool_of

KIND = "sign-in"
TOOL = "../lti/"
NO_FRAMES = ("'none'",)


class SignIn(msgspec.Struct, frozen=True):
    """Describe a sign-in that the provider has yet to answer. `browser` is the digest of its cookie."""

    district_id: str
    issuer: str
    nonce: str
    verifier: str
    browser: str


async def sign_in(request: Request) -> Response:
    """Handle `GET /console/sign-in?district=…`: send the browser to the district's provider."""
    tool = tool_of(request)
    await tool.count_request("login", request)  # each is stored for minutes, whoever starts it
    district, access = await _find(tool, forms.require(await forms.read(request), "district"))
    provider = await providers_of(request).find(access.issuer)
    key = browser.read_key(request) or browser.new_key()
    verifier, nonce = token_urlsafe(48), token_urlsafe(32)
    record = SignIn(district.id, access.issuer, nonce, verifier, browser.digest(key))
    query = {
        "response_type": "code",
        "scope": "openid",
        "client_id": access.client_id,
        "redirect_uri": _callback_url(tool, district),
        "state": await save_record(tool.redis, KIND, record, STATE_SECONDS),
        "nonce": nonce,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    url = provider.authorization_endpoint
    response = RedirectResponse(f"{url}{'&' if '?' in url else '?'}{urlencode(query)}", 302)
    browser.set_cookie(response, key)
    return response


async def callback(request: Request) -> Response:
    """Handle `GET /console/callback-{district}`: the code of the provider becomes a session of the console.

    The address is the district's own, so that its provider sends no code that another's token endpoint gets.
    """
    tool = tool_of(request)
    await tool.count_request("launch", request)
    form = await forms.read(request)
    begun = await take_record(tool.redis, KIND, forms.require(form, "state"), SignIn)
    if begun is None or not browser.is_same_browser(request, begun.browser):
        raise RequestRefused("sign-in-over", "The state is unknown, used, old or of another browser.")
    if request.path_params["district"] != begun.district_id:
        raise RequestRefused("sign-in-refused", "The answer comes to the address of another district.")
    bind_contextvars(district=begun.district_id)
    district, access = await _find(tool, begun.district_id)
    if access.issuer != begun.issuer:
        raise RequestRefused("sign-in-over", "The district has another provider now.")
    providers = providers_of(request)
    code = _code(form, await providers.find(access.issuer))
    answer = Answer(code, begun.verifier, begun.nonce, _callback_url(tool, district))
    subject = await providers.read_subject(access, answer)
    again = f"sign-in?{urlencode({'district': district.id})}"
    start = await start_console(tool, district, OIDC + subject, source_ip(request), sign_in=again)
    session = Session(
        token=None,
        section=None,
        person=start.person,
        may_sync=False,
        title=None,
        timezone=None,
        console=start,
    )
    return html(
        "page.html",
        frames=NO_FRAMES,
        tool=TOOL,
        start=msgspec.to_builtins(session),
        title=district.name,
        sis=district.sis.name,
    )


def providers_of(request: Request) -> Providers:
    """Return the providers of the application that got the request."""
    providers: Providers = request.app.state.providers
    return providers


async def _find(tool: Tool, district_id: str) -> tuple[District, OidcAccess]:
    """Return a district and its provider. Which districts there are is not shown to strangers."""
    try:
        district = await tool.district(district_id)
    except RequestRefused as error:
        raise RequestRefused("sign-in-off", "There is no such district.") from error
    if district.oidc is None:
        raise RequestRefused("sign-in-off", "The district has no provider.")
    return district, district.oidc


def _code(form: Form, provider: Provider) -> str:
    """Return the code of an answer. It names the right issuer, where it must or may (RFC 9207)."""
    named = "" if provider.authorization_response_iss_parameter_supported else provider.issuer
    if form.get("iss", named) != provider.issuer:
        raise RequestRefused("sign-in-refused", "Another provider answers.")
    if not form.get("code"):
        raise RequestRefused("sign-in-refused", "The provider answered with an error.")
    return form["code"]


def _callback_url(tool: Tool, district: District) -> str:
    return f"{tool.public_url}/console/callback-{district.id}"
