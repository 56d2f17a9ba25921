"""Sync an invented district, and take a picture of each view of its console that the guide shows.

With a folder as argument, take pictures of every state of the teacher's page there instead.
"""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Page, ViewportSize, expect
from sqlalchemy import text

from bench.environment import PROCESSING, servers
from gradesync.core.district import ConsoleAccess
from gradesync.db import districts
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, CourseTab, change_district, open_chromium, open_session
from harness.known_districts import request_as_teacher
from screenshots.teacher import take_all

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE: ViewportSize = {"width": 1080, "height": 760}
PHONE: ViewportSize = {"width": 376, "height": 760}
SETTLE_SECONDS = 120
expect.set_options(timeout=60_000)
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
        await change_district(session, console=ConsoleAccess("operator"))
        async with session.worker():
            await _sync_all(session)
            await _take_all(await session.open(world.admin))


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


async def _take_all(opened: CourseTab) -> None:
    tool = opened.tool
    await expect(tool.locator(".tiles")).to_be_visible()
    await _take(opened.page, "console-overview")
    await tool.get_by_role("link", name="Sections", exact=True).click()
    await expect(tool.locator(".rows tbody tr").first).to_be_visible()
    await _take(opened.page, "console-sections")
    await tool.locator(".rows tbody a").first.click()
    await opened.tab("Categories").click()
    await expect(tool.get_by_role("combobox").first).to_be_visible()
    await _take(opened.page, "console-section")
    await opened.page.set_viewport_size(PHONE)
    await opened.page.emulate_media(color_scheme="dark")
    await tool.get_by_role("link", name="Overview", exact=True).click()
    await expect(tool.locator(".tiles")).to_be_visible()
    await _take(opened.page, "console-phone")


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
