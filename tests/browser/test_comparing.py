"""Compare the gradebook with the SIS on the teacher's page."""

import re
from decimal import Decimal

from playwright.async_api import expect

from harness.accessibility import find_violations
from harness.browser import BrowserSession


async def test_an_edit_in_the_sis_is_shown_on_the_picture(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Last sync:")).to_be_visible()
        item, uid = session.edit_in_sis("Homework 1:", Decimal("0.5"))
        await opened.text("Compare with PowerSchool").click()
        await expect(opened.text(f"The 1 edit is in {item.title}.")).to_be_visible()
    row = opened.tool.get_by_role("row", name=session.world.schoology.users[uid].display)
    edited = row.get_by_role("gridcell", name=re.compile("Changed in PowerSchool, 0.5 in PowerSchool"))
    await edited.hover()
    await expect(opened.tool.locator(".cell-note")).to_contain_text("0.5 in PowerSchool")
    assert await find_violations(opened) == []
