"""Open a session in a browser: Schoology's pages, gradesync, and people who open it in Chromium.

The tool is served on `localhost` and Schoology's pages on `127.0.0.1`: another site, as in a district.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FrameLocator,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradesync.api.live import Live
from gradesync.cli.serving import application
from gradesync.core.district import District
from gradesync.db import districts
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync.worker.pool import run_worker
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.schoology.model import Item, User
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.serving import Served
from harness.apps import lend_app
from harness.known_districts import district_of, mark_budgets_known, register_district
from harness.ports import lend_port
from harness.runtimes import lend_runtime

# The shell takes a fourth of the time: it draws no window around each page.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--disable-site-isolation-trials",  # one process: Playwright loses frames that move to another
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--test-third-party-cookie-phaseout",  # another site's cookies only where they are `Partitioned`
)


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    """Start Chromium. Raises where there is none; outside of CI its tests are skipped instead."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and "CI" not in os.environ:
        pytest.skip("needs Chromium: apt-get install chromium-headless-shell")
    assert found, "These tests need Chromium: apt-get install chromium-headless-shell"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=[*FLAGS])
        yield browser
        await browser.close()


@dataclass
class Clock:
    """Return the time, moved on as far as a test asks."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Front:
    """Forward everything to gradesync, as a proxy before it.

    `cookies` off stands for a browser that keeps none. `away`: the proxy reaches no gradesync, and names
    these seconds. `cuts`: it loses the connection amid the bodies of the API.
    """

    app: ASGIApp
    cookies: bool = True
    away: int | None = None
    cuts: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_api = scope.get("path", "").startswith("/sections/")

        async def forward(message: Message) -> None:
            if message["type"] == "http.response.start" and not self.cookies:
                message["headers"] = [pair for pair in message["headers"] if pair[0] != b"set-cookie"]
            if message["type"] == "http.response.body" and self.cuts and of_api:
                message["body"] = message["body"][:-1]
            await send(message)

        if self.away is not None and of_api:
            head = [(b"retry-after", str(self.away).encode())]
            await send({"type": "http.response.start", "status": 503, "headers": head})
            await send({"type": "http.response.body", "body": b"no server"})
            return
        await self.app(scope, receive, forward)


@dataclass
class BrowserSession:
    """Hold one district, and the browser of its people.

    `complaints` are the errors that a browser reports of our pages, and their calls to third parties.
    """

    runtime: Runtime
    sandbox: Sandbox
    context: BrowserContext
    app: FastAPI
    front: Front
    served: Served
    url: str
    clock: Clock
    complaints: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def room(self) -> Classroom:
        return self.world.classrooms[0]

    def course(self, user: User | None = None, page: str = "course", **query: str) -> str:
        """Return the address of the course page in Schoology for a user."""
        who = {"user": str((user or self.room.teacher).uid), "section": str(self.room.section.id)}
        return f"{self.sandbox.lti_url}/{page}?{urlencode(who | query)}"

    async def open(self, user: User | None = None, **query: str) -> "CourseTab":
        """Open the course in a new tab, which opens the tool in its frame."""
        page = await self.context.new_page()
        await page.goto(self.course(user, **query))
        return CourseTab(page, page.frame_locator("iframe[name=tool]"))

    async def open_synced(self) -> "CourseTab":
        """Open the course, and sync it."""
        async with self.worker():
            opened = await self.open()
            await opened.sync()
        return opened

    async def open_counting(self) -> "CourseTab":
        """Open the course, and count what waits as a process does that has read nothing yet."""
        self.forget()
        return await self.open()

    def forget(self) -> None:
        """Forget what was read of Schoology, as a process does that has just started."""
        self.app.state.live = Live(self.runtime)

    def worker(self) -> AbstractAsyncContextManager[None]:
        """Run a worker while the block lasts."""
        return run_worker(self.runtime)

    def cut(self) -> None:
        """Break every connection to gradesync."""
        for connection in [*self.served.server.server_state.connections]:
            connection.transport.abort()

    def sis(self) -> dict[str, dict[int, str | None]]:
        """Return the SIS gradebook: name -> STUDENTS.DCID -> text."""
        return self.world.powerschool.gradebook.table(self.room.sis)

    def edit_in_sis(self, beginning: str, points: Decimal) -> tuple[Item, int]:
        """Change one student's score in the SIS; return the assignment, found by its title, and the uid."""
        room, gradebook = self.room, self.world.powerschool.gradebook
        item = next(item for item in room.section.standing() if item.title.startswith(beginning))
        (assignment,) = gradebook.named(room.sis, item.title)
        part = assignment.section(room.sis.dcid)
        scores = gradebook.scores[part.assignmentsectionid]
        uid = next(uid for uid, student in room.students.items() if student.dcid in scores)
        gradebook.edit_score(part, room.students[uid], points)
        return item, uid

    def rescale_in_sis(self, title: str, points: Decimal) -> None:
        """Change the total points of an assignment in the SIS."""
        gradebook, sis = self.world.powerschool.gradebook, self.room.sis
        (assignment,) = gradebook.named(sis, title)
        gradebook.edit_assignment(assignment.section(sis.dcid), points=points)

    def watch(self) -> None:
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        ours = message.location["url"].startswith(self.url)
        if ours and message.type in {"error", "warning"} and not message.text.startswith("Failed to load"):
            self.complaints.append(message.text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.url, self.sandbox.lti_url, "blob:")):
            self.complaints.append(f"a call to {request.url}")


