"""Sync an invented district, and take a picture of each view of its console that the guide shows.

With a folder as argument, take pictures of every state of the teacher's page there instead.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Locator, Page, ViewportSize, expect
from sqlalchemy import text

from bench.environment import PROCESSING, servers
from gradesync.cli import operator
from gradesync.core.district import ConsoleAccess
from gradesync.db import districts
from gradesync.settings import Settings
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, CourseTab, change_district, open_chromium, open_session
from harness.known_districts import request_as_teacher
from screenshots.teacher import take_all

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE: ViewportSize = {"width": 1080, "height": 760}
PHONE: ViewportSize = {"width": 376, "height": 760}
SETTLE_SECONDS = 120
expect.set_options(timeout=180_000)
# The first syncs of a district happen over weeks, not in one minute.
SPREAD = text("""
    UPDATE section_change c SET day = c.day - o.days
    FROM (SELECT section_id, 2 * row_number() OVER (ORDER BY section_id)::int AS days FROM section_change) o
    WHERE c.section_id = o.section_id
""")


async def main(settings: Settings) -> None:
    """Write the pictures of docs/images anew."""
    IMAGES.mkdir(exist_ok=True)
    world = build(students=12, assignments=10, sections=12)
    async with open_chromium() as browser, open_session(settings, world, browser, viewport=WIDE) as session:
        known = await change_district(session, console=ConsoleAccess("operator"))
        await operator.apply(session.runtime, district_toml(session.sandbox, known.id))
        policy = replace(known.policy, runs=True, schedules=True)
        await change_district(session, console=ConsoleAccess("operator"), policy=policy)
        async with session.worker():
            await _sync_all(session)
            await _take_all(session, await session.open(world.admin))
        await _take_setup(session)


async def _sync_all(session: BrowserSession) -> None:
    """Sync all sections but the last, as their teachers."""
    rooms = session.world.classrooms[:-1]
    context = session.runtime.context
    async with context.database.without_tenant() as db:
        (district,) = await districts.list_names(db)
    for room in rooms:
        await request_as_teacher(context, district.id, room)
    async with asyncio.timeout(SETTLE_SECONDS):
        while await _count_running(session, district.id):
            await asyncio.sleep(0.2)
    async with context.database.district(district.id) as db:
        await db.execute(SPREAD)


async def _count_running(session: BrowserSession, district_id: str) -> int:
    async with session.runtime.context.database.district(district_id) as db:
        return await db.scalar(PROCESSING) or 0


async def _take_all(session: BrowserSession, opened: CourseTab) -> None:
    await expect(opened.tool.locator(".tiles")).to_be_visible()
    await expect(opened.text("(97")).to_be_visible()  # the id of a school, beside its title
    await _take(opened.page, "console-overview")
    await _take_sections(opened)
    await _take_categories(opened)
    await _take_preflight(opened)
    await _take_student(session, opened)
    await _take_statement(opened)
    await _take_runs(opened)
    await _take_clients(opened)
    await _open(opened, "Settings", opened.text("policy.schedules"))
    await _take(opened.page, "console-settings")
    await opened.page.set_viewport_size(PHONE)
    await opened.page.emulate_media(color_scheme="dark")
    await _open(opened, "Overview", opened.tool.locator(".tiles"))
    await _take(opened.page, "console-phone")


async def _open(opened: CourseTab, view: str, shown: Locator) -> None:
    await opened.tool.get_by_role("link", name=view, exact=True).click()
    await expect(shown).to_be_visible()


async def _take_sections(opened: CourseTab) -> None:
    """Take the list of sections, and the categories of the first."""
    await _open(opened, "Sections", opened.tool.locator(".rows tbody tr").first)
    await _take(opened.page, "console-sections")
    await opened.tool.locator(".rows tbody a").first.click()
    await opened.tab("Categories").click()
    await expect(opened.tool.get_by_role("combobox").first).to_be_visible()
    await _take(opened.page, "console-section")


async def _take_categories(opened: CourseTab) -> None:
    """Take what a rule by title would change."""
    await _open(opened, "Categories", opened.button("Show what would change"))
    await opened.tool.get_by_role("combobox").first.select_option(index=1)
    await opened.button("Show what would change").click()
    await expect(opened.button("Keep these rules")).to_be_visible()
    await _take(opened.page, "console-categories")


async def _take_preflight(opened: CourseTab) -> None:
    """Take a report with the message to a section's teachers."""
    await _open(opened, "Pre-flight", opened.button("Start a report"))
    await opened.button("Start a report").click()
    await expect(opened.text("Message to the teachers")).to_be_visible()
    await opened.text("Message to the teachers").click()
    await _take(opened.page, "console-preflight")


async def _take_student(session: BrowserSession, opened: CourseTab) -> None:
    await _open(opened, "Students", opened.button("Show the scores"))
    await opened.tool.get_by_label("Student id").fill(str(next(iter(session.room.students))))
    await opened.button("Show the scores").click()
    await expect(opened.tool.get_by_role("table")).to_be_visible()
    await _take(opened.page, "console-students")


async def _take_statement(opened: CourseTab) -> None:
    await _open(opened, "Reports", opened.button("Make the statement"))
    await opened.button("Make the statement").click()
    await expect(opened.button("Save it again")).to_be_visible()
    await _take(opened.page, "console-reports")


async def _take_runs(opened: CourseTab) -> None:
    """Take a run of all sections that is done, and a schedule."""
    await _open(opened, "Runs", opened.button("Preview them"))
    await opened.button("Preview them").click()
    for day in ("Monday", "Wednesday"):
        await opened.tool.get_by_label(day).check()
    await opened.button("Add the schedule").click()
    await expect(opened.text("The whole district")).to_be_visible()
    await expect(opened.tool.get_by_role("table", name="Runs of the last")).to_contain_text("Complete")
    await opened.headline.first.scroll_into_view_if_needed()
    await _take(opened.page, "console-runs")


async def _take_clients(opened: CourseTab) -> None:
    await _open(opened, "Clients", opened.button("Make a client"))
    await opened.tool.get_by_label("Name of a new client").fill("Data warehouse")
    await opened.tool.get_by_label("Read syncs and their outcomes").check()
    await opened.button("Make a client").click()
    await expect(opened.button("I have stored it")).to_be_visible()
    await opened.button("I have stored it").click()
    await _take(opened.page, "console-clients")


async def _take_setup(session: BrowserSession) -> None:
    """Take the setup page with a mistake beside its field."""
    page = await session.context.new_page()
    await page.goto(await operator.invite(session.runtime, "hilltop", "Ann Lee"))
    await page.get_by_label("Name", exact=True).fill("Hilltop")
    sis = page.get_by_role("group", name="Student information system")
    await sis.get_by_label("Address", exact=True).fill("sis.example.org")
    await page.get_by_role("button", name="Save and check").click()
    await expect(page.get_by_text("is not a web address")).to_be_visible()
    await sis.get_by_label("Address", exact=True).scroll_into_view_if_needed()
    await page.screenshot(path=IMAGES / "console-setup.png", animations="disabled")


async def _take(page: Page, name: str) -> None:
    """Take a picture of the tool alone, without the page of Schoology around it."""
    await page.locator("iframe[name=tool]").screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    with servers() as chosen:
        if sys.argv[1:]:
            folder = Path(sys.argv[1])
            folder.mkdir(parents=True, exist_ok=True)
            asyncio.run(take_all(chosen, folder))
        else:
            asyncio.run(main(chosen))
