"""Find assignments on the page, switch them, sync one, and see what waits."""

import asyncio
import json
import re
from decimal import Decimal

import pytest
from playwright.async_api import Locator, Route, expect

from gradesync_sandbox.faults import Fault, Status
from gradesync_sandbox.schoology.model import Item
from harness.browser import BrowserSession, CourseTab


def sent_item(session: BrowserSession) -> Item:
    """Return an assignment that the SIS holds."""
    return next(item for item in session.room.section.standing() if item.title in session.sis())


def row(opened: CourseTab, item: Item) -> Locator:
    return opened.tool.get_by_role("listitem").filter(has_text=item.title)


async def test_waiting_scores_are_counted_on_opening(session: BrowserSession) -> None:
    await session.open_synced()
    item, uid = sent_item(session), next(iter(session.room.students))
    session.world.schoology.grade(session.room.section.id, item.id, uid, Decimal("1.5"))
    again = await session.open_counting()
    await expect(again.text("1 score has changed in Schoology since the last sync.")).to_be_visible()
    await again.tab("Assignments").click()
    await expect(row(again, item)).to_contain_text("1 score waiting")
    await expect(row(again, item)).to_contain_text(re.compile(r"Last sent today at \d{1,2}:\d\d [AP]M"))
    await expect(again.text("Synced")).to_have_count(0)


async def test_known_problem_shows_before_the_first_sync(session: BrowserSession) -> None:
    opened = await session.open()
    await expect(opened.headline).to_have_text("Not synced yet.")
    await expect(opened.text("assignments can't be sent yet.")).to_be_visible()
    await opened.tab("Assignments").click()
    late = opened.tool.get_by_role("listitem").filter(has_text="Summer reading plan")
    await expect(late).to_contain_text("is outside the term in PowerSchool")


async def test_one_assignment_is_synced_alone(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.tab("Assignments").click()
    item = next(i for i in session.room.section.standing() if i.title.startswith("Homework 1:"))
    async with session.worker():
        await opened.button(f"Sync this one: {item.title}").click()
        await expect(opened.tab("Sync to SIS")).to_have_attribute("aria-selected", "true")
        await expect(opened.text("Last sync:")).to_be_visible()
    assert list(session.sis()) == [item.title]


async def test_assignments_are_searched_and_sorted(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.tab("Assignments").click()
    titles = opened.tool.locator(".assignments .title")
    await opened.tool.get_by_label("Sort by").select_option("Name")
    listed = await titles.all_text_contents()
    assert listed[0].casefold() < listed[-1].casefold()
    await opened.tool.get_by_label("Search").fill("SUMMER")
    await expect(titles).to_have_text(["Summer reading plan"])
    await opened.tool.get_by_label("Search").fill("no such name")
    await expect(opened.text("No assignment matches.")).to_be_visible()


async def test_a_category_is_switched_at_once(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.tab("Assignments").click()
    category = opened.tool.get_by_label("Grading category")
    await category.select_option(index=1)
    name = await category.locator("option").nth(1).text_content()
    switches = opened.tool.get_by_role("switch")
    await opened.button(f"Turn off all of {name}").click()
    await expect(opened.button(f"Turn on all of {name}")).to_be_focused()
    assert await switches.count() > 1
    assert not any([await each.is_checked() for each in await switches.all()])
    await category.select_option("All categories")
    assert any([await each.is_checked() for each in await switches.all()])


@pytest.mark.long
async def test_assignment_links_to_its_page_in_schoology(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.tab("Assignments").click()
    item = session.room.section.standing()[0]
    link = opened.tool.get_by_role("link", name=f"Open in Schoology: {item.title}")
    await expect(link).to_have_attribute("href", re.compile(rf"^https://.*/{item.id}$"))


async def test_unreachable_service_claims_nothing(session: BrowserSession) -> None:
    await session.context.route("**/syncs?**", lambda route: route.abort())
    opened = await session.open()
    await expect(opened.headline).to_have_text("The last sync isn't known right now.")
    await expect(opened.text("The service can't be reached.")).to_be_visible()


@pytest.mark.long
async def test_log_names_who_synced(session: BrowserSession) -> None:
    opened = await session.open_synced()
    await expect(opened.text("by you")).to_be_visible()
    await opened.tab("SIS Sync Log").click()
    await expect(opened.tool.locator(".log tbody tr").first).to_contain_text("by you")


async def test_log_row_follows_a_running_sync(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.button("Sync to SIS").click()
    await expect(opened.headline).to_have_text("Syncing…")
    row = opened.tool.locator(".log tbody tr").first
    for tab in ("SIS Sync Log", "Assignments", "SIS Sync Log"):
        await opened.tab(tab).click()
    await expect(row).to_contain_text("ProcessingWaiting for its turn")
    async with session.worker():
        await expect(row).to_contain_text("need attention")
        await expect(row).not_to_contain_text("Processing")
    await row.get_by_role("button", name="Details").click()
    await expect(opened.text("Failed ·")).to_be_visible()
    await expect(opened.tool.get_by_role("heading", name="Needs attention")).to_be_visible()


@pytest.mark.long
async def test_count_is_absent_while_schoology_is_down(session: BrowserSession) -> None:
    await session.open_synced()
    session.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
    again = await session.open()
    await expect(again.text("Last sync:")).to_be_visible()
    await expect(again.text("since the last sync")).to_have_count(0)


async def test_switch_pressed_twice_at_once_shows_what_is_kept(session: BrowserSession) -> None:
    """Hold back the answer to the first press until the second was made."""
    opened = await session.open()
    item = session.room.section.standing()[0]
    pressed, sent = asyncio.Event(), list[bool]()

    async def answer(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}")["sync_to_sis"])
        await pressed.wait()
        await route.continue_()

    await opened.page.route(f"**/assignments/{item.id}", answer)
    await opened.tab("Assignments").click()
    await opened.switch(item.title).click()
    await expect(opened.switch(item.title)).not_to_be_checked()
    await opened.switch(item.title).click()
    pressed.set()
    await expect(opened.tool.locator("#announcement")).to_have_text(f"{item.title}: Never synced")
    await expect(opened.switch(item.title)).to_be_checked()
    assert sent == [False, True]
