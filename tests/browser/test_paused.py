"""Open the page of a section that its district has paused."""

from playwright.async_api import expect

from gradesync.core.district import ConsoleAccess
from gradesync.db import districts
from gradesync.db.pauses import Where
from gradesync.sync.manual_links import Author
from gradesync.sync.pauses import pause, resume
from harness.accessibility import look_everywhere
from harness.browser import BrowserSession, change_district

WHY = "PowerSchool is being upgraded until 6 PM."
BY = Author("client:office")


async def test_page_shows_why_and_starts_nothing_while_paused(session: BrowserSession) -> None:
    context = session.runtime.context
    async with context.database.without_tenant() as db:
        district = (await districts.list_names(db))[0].id
    paused = await pause(context, district, Where(), WHY, BY)
    opened = await session.open()
    await expect(opened.text(WHY)).to_be_visible()
    await expect(opened.button("Sync to SIS")).to_have_attribute("aria-disabled", "true")
    assert await look_everywhere(opened) == {}
    await opened.button("Preview").press("Enter")
    await expect(opened.headline).to_have_text("Not synced yet.")
    await opened.tab("Compare").click()
    await opened.button("Compare now").click()
    await expect(opened.tool.get_by_role("alert").filter(has_text=WHY)).to_be_visible()
    await change_district(session, console=ConsoleAccess("operator"))
    console = await session.open(session.world.admin)
    await console.tool.locator("nav .course").click()
    await expect(console.tool.get_by_role("tabpanel", name="Last sync")).to_contain_text(WHY)
    await console.tab("Comparison").click()
    await console.button("Compare now").click()
    await expect(console.tool.get_by_role("alert").filter(has_text=WHY)).to_be_visible()
    await expect(console.text("Not compared in the last 30 days.")).to_be_visible()
    await opened.tab("Sync to SIS").click()
    await resume(context, district, str(paused.id), BY, least_seconds=900)

    await opened.button("Sync to SIS").press("Enter")  # it looks again whether it may
    await expect(opened.text("Waiting for its turn")).to_be_visible()
    await expect(opened.text(WHY)).to_be_hidden()
    paused = await pause(context, district, Where(), WHY, BY)
    await expect(opened.text("Paused by your district")).to_be_visible()
    await expect(opened.text(WHY)).to_be_visible()
    await resume(context, district, str(paused.id), BY, least_seconds=900)
    async with session.worker():
        await expect(opened.text("Last sync:")).to_be_visible()
    await expect(opened.button("Sync to SIS")).not_to_have_attribute("aria-disabled", "true")
