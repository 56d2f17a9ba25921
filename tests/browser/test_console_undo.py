"""Put an assignment and a student back from the console, and explain a student's totals there."""

import re

from playwright.async_api import expect

from gradesync.core.district import ConsoleAccess
from gradesync.core.sis import Policy
from harness.accessibility import look_everywhere
from harness.browser import BrowserSession, CourseTab, change_district, open_synced_console

LONG_AGO = "2026-09-01T08:00"


async def test_operator_puts_an_assignment_and_a_student_back(session: BrowserSession) -> None:
    await change_district(session, console=ConsoleAccess("operator"), policy=Policy(admin_sync=True))
    async with session.worker():
        opened = await open_synced_console(session)
        await put_an_assignment_back(session, opened)
        await put_a_student_back(session, opened)


# What people type by their clock: of a time that it shows twice the first, and a skipped one is an hour on.
CLOCKS = {
    ("America/Los_Angeles", "2026-03-08T01:30"): "2026-03-08T09:30:00.000Z",
    ("America/Los_Angeles", "2026-03-08T02:30"): "2026-03-08T10:30:00.000Z",
    ("America/Los_Angeles", "2026-03-08T03:30"): "2026-03-08T10:30:00.000Z",
    ("America/Los_Angeles", "2026-11-01T01:30"): "2026-11-01T08:30:00.000Z",
    ("America/Los_Angeles", "2026-11-01T02:30"): "2026-11-01T10:30:00.000Z",
    ("Europe/Berlin", "2026-03-29T01:30"): "2026-03-29T00:30:00.000Z",
    ("Europe/Berlin", "2026-03-29T02:30"): "2026-03-29T01:30:00.000Z",
    ("Europe/Berlin", "2026-10-25T02:30"): "2026-10-25T00:30:00.000Z",
    ("Europe/Berlin", "2026-10-25T03:30"): "2026-10-25T02:30:00.000Z",
    ("Asia/Tokyo", "2026-03-08T02:30"): "2026-03-07T17:30:00.000Z",
}
MOMENTS = """async (_, clocks) => {
  const { Times } = await import(new URL("words.js", document.querySelector("script[src]").src));
  return clocks.map(([zone, shown]) => new Times(zone).moment(shown));
}"""


async def test_typed_times_are_the_clocks_in_every_zone(session: BrowserSession) -> None:
    opened = await session.open()
    await expect(opened.headline).to_be_visible()
    found = await opened.tool.locator("html").evaluate(MOMENTS, list(map(list, CLOCKS)))
    assert dict(zip(CLOCKS, found, strict=True)) == CLOCKS


async def put_an_assignment_back(session: BrowserSession, opened: CourseTab) -> None:
    """Clear the column that a sync made, once its number was seen, by keyboard alone."""
    title = "Homework 1:"
    await opened.tab("Put back").click()
    what = opened.tool.get_by_label("What to put back")
    item = next(item for item in session.room.section.standing() if item.title.startswith(title))
    await what.select_option(str(item.id))
    await expect(opened.tool.get_by_label("The student's id in Schoology")).to_be_hidden()
    await opened.tool.get_by_label(re.compile("^As it stood at")).fill(LONG_AGO)
    await opened.button("Preview an undo").focus()
    await opened.page.keyboard.press("Enter")
    clear = opened.tool.get_by_role("button", name=re.compile(r"^Clear \d+ scores?$"))
    await expect(clear).to_be_visible()
    await expect(opened.tool.get_by_text(re.compile(r"\d+ would be cleared\."))).to_be_visible()
    await expect(opened.tool.get_by_role("heading", name="What would change")).to_be_visible()
    await expect(opened.tool.get_by_role("tabpanel", name="Put back").locator(".change")).to_contain_text(
        title
    )
    await expect(opened.text("This undo would stop for your review.")).to_be_visible()
    assert await look_everywhere(opened) == {}
    await opened.tool.get_by_label("Reason for the undo").fill("The wrong class.")
    await opened.page.keyboard.press("Enter")
    await expect(opened.text("What was put back is in PowerSchool.")).to_be_visible()
    assert set(session.sis()[item.title.strip()].values()) <= {None}


async def put_a_student_back(session: BrowserSession, opened: CourseTab) -> None:
    """Explain one student's totals, preview an undo of this section, and drop it by another moment."""
    uid = next(iter(session.room.students))
    await opened.tool.get_by_role("link", name="Students", exact=True).click()
    await opened.tool.get_by_label("Student id").fill(str(uid))
    await opened.button("Show the scores").click()
    await opened.text(f"{session.room.section.name}: totals, and putting scores back").click()
    await opened.button("Explain the totals").click()
    await expect(opened.tool.locator(".totals h5")).to_contain_text(re.compile("total"))
    await opened.tool.get_by_label(re.compile("^As it stood at")).fill(LONG_AGO)
    await opened.button("Preview an undo").click()
    await expect(opened.tool.get_by_role("button", name=re.compile(r"^Clear \d+ scores?$"))).to_be_visible()
    assert await look_everywhere(opened) == {}
    await opened.tool.get_by_label(re.compile("^As it stood at")).fill("2026-09-02T08:00")
    await expect(opened.tool.get_by_role("button", name=re.compile(r"^Clear \d+ scores?$"))).to_be_hidden()
