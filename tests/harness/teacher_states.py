"""Walk a teacher's page through each of its states, and let somebody look at every one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from playwright.async_api import expect

from gradesync.core.district import ConsoleAccess
from gradesync_sandbox.faults import Fault, Status
from gradesync_sandbox.schoology.model import User
from harness.browser import BrowserSession, CourseTab, change_district

Visit = Callable[[CourseTab, str], Awaitable[None]]


@dataclass(frozen=True)
class Walk:
    """Walk through the states of one session; `visit` is called in each, with its name."""

    session: BrowserSession
    visit: Visit

    async def through_all(self) -> None:
        opened = await self.session.open()
        await self._before_the_first_sync(opened)
        async with self.session.worker():
            await self._preview(opened)
            await self._result(opened)
            await self._other_tabs(opened)
            await self._compare(opened)
            await self._review(opened)
        await self._offline(opened)
        await self._failures(opened)

    async def _before_the_first_sync(self, opened: CourseTab) -> None:
        await expect(opened.text("can't be sent yet")).to_be_visible()
        await self.visit(opened, "not-synced")
        await opened.tab("Assignments").click()
        await expect(opened.tool.get_by_role("switch").first).to_be_visible()
        await self.visit(opened, "assignments-before")
        await opened.tab("SIS Sync Log").click()
        await expect(opened.text("There was no sync")).to_be_visible()
        await self.visit(opened, "empty-log")
        await opened.tab("Compare").click()
        await expect(opened.text("Not compared")).to_be_visible()
        await self.visit(opened, "not-compared")
        await opened.tab("Sync to SIS").click()
        await opened.button("Preview").click()
        await expect(opened.headline).to_have_text("Looking at what would change…")
        await self.visit(opened, "running")

    async def _preview(self, opened: CourseTab) -> None:
        await expect(opened.text("Preview of")).to_be_visible()
        await expect(opened.text("Summer reading plan")).to_be_visible()
        await self.visit(opened, "preview")

    async def _result(self, opened: CourseTab) -> None:
        await opened.sync()
        await expect(opened.text("Summer reading plan")).to_be_visible()
        await self.visit(opened, "needs-attention")
        for heading in ("What was sent", "Left out", "Worth knowing"):
            await opened.text(heading).click()
        await opened.tool.locator(".change summary").first.click()
        await opened.tool.locator(".reason li summary").first.click()
        await self.visit(opened, "all-parts-open")
        for heading in ("What was sent", "Left out", "Worth knowing"):
            await opened.text(heading).click()
        await opened.text("The gradebook at a glance").click()
        await expect(opened.tool.locator(".legend li").first).to_be_visible()
        await self.visit(opened, "picture")

    async def _other_tabs(self, opened: CourseTab) -> None:
        await opened.tab("Assignments").click()
        await self.visit(opened, "assignments")
        await opened.tool.get_by_label("Grading category").select_option(index=1)
        await expect(opened.tool.get_by_role("button", name="Turn off all of")).to_be_visible()
        await self.visit(opened, "category")
        await opened.tool.get_by_label("Search").fill("no such name")
        await self.visit(opened, "nothing-found")
        await opened.tool.get_by_label("Search").fill("")
        await opened.tab("SIS Sync Log").click()
        await expect(opened.tool.get_by_role("button", name="Details").first).to_be_visible()
        await self.visit(opened, "log")
        await opened.tool.get_by_role("button", name="Details").first.click()
        await expect(opened.button("Back to the log")).to_be_visible()
        await expect(opened.text("Needs attention")).to_be_visible()
        await self.visit(opened, "details")
        await opened.button("Back to the log").click()

    async def _compare(self, opened: CourseTab) -> None:
        scored = [title for title, column in self.session.sis().items() if any(column.values())]
        for title in scored[:2]:
            self.session.edit_in_sis(title, Decimal("0.5"))
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await expect(opened.tool.locator(".decisions li")).to_have_count(2)
        await expect(opened.tool.locator(".compared .legend li").first).to_be_visible()
        await self.visit(opened, "compared")
        await opened.tool.get_by_role("button", name="Keep it and stop sending:").first.click()
        await opened.button("Explain the totals").click()
        await expect(opened.tool.locator(".totals h3")).to_be_visible()
        await opened.tool.locator(".students summary").first.click()
        await self.visit(opened, "decided-and-totals")
        await opened.tab("Sync to SIS").click()

    async def _review(self, opened: CourseTab) -> None:
        section, schoology = self.session.room.section, self.session.world.schoology
        for item in section.standing():
            for uid in self.session.room.students:
                schoology.clear(section.id, item.id, uid)
        await self._waiting()
        await opened.button("Sync to SIS").click()
        await expect(opened.button("Review")).to_be_visible()
        await self.visit(opened, "stopped")
        await opened.button("Review").click()
        await opened.tool.locator(".change summary").filter(visible=True).first.click()
        await opened.tool.get_by_role("button", name="Clear").click()
        await self.visit(opened, "confirm")
        await opened.tool.locator(".confirm").get_by_role("button", name="Clear").click()
        await expect(opened.text("scores cleared")).to_be_visible()
        await self.visit(opened, "approved")

    async def _waiting(self) -> None:
        """Visit the page with a count of what waits."""
        opened = await self.session.open_counting()
        await expect(opened.text("changed in Schoology since")).to_be_visible()
        await self.visit(opened, "waiting")
        await opened.page.close()

    async def _offline(self, opened: CourseTab) -> None:
        await self.session.context.set_offline(True)
        for tab in ("Assignments", "SIS Sync Log", "Compare", "Sync to SIS"):
            await opened.tab(tab).click()
            await expect(opened.text("The service can't be reached.")).to_be_visible()
            await self.visit(opened, f"offline-{tab.lower().replace(' ', '-')}")
        await self.session.context.set_offline(False)

    async def _failures(self, opened: CourseTab) -> None:
        session = self.session
        session.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
        async with session.worker():
            await opened.button("Sync to SIS").click()
            await expect(opened.text("Nothing was sent.")).to_be_visible()
            await self.visit(opened, "failed")
        session.forget()
        await opened.tab("Assignments").click()
        await expect(opened.text("This is what was known")).to_be_visible()
        await self.visit(opened, "schoology-down")
        session.sandbox.faults.rules.clear()
        await session.context.route("**/syncs?**", lambda route: route.abort())
        await self._open("unreachable", "isn't known right now")
        await session.context.unroute_all()
        student = session.world.schoology.users[session.room.section.students()[0].uid]
        await self._open("refused", "This page is for teachers.", student)
        await change_district(session, console=ConsoleAccess("none"))
        await self._open("looks-only", "a course admin of this course", session.world.admin)
        session.clock.ahead = timedelta(hours=2)
        await opened.tab("Sync to SIS").click()
        await expect(opened.text("so it has ended")).to_be_visible()
        await self.visit(opened, "ended")

    async def _open(self, state: str, text: str, user: User | None = None) -> None:
        opened = await self.session.open(user)
        await expect(opened.text(text)).to_be_visible()
        await self.visit(opened, state)
        await opened.page.close()
