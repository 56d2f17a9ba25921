"""Review on the page what the guard stopped, and send it or leave it."""

import re

import pytest
from playwright.async_api import expect

from harness.browser import BrowserSession, CourseTab


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
