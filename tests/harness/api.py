"""Run the API on real servers and a simulated district, without a worker of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from gradesync.access.console import console_caller
from gradesync.access.tokens import PAGE_LIFETIME, Scope
from gradesync.api.app import create_app
from gradesync.api.live import Live, SectionRef
from gradesync.api.routes.operations import share_readiness
from gradesync.core.district import ConsoleAccess, District
from gradesync.core.sis import Policy
from gradesync.db import clients
from gradesync.db.tables import metadata
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync.systems import UpstreamSystems
from gradesync.upstream.client import Backoff
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.faults import Fault, RefuseBefore, Status, System
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.server import Sandbox
from harness.apps import lend_app
from harness.known_districts import district_of, mark_budgets_known, register_district
from harness.runtimes import lend_runtime
from harness.servers import Urls

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
SOON = Backoff(attempts=2, initial=0.01, longest=0.02, jitter=0.01)
EVERYTHING = tuple(str(scope) for scope in Scope)

Credentials = tuple[str, str]


def expect_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem of a response, which names a fix and nothing internal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].endswith(f"/problems/{code}")
    assert body["title"]
    assert body["fix"]
    assert not any(word in answer.text for word in ("Traceback", "sqlalchemy", "asyncpg", 'File "'))
    return body


@dataclass(frozen=True)
class ApiClient:
    """Call the API as one caller."""

    http: httpx.AsyncClient
    token: str | None = None

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **more)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.ask("GET", path, params=query or None)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, json=body, **more)


@dataclass
class ApiHarness:
    """Drive one district behind the API."""

    app: FastAPI
    http: httpx.AsyncClient
    runtime: Runtime
    sandbox: Sandbox
    urls: Urls
    district: District
    front_end: Credentials

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def room(self) -> Classroom:
        return self.world.classrooms[0]

    @property
    def section(self) -> str:
        return str(self.room.section.id)

    @property
    def path(self) -> str:
        return f"/sections/{self.section}"

    @property
    def anonymous(self) -> ApiClient:
        return ApiClient(self.http)

    async def client(self, *scopes: str, district_id: str | None = None) -> Credentials:
        async with self.runtime.context.database.district(district_id or self.district.id) as db:
            return await clients.create(db, scopes, created_by="operator:test")

    async def office(self, *scopes: str, district_id: str | None = None) -> ApiClient:
        """Return the district's own client, with every scope where none are named."""
        credentials = await self.client(*(scopes or EVERYTHING), district_id=district_id)
        answer = await self.grant(credentials, grant_type="client_credentials")
        return ApiClient(self.http, answer.json()["access_token"])

    async def operator(self) -> ApiClient:
        """Return a system admin in the console, in the role of an operator."""
        await self.replace_district(replace(self.district, console=ConsoleAccess("operator")))
        caller = console_caller(self.district, str(self.world.admin.uid), "operator")
        return ApiClient(self.http, self.runtime.tokens.issue(caller, PAGE_LIFETIME))

    async def teacher(self, room: Classroom | None = None, **overrides: Any) -> ApiClient:
        """Return the section's teacher, who has just launched."""
        answer = await self.exchange(self.launch(room, **overrides))
        assert answer.status_code == 200, answer.text
        return ApiClient(self.http, answer.json()["access_token"])

    def launch(self, room: Classroom | None = None, **overrides: Any) -> str:
        """Return the id_token with which a section's teacher opens the tool; `overrides` replace claims."""
        room = room or self.room
        return self.world.lti.id_token(room.teacher, room.section, **overrides)

    async def exchange(self, id_token: str, client: Credentials | None = None, **more: str) -> httpx.Response:
        form = {"grant_type": EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN, **more}
        return await self.grant(client or self.front_end, **form)

    async def grant(self, client: Credentials | None, **form: str) -> httpx.Response:
        """Ask for a token, by HTTP Basic where a client is named."""
        auth = httpx.BasicAuth(*client) if client else httpx.Auth()
        return await self.http.post("/oauth/token", data=form, auth=auth)

    @property
    def seen_by_office(self) -> SectionRef:
        """Return the section as the district's clients read it."""
        return SectionRef(self.district.id, self.section)

    def restart(self) -> httpx.AsyncClient:
        """Continue as a new process, whose memory is empty."""
        self.app.state.live = Live(self.runtime)
        self.app.state.readiness = share_readiness(self.runtime)
        return self.http

    async def run_queued(self) -> None:
        """Run queued syncs until none can be claimed."""
        while claimed := await claim_from(self.runtime.context, self.district.id):
            await run_sync(self.runtime.context, claimed)

    async def sync(self, who: ApiClient, section: str | None = None, **wanted: Any) -> dict[str, Any]:
        """Run a sync and return it settled."""
        answer = await who.post(f"/sections/{section or self.section}/syncs", wanted)
        assert answer.status_code == 202, answer.text
        await self.run_queued()
        settled: dict[str, Any] = (await who.get(answer.headers["location"])).json()
        assert settled["status"] != "processing"
        return settled

    def refuse(self, system: System) -> None:
        """Make the system refuse every call from now on."""
        self.sandbox.faults.add(Fault(system, "*", Status(403), times=None))

    def cut_off(self, system: System) -> None:
        """Make the system unreachable from now on."""
        self.sandbox.faults.add(Fault(system, "*", RefuseBefore(), times=None))

    def mend(self) -> None:
        self.sandbox.faults.rules.clear()

    def drop_student(self) -> int:
        """Drop a student from the SIS section, not from Schoology, and return the uid."""
        uid, student = next(iter(self.room.students.items()))
        self.world.powerschool.drop(student, self.room.sis)
        return uid

    async def rows(self) -> dict[str, int]:
        """Count the rows of each table, of all districts."""
        async with self.urls.owner() as owner:
            counts = {
                name: await owner.scalar(text(f"SELECT count(*) FROM {name}"))  # noqa: S608 - our own tables
                for name in metadata.tables
            }
        return counts

    async def change_rows(self, statement: str) -> None:
        """Change the district's rows as no code of gradesync does."""
        async with self.runtime.context.database.district(self.district.id) as db:
            await db.execute(text(statement))

    async def change_policy(self, **policy: Any) -> None:
        """Change the district's policy."""
        await self.replace_district(replace(self.district, policy=replace(self.district.policy, **policy)))

    async def add_neighbor(self) -> District:
        """Add a second district, with an LTI deployment of its own."""
        assert self.district.lti is not None
        lti = replace(self.district.lti, deployment_id=f"{self.district.lti.client_id}-2")
        other = replace(self.district, id=f"{self.district.id}-2", lti=lti, lti11=None)
        await register_district(self.runtime.context.database, other)
        return other

    async def replace_district(self, district: District) -> None:
        self.district = district
        await register_district(self.runtime.context.database, district)


@asynccontextmanager
async def open_api(
    settings: Settings, urls: Urls, world: World, *, oneroster: OneRoster | None = None
) -> AsyncIterator[ApiHarness]:
    """Serve the API for the district of a world; with a face its SIS takes grades over OneRoster."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(world, oneroster=oneroster))
        runtime = await stack.enter_async_context(lend_runtime(settings))
        assert isinstance(runtime.systems, UpstreamSystems)
        runtime.systems.backoff = SOON
        await mark_budgets_known(runtime.redis)
        district = replace(district_of(sandbox), policy=Policy(service_sync=True))
        await register_district(runtime.context.database, district)
        app = stack.enter_context(lend_app(create_app, runtime))
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://gradesync.test")
        )
        api = ApiHarness(app, http, runtime, sandbox, urls, district, ("", ""))
        api.front_end = await api.client("token:exchange")
        yield api


def expect_oauth_error(answer: httpx.Response, status: int, error: str, code: str) -> dict[str, Any]:
    """Return an error of the token endpoint: RFC 6749 section 5.2 in JSON, with the problem beside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert (body["error"], body["code"], body["status"]) == (error, code, status)
    assert body["error_description"]
    assert body["type"].endswith(f"/problems/{code}")
    return body
