"""Look at the gradebook as a picture: by pointer, by keyboard, on a phone; in a result and in a preview."""

import re
from typing import Literal

from playwright.async_api import Locator, ViewportSize, expect

from harness.accessibility import find_violations
from harness.browser import BrowserSession, CourseTab

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PHONE = ViewportSize(width=360, height=740)
WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"

CUT_OFF = """(all) => all
  .filter((each) => each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight)
  .map((each) => each.textContent)"""


async def open_picture(synced: BrowserSession) -> CourseTab:
    opened = await synced.open()
    await opened.tool.locator(".picture > summary").first.click()
    await expect(category(opened).or_(again(opened))).to_be_visible()
    while await again(opened).is_visible():  # on a busy machine, Schoology's answer may take too long
        await again(opened).click()
        await expect(category(opened).or_(again(opened))).to_be_visible()
    return opened


def category(opened: CourseTab) -> Locator:
    return opened.tool.get_by_label("Category", exact=True)


def again(opened: CourseTab) -> Locator:
    return opened.tool.locator(".picture-filters").get_by_role("button", name="Try again")


def grid(opened: CourseTab) -> Locator:
    return opened.tool.get_by_role("grid", name="The gradebook: students by assignments")


def note(opened: CourseTab) -> Locator:
    return opened.tool.locator(".cell-note")


def legend(opened: CourseTab) -> Locator:
    return opened.tool.get_by_role("list", name="Legend")


async def test_picture_is_a_table_of_students_and_assignments(synced: BrowserSession) -> None:
    opened = await open_picture(synced)
    section, uid = synced.room.section, synced.room.odd["dropped_in_sis"]
    for item in section.standing()[:3]:
        await expect(grid(opened).get_by_role("columnheader", name=item.title)).to_have_count(1)
    name = synced.world.schoology.users[uid].display
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
    needed = await legend(opened).locator("li", has_text="Needs attention").inner_text()
    headline = await opened.headline.inner_text()
    (needs, shared), scores = map(int, re.findall(r"\d+", needed)), re.search(r"(\d+) scores? need", headline)
    assert scores is not None
    assert needs - shared == int(scores[1])


async def test_picture_shows_whole_names(synced: BrowserSession) -> None:
    opened = await open_picture(synced)
    names = grid(opened).get_by_role("rowheader")
    alike = [name for name in await names.all_inner_texts() if name.endswith(")")]
    assert len(alike) > 1  # the ids at their ends distinguish them
    assert await grid(opened).locator("tbody th span").evaluate_all(CUT_OFF) == []


async def test_picture_works_by_keyboard(synced: BrowserSession) -> None:
    opened = await open_picture(synced)
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


async def test_picture_zooms_by_category_and_period(synced: BrowserSession) -> None:
    opened = await open_picture(synced)
    columns = grid(opened).get_by_role("columnheader")
    everything = await columns.count()
    await category(opened).select_option(label="Homework")
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


async def test_picture_is_by_assignment_on_a_phone(synced: BrowserSession) -> None:
    opened = await open_picture(synced)
    await opened.page.set_viewport_size(PHONE)
    await expect(grid(opened)).to_have_count(0)
    title = next(i for i in synced.room.section.standing() if i.title.startswith("Homework 1:")).title
    item = opened.tool.locator(".columns li", has_text=title)
    await expect(item).to_contain_text("in PowerSchool")
    await item.locator("summary").click()
    await expect(item.get_by_role("heading", name="In PowerSchool")).to_be_visible()
    gone = synced.world.schoology.users[synced.room.odd["dropped_in_sis"]].display
    await expect(item).to_contain_text(gone)
    needed, there = await opened.tool.locator("body").evaluate(WIDTH)
    assert needed <= there == 360


async def test_axe_finds_nothing_in_the_picture(synced: BrowserSession) -> None:
    opened = await open_picture(synced)
    await grid(opened).get_by_role("gridcell").first.click()
    assert await find_in_both_schemes(opened) == []
    await category(opened).select_option(label="Homework")
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
