"""Review on the page what the guard stopped, and send it or leave it."""

import re

import pytest
from playwright.async_api import Browser, expect

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, CourseTab, open_session


async def sync(opened: CourseTab, name: str = "Sync to SIS") -> None:
    await opened.button(name).click()
    await expect(opened.text("Last sync:" if name != "Preview" else "Preview of")).to_be_visible()


def clear_everything(session: BrowserSession) -> int:
    """Clear every score in Schoology; return how many the SIS holds."""
    section = session.room.section
    for item in section.standing():
        for uid in session.room.students:
            session.world.schoology.clear(section.id, item.id, uid)
    return sum(text is not None for column in session.sis().values() for text in column.values())


@pytest.mark.sample(1)
@pytest.mark.parametrize("stopped_by", ["Sync to SIS", "Preview"])
async def test_stopped_sync_is_reviewed_then_sent(session: BrowserSession, stopped_by: str) -> None:
    async with session.worker():
        opened = await session.open()
        await sync(opened)
        number, before = clear_everything(session), session.sis()
        await opened.button(stopped_by).click()
        await expect(opened.headline).to_contain_text(
            re.compile(rf"Of \d+ scores in PowerSchool, {number} would be cleared\.")
        )
        await opened.button("Review").click()
        assert await opened.active() == "What would change"
        change = opened.tool.locator(".change").filter(has_text="would be cleared").first
        await change.locator("summary").click()
        await expect(change.get_by_role("row").nth(1)).to_contain_text("would be cleared")
        await opened.button(f"Clear {number} scores…").click()
        assert await opened.active() == "Cancel"
        await opened.page.keyboard.press("Escape")
        assert session.sis() == before
        await opened.button(f"Clear {number} scores…").click()
        await opened.button(f"Clear {number} scores").click()
        await expect(opened.headline).to_contain_text(re.compile("need attention|As you approved"))
        await expect(opened.text(f"{number} scores cleared")).to_be_visible()
    assert not any(text for column in session.sis().values() for text in column.values())
    await expect(opened.button("Review")).to_be_hidden()


@pytest.mark.long
async def test_preview_shows_what_would_be_sent(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await sync(opened, "Preview")
    await opened.text("What the gradebook would look like").click()
    legend = opened.tool.get_by_role("list", name="Legend")
    await expect(legend).to_contain_text("Would be sent")
    await expect(legend).not_to_contain_text("In PowerSchool")
    cells = opened.tool.get_by_role("grid").get_by_role("gridcell", name="Would be sent")
    await expect(cells.first).to_be_visible()


@pytest.mark.long
async def test_scores_of_a_large_class_are_all_shown(settings: Settings, browser: Browser) -> None:
    """Read more scores of one assignment than a page of the API holds."""
    world = build(students=210, assignments=2, sections=1, ideal=True)
    async with open_session(settings, world, browser) as session, session.worker():
        opened = await session.open()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Last sync:")).to_be_visible()
        await opened.text("What was sent").click()
        change = opened.tool.locator(".change").first
        await change.locator("summary").click()
        rows = change.locator("tbody tr")
        await change.get_by_role("button", name=re.compile("Show more")).click()
        await expect(rows).to_have_count(210)
        await expect(change.get_by_role("button")).to_have_count(0)
