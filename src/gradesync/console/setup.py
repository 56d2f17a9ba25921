"""Let an invited person set up one district: a session reads, saves, checks, and sees the first sync."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from structlog.contextvars import bind_contextvars

from gradesync.access.tokens import source_ip
from gradesync.api.schemas.render import render_sync
from gradesync.console.settings import (
    USUAL,
    FieldMistake,
    Parse,
    SettingsRefused,
    list_secrets,
    merge,
    read_settings,
)
from gradesync.core.catalog import use_sis_name
from gradesync.db import audit, districts, invitations, links, syncs
from gradesync.db.codec import is_storable
from gradesync.db.districts import InstallationTaken
from gradesync.errors import RequestRefused
from gradesync.lti.responses import html
from gradesync.lti.tool import Tool, tool_of

TOOL = "../lti/"
NO_FRAMES = ("'none'",)
CHECK_TIME = timedelta(seconds=30)
# A district's id and a secret: of a link, or of a session.
CREDENTIAL = re.compile(r"(?P<district>[a-z0-9][a-z0-9-]{0,62})\.(?P<secret>[A-Za-z0-9_-]{43})")
# Only what the page shows of a sync: nothing about people, and no text that a person wrote.
SHOWN: dict[str, Any] = {
    **dict.fromkeys(("section_id", "status", "result", "attention", "stage", "applied", "dry_run"), True),
    **dict.fromkeys(("assignments_selected", "retry_of", "progress", "assignments", "scores"), True),
    **dict.fromkeys(("fingerprint", "approve"), True),
    "paused": {"since"},
    "guard": {"explanation"},
    "error": {"explanation", "fix"},
}

T = TypeVar("T")


class Link(msgspec.Struct, frozen=True):
    """Take what follows the # in the address of an invitation."""

    link: str


class CheckRequest(msgspec.Struct, frozen=True):
    """Take a Schoology section to try the ids with; None for one that is linked, if any."""

    section: str | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """Identify the person of a session, and their district."""

    district_id: str
    name: str

    @property
    def actor(self) -> str:
        """Return the person as the audit log names them."""
        return f"invited:{self.name}"


async def page(_: Request) -> Response:
    """Handle `GET /console/setup`: the page. The link's secret follows a #, and never gets here."""
    return html("setup.html", frames=NO_FRAMES, tool=TOOL)


async def open_session(request: Request) -> Response:
    """Handle `POST /console/setup/session`: exchange a link, once."""
    tool, ip = tool_of(request), source_ip(request)
    await tool.count_request("setup", request)
    district_id, secret = _credential((await _read(request, Link)).link)
    async with tool.database.district(district_id) as db:
        opened = await invitations.redeem(db, secret)
        if opened is None:
            raise RequestRefused("invitation-over", "The link is unknown, used or old.")
        invited = Invited(district_id, opened[0])
        await audit.append(db, invited.actor, "invitation.used", {"district": district_id}, ip)
    session = {"session": f"{district_id}.{opened[1]}", "district": district_id, "name": invited.name}
    return _json(session)


async def show_or_save(request: Request) -> Response:
    """Handle `/console/setup/district`. One route: a 405 names the methods of a route."""
    return await (save if request.method == "PUT" else show)(request)


async def show(request: Request) -> Response:
    """Handle `GET /console/setup/district`: the settings so far, without secrets."""
    tool, invited = await _authorize(request)
    async with tool.database.district(invited.district_id) as db:
        district = await districts.get(db)
    answer: dict[str, Any] = {"district": invited.district_id, "settings": {}, "secrets": [], "usual": USUAL}
    if district:
        answer |= {"settings": read_settings(district), "secrets": list_secrets(district)}
    return _json(answer)


