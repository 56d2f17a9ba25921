"""The launch: from what the platform posts to the teacher's page."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from structlog.contextvars import bind_contextvars

from gradesync.access.launch import Launch
from gradesync.access.teacher import teacher_scopes
from gradesync.access.tokens import PAGE, PAGE_LIFE, Caller, Scope
from gradesync.db import audit
from gradesync.errors import RequestRefused
from gradesync.lti import browser, forms, logins
from gradesync.lti.logins import Held, Opened
from gradesync.lti.lti11 import open_basic
from gradesync.lti.lti13 import open_id_token
from gradesync.lti.refusals import CATALOGUE
from gradesync.lti.responses import html
from gradesync.lti.tool import Tool, origin_of, source_ip, tool_of


class Session(msgspec.Struct, frozen=True):
    """What the page works with: a token of one section, and what is shown without asking."""

    token: str
    section: str
    may_sync: bool
    title: str | None
    timezone: str | None


class Proof(msgspec.Struct, frozen=True):
    """The browser shows that it began the login: it has the state that it put into the platform's storage."""

    ticket: str
    value: str


async def launch(request: Request) -> Response:
    """`POST /lti/launch`: LTI 1.3 and 1.1."""
    tool, form = tool_of(request), await forms.read(request)
    if "lti_message_type" in form:
        opened = await open_basic(tool, form)
        return _page(opened, await _admit(tool, opened, source_ip(request)))
    state = forms.needed(form, "state")
    login = await logins.take(tool.redis, state)
    if login is None:
        raise RequestRefused("launch-over", "The state is unknown, used or old.")
    if "error" in form:
        raise RequestRefused("platform-refused", "The platform answered with an error.")
    opened = await open_id_token(tool, login, forms.needed(form, "id_token"))
    if browser.is_same(request, login.browser):
        return _page(opened, await _admit(tool, opened, source_ip(request)))
    if login.storage is None:
        raise RequestRefused("browser-unknown", "The browser shows no cookie of this login.")
    ticket = await logins.hold(tool.redis, Held(opened, state))
    kept = {"frame": login.storage.target, "origin": login.storage.origin, "state": state}
    return _page(opened, {"ticket": ticket, **kept})


async def confirm(request: Request) -> Response:
    """`POST /lti/confirm`: what the page of a held launch asks for, with the state out of the storage.

    Only that page can: the browser says where a request comes from, and no other origin's is answered.
    """
    tool = tool_of(request)
    if origin_of(request.headers.get("origin", "")) != origin_of(tool.public_url):
        raise RequestRefused("browser-unknown", "The request comes from elsewhere.")
    try:
        proof = msgspec.json.decode(await request.body(), type=Proof)
    except msgspec.DecodeError as error:
        raise forms.not_valid("It cannot be read.") from error
    held = await logins.release(tool.redis, proof.ticket)
    if held is None or proof.value != held.state:
        raise RequestRefused("browser-unknown", "The browser does not have the state of this login.")
    session = await _admit(tool, held.opened, source_ip(request))
    return JSONResponse(msgspec.to_builtins(session), headers={"cache-control": "no-store"})


def told(code: str) -> Response:
    """A refusal to the page's own script."""
    said = CATALOGUE[code]
    return JSONResponse({"title": said.title, "text": said.text}, said.status)


async def _admit(tool: Tool, opened: Opened, ip: str | None) -> Session:
    """Give the teacher a token for the section, and write down that we did."""
    bind_contextvars(district=opened.district_id)
    district = await tool.district(opened.district_id)
    who = Launch(opened.uid, opened.section_id, opened.administrator, opened.learner)
    scopes = await teacher_scopes(
        who, district.policy, lambda: tool.members(district, opened.section_id, opened.uid)
    )
    caller = Caller(
        district_id=district.id,
        client_id=PAGE,
        subject=opened.uid,
        scopes=scopes,
        section_id=opened.section_id,
    )
    async with tool.database.district(district.id) as db:
        objects = {"section": opened.section_id, "scopes": sorted(scopes)}
        await audit.append(db, caller.actor, "page.opened", objects, ip)
    return Session(
        token=tool.tokens.issue(caller, PAGE_LIFE),
        section=opened.section_id,
        may_sync=Scope.SYNCS_WRITE in scopes,
        title=opened.title,
        timezone=opened.timezone,
    )


def _page(opened: Opened, start: Session | dict[str, str]) -> Response:
    return html(
        "page.html",
        frames=opened.frames,
        start=msgspec.to_builtins(start),
        title=opened.title or "Sync to SIS",
    )
