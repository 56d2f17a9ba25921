"""Handle the launch: from what the platform posts to the teacher's page, or to the console."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from structlog.contextvars import bind_contextvars

from gradesync.access.launch import Launch
from gradesync.access.teacher import teacher_scopes
from gradesync.access.tokens import PAGE, PAGE_LIFETIME, Caller, Scope, source_ip
from gradesync.core.district import District
from gradesync.db import audit
from gradesync.errors import RequestRefused
from gradesync.lti import browser, forms, logins
from gradesync.lti.console_start import ConsoleStart, start_console
from gradesync.lti.logins import CheckedLaunch, PendingLaunch
from gradesync.lti.lti11 import check_form
from gradesync.lti.lti13 import check_launch_token
from gradesync.lti.responses import html
from gradesync.lti.tool import Tool, origin_of, tool_of


class Session(msgspec.Struct, frozen=True):
    """Hold what the page starts with: a token of one section, and what it shows without a request.

    Without a token it is the console that opens. With both, the teacher's page offers the console.
    """

    token: str | None
    section: str | None
    person: str
    may_sync: bool
    title: str | None
    timezone: str | None
    console: ConsoleStart | None = None


class Proof(msgspec.Struct, frozen=True):
    """Prove that the browser started the login: it has the state from the platform's storage."""

    ticket: str
    value: str


async def launch(request: Request) -> Response:
    """Handle `POST /lti/launch`: LTI 1.3 and 1.1."""
    tool = tool_of(request)
    await tool.count_request("launch", request)
    form = await forms.read(request)
    if "lti_message_type" in form:
        checked = await check_form(tool, form)
        return await _page(tool, checked, await _open_session(tool, checked, source_ip(request)))
    state = forms.require(form, "state")
    login = await logins.take_login(tool.redis, state)
    if login is None:
        raise RequestRefused("launch-over", "The state is unknown, used or old.")
    if "error" in form:
        raise RequestRefused("platform-refused", "The platform answered with an error.")
    checked = await check_launch_token(tool, login, forms.require(form, "id_token"))
    if browser.is_same_browser(request, login.browser):
        return await _page(tool, checked, await _open_session(tool, checked, source_ip(request)))
    if login.storage is None:
        raise RequestRefused("browser-unknown", "The browser sent no cookie of this login.")
    ticket = await logins.save_launch(tool.redis, PendingLaunch(checked, state))
    stored = {"frame": login.storage.target, "origin": login.storage.origin, "state": state}
    return await _page(tool, checked, {"ticket": ticket, **stored})


async def confirm(request: Request) -> Response:
    """Handle `POST /lti/confirm`: exchange ticket and state of a pending launch for its session."""
    # Only our own page may: the browser sets the origin of a request.
    tool = tool_of(request)
    if origin_of(request.headers.get("origin", "")) != origin_of(tool.public_url):
        raise RequestRefused("browser-unknown", "The request comes from another origin.")
    await tool.count_request("launch", request)
    try:
        proof = msgspec.json.decode(await request.body(), type=Proof)
    except (msgspec.DecodeError, RecursionError) as error:
        raise forms.not_valid("It cannot be read.") from error
    pending = await logins.take_launch(tool.redis, proof.ticket)
    if pending is None or proof.value != pending.state:
        raise RequestRefused("browser-unknown", "The browser does not have the state of this login.")
    session = await _open_session(tool, pending.launch, source_ip(request))
    return JSONResponse(msgspec.to_builtins(session), headers={"cache-control": "no-store"})


async def _open_session(tool: Tool, launch: CheckedLaunch, ip: str | None) -> Session:
    """Issue the tokens of a launch, and record that in the audit log."""
    bind_contextvars(district=launch.district_id)
    district = await tool.district(launch.district_id)
    console = await start_console(tool, district, launch.uid, ip) if launch.system_admin else None
    caller = await _teacher(tool, district, launch.instructor) if launch.instructor else None
    may_sync = caller is not None and Scope.SYNCS_WRITE in caller.scopes
    if console and not may_sync:
        caller = None  # the console shows all that a page to look at would
    if caller:
        async with tool.database.district(district.id) as db:
            objects = {"section": caller.section_id, "scopes": sorted(caller.scopes)}
            await audit.append(db, caller.actor, "page.opened", objects, ip)
    return Session(
        token=tool.tokens.issue(caller, PAGE_LIFETIME) if caller else None,
        section=launch.instructor.section_id if launch.instructor else None,
        person=launch.uid,
        may_sync=may_sync,
        title=launch.title,
        timezone=launch.timezone,
        console=console,
    )


async def _teacher(tool: Tool, district: District, launch: Launch) -> Caller:
    """Return the caller of a page in the section where the launch has an instructor."""
    scopes = await teacher_scopes(
        launch, district.policy, lambda: tool.members(district, launch.section_id, launch.uid)
    )
    return Caller(
        district_id=district.id,
        client_id=PAGE,
        subject=launch.uid,
        scopes=scopes,
        section_id=launch.section_id,
    )


async def _page(tool: Tool, launch: CheckedLaunch, start: Session | dict[str, str]) -> Response:
    district = await tool.district(launch.district_id)
    return html(
        "page.html",
        frames=launch.frames,
        start=msgspec.to_builtins(start),
        title=launch.title or "Sync to SIS",
        sis=district.sis.name,
    )