@dataclass(frozen=True)
class CourseTab:
    """Hold the course page in a tab, and the tool in its frame."""

    page: Page
    tool: FrameLocator

    def button(self, name: str) -> Locator:
        return self.tool.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> Locator:
        return self.tool.get_by_role("tab", name=name)

    def switch(self, title: str) -> Locator:
        return self.tool.get_by_role("switch", name=title)

    def text(self, text: str) -> Locator:
        return self.tool.get_by_text(text).filter(visible=True).first

    @property
    def headline(self) -> Locator:
        return self.tool.get_by_role("heading", level=2)

    async def sync(self) -> None:
        """Sync, and wait until the page shows that it is done."""
        await self.button("Sync to SIS").click()
        await expect(self.text("Last sync:")).to_be_visible()

    async def active(self) -> str:
        """Return the text or the label of the element that has the focus in the tool."""
        return str(
            await self.tool.locator("body").evaluate(
                "() => (document.activeElement.textContent || document.activeElement.ariaLabel).trim()"
            )
        )


@asynccontextmanager
async def open_session(
    settings: Settings, world: World, browser: Browser, **context: Any
) -> AsyncIterator[BrowserSession]:
    """Serve a world and gradesync for it; no worker yet."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(world))
        port, clock = stack.enter_context(lend_port()), Clock()
        url = f"http://localhost:{port}"
        runtime = await stack.enter_async_context(lend_runtime(settings.filled(public_url=url), clock))
        await mark_budgets_known(runtime.redis)
        await register_district(runtime.context.database, district_of(sandbox))
        app = stack.enter_context(lend_app(application, runtime))
        front = Front(app)
        served = Served(front, "127.0.0.1", port)
        await served.start()
        stack.push_async_callback(served.stop)
        world.lti.register(f"{url}/lti/login", f"{url}/lti/launch")
        people = await browser.new_context(**context)
        stack.push_async_callback(people.close)
        session = BrowserSession(runtime, sandbox, people, app, front, served, url, clock)
        session.watch()
        yield session


async def change_district(session: BrowserSession, **changes: Any) -> District:
    """Change the one district that is served, and return it as it was."""
    async with session.runtime.context.database.without_tenant() as db:
        (known,) = await districts.list_names(db)
    async with session.runtime.context.database.district(known.id) as db:
        district = await districts.get(db)
        assert district is not None
        await districts.apply(db, replace(district, **changes))
    return district


async def open_synced_console(session: BrowserSession) -> CourseTab:
    """Sync the course as its teacher, and open the console at it as the district's administrator."""
    course = await session.open()
    await course.sync()
    opened = await session.open(session.world.admin)
    await opened.button("Open the district's console").click()
    await opened.tool.locator("nav .course").click()
    return opened
