"""Compare the gradebook with the SIS on the teacher's page."""

import re
from decimal import Decimal

from playwright.async_api import expect

from harness.accessibility import find_violations
from harness.browser import BrowserSession


async def test_an_edit_in_the_sis_is_shown_on_the_picture(session: BrowserSession) -> None:
    room, gradebook = session.room, session.world.powerschool.gradebook
    async with session.worker():
        opened = await session.open()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Last sync:")).to_be_visible()
        item = next(item for item in room.section.standing() if item.title.startswith("Homework 1:"))
        (assignment,) = gradebook.named(room.sis, item.title)
        part = assignment.section(room.sis.dcid)
        uid = next(
            uid
            for uid, student in room.students.items()
            if student.dcid in gradebook.scores[part.assignmentsectionid]
        )
        gradebook.edit_score(part, room.students[uid], Decimal("0.5"))
        await opened.text("Compare with PowerSchool").click()
        await expect(opened.text(f"The 1 edit is in {item.title}.")).to_be_visible()
    row = opened.tool.get_by_role("row", name=session.world.schoology.users[uid].display)
    edited = row.get_by_role("gridcell", name=re.compile("Changed in PowerSchool, 0.5 in PowerSchool"))
    await edited.hover()
    await expect(opened.tool.locator(".cell-note")).to_contain_text("0.5 in PowerSchool")
    assert await find_violations(opened) == []
