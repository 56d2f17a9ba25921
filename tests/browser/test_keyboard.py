"""Sync one assignment, compare and decide by keyboard alone: focus goes where the work goes, and back."""

from decimal import Decimal

from playwright.async_api import Locator, expect

from gradesync_sandbox.schoology.model import Item
from harness.browser import BrowserSession, CourseTab

MOST_PRESSES = 250
# Compare with names as screen readers have them: an aria-label before the text.
NAME = """() => {
  const focused = document.activeElement;
  return focused === document.body ? "" : (focused.ariaLabel ?? focused.textContent).trim();
}"""


async def read_focus(opened: CourseTab) -> str:
    """Return the name of what has the focus in the tool; nothing where that is nothing."""
    return str(await opened.tool.locator("body").evaluate(NAME))


async def move_to(opened: CourseTab, name: str, key: str = "Tab") -> None:
    """Press a key until the control of that name has the focus."""
    for _ in range(MOST_PRESSES):
        if await read_focus(opened) == name:
            return
        await opened.page.keyboard.press(key)
    raise AssertionError(f"{key} doesn't lead to {name!r}")


async def choose_tab(opened: CourseTab, name: str) -> None:
    """Move to the chosen tab, and from there to another."""
    for _ in range(MOST_PRESSES):
        if await opened.tool.locator("[role=tab]:focus").count():
            break
        await opened.page.keyboard.press("Shift+Tab")
    await move_to(opened, name, "ArrowRight")
    await expect(opened.tab(name)).to_have_attribute("aria-selected", "true")


def find_item(session: BrowserSession, beginning: str) -> Item:
    return next(item for item in session.room.section.standing() if item.title.startswith(beginning))


def focused(opened: CourseTab) -> Locator:
    return opened.tool.locator(":focus")


async def test_one_assignment_is_synced_by_keyboard_alone(session: BrowserSession) -> None:
    item = find_item(session, "Homework 1:")
    opened = await session.open()
    press = opened.page.keyboard.press
    await expect(opened.headline).to_have_text("Not synced yet.")
    await move_to(opened, "Sync to SIS")
    await choose_tab(opened, "Assignments")
    await expect(opened.switch(item.title)).to_be_checked()
    await move_to(opened, f"Sync to SIS: {item.title}")
    for state in ("Opted out", "Never synced"):
        await press("Space")
        await expect(opened.tool.locator("#announcement")).to_have_text(f"{item.title}: {state}")
        assert await read_focus(opened) == f"Sync to SIS: {item.title}"
    await move_to(opened, f"Sync this one: {item.title}", "Shift+Tab")
    await press("Enter")
    await expect(opened.tab("Sync to SIS")).to_have_attribute("aria-selected", "true")
    await expect(focused(opened)).to_have_text("Syncing…")
    async with session.worker():
        await expect(opened.text("Last sync:")).to_be_visible()
    await expect(focused(opened)).to_have_text("3 scores need attention.")
    assert list(session.sis()) == [item.title]
    await press("Shift+Tab")
    await expect(opened.tab("Sync to SIS")).to_be_focused()
    await press("Tab")
    await expect(opened.button("Sync to SIS")).to_be_focused()


async def test_sync_of_one_keeps_the_focus_while_another_runs(session: BrowserSession) -> None:
    item = find_item(session, "Homework 1:")
    opened = await session.open()
    await opened.button("Sync to SIS").press("Enter")
    await expect(opened.headline).to_have_text("Syncing…")
    await choose_tab(opened, "Assignments")
    await expect(opened.switch(item.title)).to_be_visible()
    await move_to(opened, f"Sync this one: {item.title}")
    await opened.page.keyboard.press("Space")
    await expect(focused(opened)).to_have_text("Syncing…")


async def test_gradebooks_are_compared_by_keyboard_alone(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        press = opened.page.keyboard.press
        await expect(opened.headline).to_have_text("Not synced yet.")
        await move_to(opened, "Sync to SIS")
        await choose_tab(opened, "Sync to SIS")
        await press("Tab")
        await expect(opened.button("Sync to SIS")).to_be_focused()
        await press("Enter")
        await expect(opened.text("Last sync:")).to_be_visible()
        await expect(opened.button("Sync to SIS")).to_be_focused()
        item, uid = session.edit_in_sis("Homework 1:", Decimal("0.5"))
        about = f"{session.world.schoology.users[uid].display}, {item.title}"
        await choose_tab(opened, "Compare")
        await expect(opened.text("Not compared in the last 30 days.")).to_be_visible()
        await press("Tab")
        await expect(opened.button("Compare now")).to_be_focused()
        await press("Enter")
        await expect(opened.text(f"The 1 edit is in {item.title}.")).to_be_visible()
        await expect(opened.button("Compare now")).to_be_focused()
        await _look_at_the_edit(opened)
        await move_to(opened, f"Put Schoology's score back: {about}")
        await press("Space")
        await expect(focused(opened)).to_have_attribute("aria-pressed", "true")
        await expect(opened.text("The next sync puts Schoology's score back.")).to_be_visible()
        assert await read_focus(opened) == f"Put Schoology's score back: {about}"
        await move_to(opened, "Explain the totals")
        await press("Enter")
        await expect(opened.tool.locator(".totals h3")).to_be_visible()
        await expect(opened.button("Explain the totals")).to_be_focused()
        await press("Tab")
        await expect(opened.tool.locator(".totals summary").first).to_be_focused()
        await press("Enter")
        await expect(opened.tool.locator(".totals details").first).to_have_attribute("open", "")
        await choose_tab(opened, "Compare")
        await press("Home")
        await expect(opened.tab("Sync to SIS")).to_be_focused()
        await press("Tab")
        await press("Enter")
        await expect(opened.text("1 score sent.")).to_be_visible()
    assert session.sis()[item.title][session.room.students[uid].dcid] != "0.5"


async def _look_at_the_edit(opened: CourseTab) -> None:
    """Move with the arrow keys to the cell that was changed, and read the line below the table."""
    for _ in range(MOST_PRESSES):
        if await opened.tool.locator("[role=grid] td:focus").count():
            break
        await opened.page.keyboard.press("Tab")
    await opened.page.keyboard.press("Control+Home")
    rows = await opened.tool.locator(".compared tbody tr").count()
    for _ in range(rows):
        if await opened.tool.locator(".compared td.edited:focus").count():
            break
        await opened.page.keyboard.press("ArrowDown")
    await expect(opened.tool.locator(".compared .cell-note")).to_contain_text("0.5 in PowerSchool")
    await opened.page.keyboard.press("Tab")
    assert await opened.tool.locator("[role=grid] td:focus").count() == 0