async def save(request: Request) -> Response:
    """Handle `PUT /console/setup/district`: validate what was filled in, and store it."""
    tool, invited = await _authorize(request)
    filled_in = await _read(request, dict[str, Any])
    parse: Parse = request.app.state.parse
    try:
        async with tool.database.with_lock(invited.district_id, "setup") as db:
            await districts.lock(db)  # the policy may be changed meanwhile
            district = parse(merge(await districts.get(db), filled_in, invited.district_id))
            applied = await districts.apply(db, district)
            if applied != "unchanged":
                objects = {"district": district.id, "tables": sorted(filled_in)}
                await audit.append(db, invited.actor, f"district.{applied}", objects, source_ip(request))
    except InstallationTaken as taken:
        hint = "Check the client id, the deployment id and the LTI 1.1 key"
        raise SettingsRefused(FieldMistake("lti", str(taken), hint)) from taken
    return _json({"district": district.id, "applied": applied})


async def check(request: Request) -> Response:
    """Handle `POST /console/setup/check`: try both systems as they are set up now, read-only."""
    tool, invited = await _authorize(request)
    section_id = (await _read(request, CheckRequest)).section
    async with tool.database.district(invited.district_id) as db:
        district = await districts.get(db)
        linked = await links.page(db, limit=1)
    if district is None:
        raise RequestRefused("setup-empty", "Nothing is saved yet.")
    if section_id is not None and not re.fullmatch(r"[0-9]{1,20}", section_id):
        hint = "Copy the number after /course/ in the address of a course"
        raise SettingsRefused(FieldMistake("section", "The section is not a number", hint))
    use_sis_name(district.sis.name)
    section_id = section_id or next((link.section_id for link in linked), None)
    findings = await tool.systems.check(district, until=tool.clock() + CHECK_TIME, section_id=section_id)
    failed = {"failed": [finding.check for finding in findings if not finding.ok]}
    async with tool.database.district(invited.district_id) as db:
        await audit.append(db, invited.actor, "connections.checked", failed, source_ip(request))
    return _json({"ok": not failed["failed"], "findings": [asdict(finding) for finding in findings]})


async def show_newest_sync(request: Request) -> Response:
    """Handle `GET /console/setup/sync`: the newest sync, to see the first section arrive; null before it."""
    tool, invited = await _authorize(request)
    async with tool.database.district(invited.district_id) as db:
        district = await districts.get(db)
        newest = next(iter(await syncs.page(db, limit=1)), None)
        link = await links.get(db, newest.section_id) if newest else None
    if district is None:
        raise RequestRefused("setup-empty", "Nothing is saved yet.")
    use_sis_name(district.sis.name)
    sync = render_sync(newest, None).model_dump(mode="json", include=SHOWN) if newest else None
    return _json({"sync": sync, "title": link.title if link else "", "sis": district.sis.name})


def render_mistakes(refused: SettingsRefused) -> Response:
    """Return the mistakes of settings that cannot be used, each with its setting and a hint."""
    mistakes = [asdict(mistake) for mistake in refused.mistakes]
    return _json({"title": "Some settings can't be used yet.", "mistakes": mistakes}, 422)


async def _authorize(request: Request) -> tuple[Tool, Invited]:
    """Return the person of the request's session. Raises `RequestRefused("invitation-over")`."""
    tool = tool_of(request)
    await tool.count_request("setup", request)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    district_id, secret = _credential(given if scheme.lower() == "bearer" else "")
    async with tool.database.district(district_id) as db:
        name = await invitations.find(db, secret)
    if name is None:
        raise RequestRefused("invitation-over", "The session is unknown or over.")
    bind_contextvars(district=district_id)
    return tool, Invited(district_id, name)


def _credential(text: str) -> tuple[str, str]:
    if found := CREDENTIAL.fullmatch(text):
        return found["district"], found["secret"]
    raise RequestRefused("invitation-over", "It is no link and no session.")


async def _read(request: Request, type_: type[T]) -> T:
    try:
        value = msgspec.json.decode(await request.body(), type=type_)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RequestRefused("setup-not-readable", "The body cannot be read.") from error
    if not is_storable(msgspec.to_builtins(value)):
        raise RequestRefused("setup-not-readable", "A character no text can have.")
    return value


def _json(content: Mapping[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, headers={"cache-control": "no-store"})
