"""Compare the gradebook with the SIS on the teacher's page, decide about edits, and explain the totals."""

import re
from decimal import Decimal

from playwright.async_api import expect

from harness.browser import BrowserSession


async def test_an_edit_in_the_sis_is_shown_and_decided(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Last sync:")).to_be_visible()
        item, uid = session.edit_in_sis("Homework 1:", Decimal("0.5"))
        name = session.world.schoology.users[uid].display
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await expect(opened.text(f"The 1 edit is in {item.title}.")).to_be_visible()
        row = opened.tool.get_by_role("row", name=name)
        edited = row.get_by_role("gridcell", name=re.compile("Changed in PowerSchool, 0.5 in PowerSchool"))
        await edited.hover()
        await expect(opened.tool.locator(".compared .cell-note")).to_contain_text("0.5 in PowerSchool")

        back = opened.button(f"Put Schoology's score back: {name}, {item.title}")
        await back.click()
        await expect(back).to_have_attribute("aria-pressed", "true")
        await expect(back).to_be_focused()
        await opened.tool.locator("#total-period").select_option(str(item.period))
        await opened.button("Explain the totals").click()
        await expect(opened.tool.locator(".totals h3")).to_contain_text("differ")
        student = opened.tool.locator(".students li").filter(has_text=name)
        await student.locator("summary").click()
        await expect(student).to_contain_text(f"{item.title}:")

        await opened.tab("Sync to SIS").click()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("1 score sent.")).to_be_visible()
    assert session.sis()[item.title][session.room.students[uid].dcid] != "0.5"
