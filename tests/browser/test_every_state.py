"""Check every state of the page with axe-core: wide in light colors, as a phone in dark ones."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import expect

from gradesync_sandbox.faults import Fault, Status
from harness.accessibility import find_violations
from harness.browser import BrowserSession, CourseTab

LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (360, "dark"))
SHOTS = os.environ.get("GRADESYNC_SCREENSHOTS")
WIDTH = "() => document.documentElement.scrollWidth"


@dataclass
class Checker:
    """Collect what axe finds, and what is wider than a phone, by the name of the state."""

    opened: CourseTab
    found: dict[str, list[str]]

    async def check(self, state: str) -> None:
        page = self.opened.page
        for width, scheme in LOOKS:
            await page.set_viewport_size({"width": width, "height": 900})
            await page.emulate_media(color_scheme=scheme)
            violations = await find_violations(self.opened)
            needed = await self.opened.tool.locator("body").evaluate(WIDTH)
            if needed > width:
                violations.append(f"{needed} px wide")
            if violations:
                self.found[f"{state}, {width} px, {scheme}"] = violations
            if SHOTS:
                height = await self.opened.tool.locator("body").evaluate("() => document.body.scrollHeight")
                await page.set_viewport_size({"width": width, "height": min(height + 160, 4000)})
                await page.screenshot(path=Path(SHOTS) / f"{state}-{width}-{scheme}.png")
        await page.set_viewport_size({"width": 1000, "height": 900})


async def open_folds(opened: CourseTab) -> None:
    for heading in ("What was sent", "Left out", "Worth knowing"):
        await opened.text(heading).click()
    await opened.tool.locator(".change summary").first.click()


@pytest.mark.long
async def test_axe_finds_nothing_in_any_state(session: BrowserSession) -> None:
    opened = await session.open()
    checker = Checker(opened, {})
    await expect(opened.text("can't be sent yet")).to_be_visible()
    await checker.check("1-not-synced")
    await opened.tab("Assignments").click()
    await expect(opened.tool.get_by_role("switch").first).to_be_visible()
    await checker.check("2-assignments-before")
    await opened.tab("SIS Sync Log").click()
    await expect(opened.text("There was no sync")).to_be_visible()
    await checker.check("3-empty-log")
    await opened.tab("Sync to SIS").click()
    await opened.button("Preview").click()
    await expect(opened.headline).to_have_text("Looking at what would change…")
    await checker.check("4-running")
    async with session.worker():
        await expect(opened.text("Preview of")).to_be_visible()
        await expect(opened.text("Summer reading plan")).to_be_visible()
        await checker.check("5-preview")
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Last sync:")).to_be_visible()
        await open_folds(opened)
        await checker.check("6-needs-attention")
        await check_other_tabs(opened, checker)
        await check_review(session, opened, checker)
    await check_failures(session, opened, checker)
    assert checker.found == {}


async def check_other_tabs(opened: CourseTab, checker: Checker) -> None:
    await opened.tab("Assignments").click()
    await opened.tool.get_by_label("Grading category").select_option(index=1)
    await expect(opened.tool.get_by_role("button", name="Turn off all of")).to_be_visible()
    await checker.check("7-category")
    await opened.tool.get_by_label("Search").fill("no such name")
    await checker.check("8-nothing-found")
    await opened.tab("SIS Sync Log").click()
    await expect(opened.tool.get_by_role("button", name="Details").first).to_be_visible()
    await checker.check("9-log")
    await opened.tool.get_by_role("button", name="Details").first.click()
    await expect(opened.button("Back to the log")).to_be_visible()
    await expect(opened.text("Needs attention")).to_be_visible()
    await checker.check("10-details")
    await opened.tab("Sync to SIS").click()


async def check_review(session: BrowserSession, opened: CourseTab, checker: Checker) -> None:
    section = session.room.section
    for item in section.standing():
        for uid in session.room.students:
            session.world.schoology.clear(section.id, item.id, uid)
    await opened.button("Sync to SIS").click()
    await expect(opened.button("Review")).to_be_visible()
    await checker.check("11-stopped")
    await opened.button("Review").click()
    await opened.tool.locator(".change summary").first.click()
    await opened.tool.get_by_role("button", name="Clear").click()
    await checker.check("12-confirm")
    await opened.tool.locator(".confirm").get_by_role("button", name="Clear").click()
    await expect(opened.text("scores cleared")).to_be_visible()
    await checker.check("13-approved")


async def check_failures(session: BrowserSession, opened: CourseTab, checker: Checker) -> None:
    session.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
    async with session.worker():
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Nothing was sent.")).to_be_visible()
        await checker.check("14-failed")
    await opened.tab("Assignments").click()
    await expect(opened.text("Schoology isn't responding")).to_be_visible()
    await checker.check("15-schoology-down")
    session.sandbox.faults.rules.clear()
    await session.context.route("**/syncs?**", lambda route: route.abort())
    await check_page(session.open, checker, "16-unreachable", "isn't known right now")
    student = session.world.schoology.users[session.room.section.students()[0].uid]
    await check_page(lambda: session.open(student), checker, "17-refused", "This page is for teachers.")


async def check_page(
    open_page: Callable[[], Awaitable[CourseTab]], checker: Checker, state: str, text: str
) -> None:
    checker.opened = await open_page()
    await expect(checker.opened.text(text)).to_be_visible()
    await checker.check(state)
