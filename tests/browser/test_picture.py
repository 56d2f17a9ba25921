"""Look at the gradebook as a picture: by pointer, by keyboard, on a phone; in a result and in a preview."""

import re
from typing import Literal

import pytest
from playwright.async_api import Browser, Locator, ViewportSize, expect

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.accessibility import find_violations
from harness.browser import BrowserSession, CourseTab, open_session

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PHONE = ViewportSize(width=360, height=740)
WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


async def open_picture(session: BrowserSession, action: str = "Sync to SIS") -> CourseTab:
    """Sync or preview, and open the picture."""
    async with session.worker():
        opened = await session.open()
        await opened.button(action).click()
        done = "Preview of" if action == "Preview" else "Last sync:"
        await expect(opened.text(done)).to_be_visible()
    await opened.tool.locator(".picture > summary").first.click()
    await expect(opened.tool.get_by_label("Category", exact=True)).to_be_visible()
    return opened


def grid(opened: CourseTab) -> Locator:
    return opened.tool.get_by_role("grid", name="The gradebook: students by assignments")


def note(opened: CourseTab) -> Locator:
    return opened.tool.locator(".cell-note")


def legend(opened: CourseTab) -> Locator:
    return opened.tool.get_by_role("list", name="Legend")


async def test_picture_is_a_table_of_students_and_assignments(session: BrowserSession) -> None:
    opened = await open_picture(session)
    section, uid = session.room.section, session.room.odd["dropped_in_sis"]
    for item in section.standing()[:3]:
        await expect(grid(opened).get_by_role("columnheader", name=item.title)).to_have_count(1)
    name = session.world.schoology.users[uid].display
    row = grid(opened).get_by_role("row", name=name)
    await expect(row.get_by_role("gridcell", name="Needs attention").first).to_be_visible()
    await expect(row.get_by_role("gridcell", name="In PowerSchool")).to_have_count(0)
    late = re.compile("Summer reading plan.*Needs attention")
    await expect(grid(opened).get_by_role("columnheader", name=late)).to_have_count(1)
    await row.get_by_role("gridcell", name=re.compile("Needs attention, blank to")).first.hover()
    await expect(note(opened)).to_contain_text(name)
    await expect(note(opened)).to_contain_text("Ask the school office")
    await expect(note(opened)).to_contain_text(re.compile(r"blank → \d"))
    cells = await grid(opened).get_by_role("gridcell").count()
    numbers = [int(text.replace(",", "")) for text in await legend(opened).locator(".note").all_inner_texts()]
    assert sum(numbers) == cells


async def test_picture_works_by_keyboard(session: BrowserSession) -> None:
    opened = await open_picture(session)
    press = opened.page.keyboard.press
    table, focused = grid(opened), grid(opened).locator(":focus")
    await opened.tool.get_by_label("Grading period").focus()
    await press("Tab")
    await expect(focused).to_have_attribute("aria-label", re.compile("^Needs attention"))
    await press("Control+Home")
    first = table.get_by_role("gridcell").first
    await expect(first).to_be_focused()
    await press("ArrowRight")
    await press("ArrowDown")
    await expect(table.locator("tbody tr").nth(1).locator("td").nth(1)).to_be_focused()
    student = await table.locator("tbody th").nth(1).inner_text()
    await expect(note(opened)).to_contain_text(student)
    assert await focused.get_attribute("aria-describedby") == await note(opened).get_attribute("id")
    await press("Control+End")
    await expect(table.get_by_role("gridcell").last).to_be_focused()
    await press("ArrowRight")
    await expect(table.get_by_role("gridcell").last).to_be_focused()
    await expect(table.locator("[tabindex='0']")).to_have_count(1)
    await press("Home")
    await press("PageUp")
    await expect(table.locator("tbody tr").first.locator("td")).not_to_have_count(0)


@pytest.mark.long
async def test_picture_zooms_by_category_and_period(session: BrowserSession) -> None:
    opened = await open_picture(session)
    columns = grid(opened).get_by_role("columnheader")
    everything = await columns.count()
    categories = opened.tool.get_by_label("Category", exact=True)
    await categories.select_option(label="Homework")
    await expect(columns.filter(has_text="Homework 1:")).to_have_count(1)
    await expect(columns.filter(has_text="Quizzes")).to_have_count(0)
    homework = await columns.count()
    assert homework < everything
    await expect(grid(opened).get_by_role("gridcell", name="In PowerSchool").first).to_have_text(
        re.compile(r"^\d")
    )
    periods = opened.tool.get_by_label("Grading period")
    await periods.select_option(label="Q1")
    await expect(columns).not_to_have_count(homework)
    assert await columns.count() < homework


@pytest.mark.long
async def test_preview_shows_what_would_be_sent(session: BrowserSession) -> None:
    opened = await open_picture(session, "Preview")
    await expect(opened.text("What the gradebook would look like")).to_be_visible()
    await expect(legend(opened)).to_contain_text("Would be sent")
    await expect(legend(opened)).not_to_contain_text("In PowerSchool")
    await expect(grid(opened).get_by_role("gridcell", name="Would be sent").first).to_be_visible()


async def test_picture_is_by_assignment_on_a_phone(session: BrowserSession) -> None:
    opened = await open_picture(session)
    await opened.page.set_viewport_size(PHONE)
    await expect(grid(opened)).to_have_count(0)
    title = next(i for i in session.room.section.standing() if i.title.startswith("Homework 1:")).title
    item = opened.tool.locator(".columns li", has_text=title)
    await expect(item).to_contain_text("in PowerSchool")
    await item.locator("summary").click()
    await expect(item.get_by_role("heading", name="In PowerSchool")).to_be_visible()
    gone = session.world.schoology.users[session.room.odd["dropped_in_sis"]].display
    await expect(item).to_contain_text(gone)
    needed, there = await opened.tool.locator("body").evaluate(WIDTH)
    assert needed <= there == 360


async def test_axe_finds_nothing_in_the_picture(session: BrowserSession) -> None:
    opened = await open_picture(session)
    await grid(opened).get_by_role("gridcell").first.click()
    assert await find_in_both_schemes(opened) == []
    await opened.tool.get_by_label("Category", exact=True).select_option(label="Homework")
    assert await find_in_both_schemes(opened) == []
    await opened.page.set_viewport_size(PHONE)
    await opened.tool.locator(".columns summary").first.click()
    assert await find_in_both_schemes(opened) == []


async def find_in_both_schemes(opened: CourseTab) -> list[str]:
    found: list[str] = []
    for scheme in SCHEMES:
        await opened.page.emulate_media(color_scheme=scheme)
        found += await find_violations(opened)
    return found


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
