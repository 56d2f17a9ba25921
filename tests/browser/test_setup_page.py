"""Set up a district in the browser by an invitation: fill in, correct, check, and what comes next."""

import re

from playwright.async_api import expect

from gradesync.cli import operator
from gradesync_sandbox.district_file import district
from harness.accessibility import find_violations
from harness.browser import BrowserSession
from harness.known_districts import request_as_teacher


async def test_invited_admin_sets_up_a_district(session: BrowserSession) -> None:
    page, known = await session.context.new_page(), district(session.sandbox)
    link = await operator.invite(session.runtime, "hilltop", "Ann Lee")
    await page.goto(link)
    await page.get_by_label("Name", exact=True).fill("Hilltop")
    await page.get_by_label("Address of its API").fill(known["schoology"]["base_url"])
    for name in ("Consumer key", "Consumer secret"):
        await page.get_by_label(name).fill(known["schoology"][name.lower().replace(" ", "_")])
    sis = page.get_by_role("group", name="Student information system")
    await sis.get_by_label("Address", exact=True).fill("sis.example.org")
    await sis.get_by_label("Client id").filter(visible=True).fill(known["sis"]["client_id"])
    await sis.get_by_label("Client secret").filter(visible=True).fill(known["sis"]["client_secret"])
    save = page.get_by_role("button", name="Save and check")
    await save.click()
    await expect(page.get_by_text("is not a web address")).to_be_visible()
    await expect(sis.get_by_label("Address", exact=True)).to_be_focused()
    assert await find_violations(page) == []

    await sis.get_by_label("Address", exact=True).fill(known["sis"]["base_url"])
    await save.click()
    await expect(page.get_by_text("Works:").first).to_be_visible()
    await page.get_by_label("A course to try").fill("12")
    await page.get_by_role("button", name="Check again").click()
    await expect(page.get_by_text("Missing:").first).to_be_visible()
    await page.get_by_label("A course to try").fill(str(session.room.section.id))
    await page.get_by_role("button", name="Check again").click()
    await expect(page.get_by_role("heading", name="What comes next")).to_be_visible()
    await expect(page.get_by_text("as soon as somebody syncs")).to_be_visible()
    assert await find_violations(page) == []

    async with session.worker():
        await request_as_teacher(session.runtime.context, "hilltop", session.room)
        await expect(
            page.locator("#main").get_by_text(re.compile(r"attention\.|is in PowerSchool\."))
        ).to_be_visible()
    assert await find_violations(page) == []

    again = await session.context.new_page()
    await again.goto(link)
    await expect(again.get_by_text("This link was used before")).to_be_visible()
