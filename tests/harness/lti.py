"""Call the LTI tool as Schoology's platform and a browser do: real servers, and no browser."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from redis.exceptions import RedisError

from gradesync.access.tokens import Caller
from gradesync.cli.serving import application
from gradesync.core.district import District
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.lti.authorize import authorize
from gradesync_sandbox.lti.platform import Launch
from gradesync_sandbox.schoology.model import User
from gradesync_sandbox.server import Sandbox
from harness.apps import lend_app
from harness.known_districts import district_of, mark_budgets_known, register_district
from harness.runtimes import lend_runtime

TOOL = "https://tool.example"


class Page(HTMLParser):
    """Parse the data that a page starts with, its links and its text."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text = ""
        self._data: str | None = None
        self.start: dict[str, Any] = {}
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._data = given.get("id") if tag == "script" else None
        self.links += [link for name in ("href", "src") if (link := given.get(name))]

    def handle_endtag(self, tag: str) -> None:
        self._data = None

    def handle_data(self, data: str) -> None:
        if self._data == "start":
            self.start = json.loads(data)
        else:
            self.text += data


@dataclass
class LtiHarness:
    """Drive the tool from a browser: `browser` keeps cookies."""

    runtime: Runtime
    sandbox: Sandbox
    browser: httpx.AsyncClient
    district: District

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def room(self) -> Classroom:
        return self.world.classrooms[0]

    def student(self) -> User:
        return self.world.schoology.users[self.room.section.students()[0].uid]

    def initiation(self, user: User | None = None, **more: str) -> dict[str, str]:
        """Return the parameters with which the platform starts a login, without empty ones."""
        platform, user = self.world.lti, user or self.room.teacher
        roles = platform.roles_of(user, self.room.section)
        given = {
            "iss": platform.issuer,
            "login_hint": str(user.uid),
            "client_id": platform.client_id,
            "target_link_uri": f"{TOOL}/lti/launch",
            "lti_message_hint": platform.remember(Launch(user, self.room.section, roles)),
            "lti_deployment_id": platform.deployment_id,
            **more,
        }
        return {name: value for name, value in given.items() if value}

    async def login(self, user: User | None = None, **more: str) -> httpx.Response:
        """Start a login, and follow the tool's own redirects."""
        answer = await self.browser.get("/lti/login", params=self.initiation(user, **more))
        while answer.is_redirect and answer.headers["location"].startswith("login?"):
            answer = await self.browser.get(f"/lti/{answer.headers['location']}")
        return answer

    def authorization_request(self, answer: httpx.Response) -> dict[str, str]:
        """Return the tool's authorization request after a login."""
        onward = answer.headers.get("location") or Page(answer).start["next"]
        return dict(parse_qsl(urlsplit(onward).query))

    def authorize(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Return the form that the platform lets the browser post."""
        return authorize(self.world.lti, asked).fields

    def forge(self, asked: Mapping[str, str], user: User | None = None, **overrides: Any) -> dict[str, str]:
        """Return the same form with another id_token; `overrides` replace its claims."""
        overrides = {"nonce": asked["nonce"], **overrides}
        token = self.world.lti.id_token(user or self.room.teacher, self.room.section, **overrides)
        return {"state": asked["state"], "id_token": token}

    async def post(self, form: Mapping[str, str]) -> httpx.Response:
        return await self.browser.post("/lti/launch", data=dict(form))

    async def launch(self, user: User | None = None, **overrides: Any) -> httpx.Response:
        """Launch the tool in this browser; `overrides` replace the id_token's claims."""
        return await self.post(
            self.forge(self.authorization_request(await self.login(user)), user, **overrides)
        )

    def caller(self, answer: httpx.Response) -> Caller:
        """Return the caller of the page's token."""
        assert answer.status_code == 200, answer.text
        return self.runtime.tokens.verify(Page(answer).start["token"])


@asynccontextmanager
async def open_lti(settings: Settings, world: World) -> AsyncIterator[LtiHarness]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(world))
        world.lti.register(f"{TOOL}/lti/login", f"{TOOL}/lti/launch")
        at_home = settings.filled(public_url=TOOL)
        runtime = await stack.enter_async_context(lend_runtime(at_home))
        with suppress(RedisError):  # of tests in which there is none
            await mark_budgets_known(runtime.redis)
        app = stack.enter_context(lend_app(application, runtime))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        browser = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=TOOL))
        district = district_of(sandbox)
        tool = LtiHarness(runtime, sandbox, browser, district)
        await apply(tool, district)
        yield tool


async def apply(tool: LtiHarness, district: District) -> None:
    await register_district(tool.runtime.context.database, district)
    tool.district = district


async def choose(tool: LtiHarness, **policy: Any) -> None:
    """Change the district's policy."""
    await apply(tool, replace(tool.district, policy=replace(tool.district.policy, **policy)))
