"""Review on the page what the guard stopped, and send it or leave it."""

import re
from dataclasses import replace
from datetime import date

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import text

from gradesync.db import districts
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.accessibility import look_everywhere
from harness.browser import BrowserSession, CourseTab, change_district, open_session


async def preview(opened: CourseTab) -> None:
    await opened.button("Preview").click()
    await expect(opened.text("Preview of")).to_be_visible()


def clear_everything(session: BrowserSession) -> int:
    """Clear every score in Schoology; return how many the SIS holds."""
    section = session.room.section
    for item in section.standing():
        for uid in session.room.students:
            session.world.schoology.clear(section.id, item.id, uid)
    return sum(text is not None for column in session.sis().values() for text in column.values())


@pytest.mark.sample(1)
@pytest.mark.parametrize("stopped_by", ["Sync to SIS", "Preview"])
async def test_stopped_sync_is_reviewed_then_sent(session: BrowserSession, stopped_by: str) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
        number, before = clear_everything(session), session.sis()
        await opened.button(stopped_by).click()
        await expect(opened.headline).to_contain_text(
            re.compile(rf"Of \d+ scores in PowerSchool, {number} would be cleared\.")
        )
        await opened.button("Review").click()
        assert await opened.active() == "What would change"
        change = opened.tool.locator(".change").filter(has_text="would be cleared").first
        await change.locator("summary").click()
        await expect(change.get_by_role("row").nth(1)).to_contain_text("would be cleared")
        await opened.button(f"Clear {number} scores…").click()
        assert await opened.active() == "Cancel"
        await opened.page.keyboard.press("Escape")
        assert session.sis() == before
        await opened.button(f"Clear {number} scores…").click()
        await opened.button(f"Clear {number} scores").click()
        await expect(opened.headline).to_contain_text(re.compile("need attention|As approved"))
        await expect(opened.text(f"{number} scores cleared")).to_be_visible()
    assert not any(text for column in session.sis().values() for text in column.values())
    await expect(opened.button("Review")).to_be_hidden()


@pytest.mark.long
async def test_review_is_sent_by_keyboard_alone(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
        press, number = opened.page.keyboard.press, clear_everything(session)
        await opened.button("Sync to SIS").focus()
        await press("Enter")
        await expect(opened.button("Review")).to_be_visible()
        for key, then in (("Shift+Tab", "Review"), ("Enter", "What would change")):
            await press(key)
            assert await opened.active() == then
        await opened.button(f"Clear {number} scores…").focus()
        for key, then in (
            ("Enter", "Cancel"),
            ("Shift+Tab", f"Clear {number} scores"),
            ("Enter", "Syncing…"),
        ):
            await press(key)
            assert await opened.active() == then
        await expect(opened.text(f"{number} scores cleared")).to_be_visible()


@pytest.mark.long
async def test_a_review_of_yesterday_is_not_offered(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
        clear_everything(session)
        await opened.button("Sync to SIS").click()
        await expect(opened.button("Review")).to_be_visible()
    database = session.runtime.context.database
    async with database.without_tenant() as db:
        (known,) = await districts.list_names(db)
    async with database.district(known.id) as db:
        await db.execute(text("UPDATE sync SET requested_at = requested_at - interval '25 hours'"))
    await opened.page.reload()
    await expect(opened.text("That was more than a day ago. Press Sync to SIS")).to_be_visible()
    await expect(opened.text("What would have changed")).to_be_visible()
    await expect(opened.button("Review")).to_be_hidden()


@pytest.mark.long
async def test_preview_shows_what_would_be_sent(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await preview(opened)
    await opened.text("What the gradebook would look like").click()
    legend = opened.tool.get_by_role("list", name="Legend")
    await expect(legend).to_contain_text("Would be sent")
    await expect(legend).not_to_contain_text("In PowerSchool")
    cells = opened.tool.get_by_role("grid").get_by_role("gridcell", name="Would be sent")
    await expect(cells.first).to_be_visible()


async def test_late_changes_are_sent_by_a_second_person(settings: Settings, browser: Browser) -> None:
    world = build(students=3, assignments=4, sections=1)
    room, colleague = world.classrooms[0], world.admin
    world.powerschool.move_term(world.powerschool.term_of(room.sis), last=date(2026, 9, 30))
    world.schoology.set_course_admin(room.section.id, colleague.uid)
    async with open_session(settings, world, browser) as session, session.worker():
        policy = (await change_district(session)).policy
        await change_district(session, policy=replace(policy, late_approval=True))
        own = await session.open()
        await preview(own)
        await expect(own.headline).to_contain_text("a second person has to review")
        await expect(own.text("Press Sync to SIS, then a second person can review it.")).to_be_visible()
        await expect(own.button("Review")).to_be_hidden()
        await own.sync()
        await expect(own.headline).to_contain_text("Stopped for review. The term ended on Sep 30, 2026")
        await expect(own.text("Ask another teacher of the section to review and send it.")).to_be_visible()
        await expect(own.text("What would have changed")).to_be_visible()
        await expect(own.button("Copy for your administrator")).to_be_visible()
        await expect(own.button("Review")).to_be_hidden()
        await expect(own.tool.get_by_label("Reason for the change")).to_have_count(0)
        assert await look_everywhere(own) == {}

        other = await session.open(colleague)
        await other.button("Review").click()
        await other.tool.locator(".approval > button").click()
        send, reason = other.tool.locator(".confirm .grave"), other.tool.get_by_label("Reason for the change")
        await send.click()
        await expect(reason).to_be_focused()  # the browser asks for it
        assert await look_everywhere(other) == {}
        assert session.sis() == {}
        await reason.fill("Regraded after an appeal.")
        await send.click()
        await expect(other.headline).to_contain_text("need attention")
        assert len(session.sis()) > 0
        await own.tab("SIS Sync Log").click()
        await expect(own.tool.locator(".log tbody tr")).to_have_count(2)


@pytest.mark.long
async def test_scores_of_a_large_class_are_all_shown(settings: Settings, browser: Browser) -> None:
    """Read more scores of one assignment than a page of the API holds."""
    world = build(students=210, assignments=2, sections=1, ideal=True)
    async with open_session(settings, world, browser) as session, session.worker():
        opened = await session.open()
        await opened.sync()
        await opened.text("What was sent").click()
        change = opened.tool.locator(".change").first
        await change.locator("summary").click()
        rows = change.locator("tbody tr")
        await change.get_by_role("button", name=re.compile("Show more")).click()
        await expect(rows).to_have_count(210)
        await expect(change.get_by_role("button")).to_have_count(0)
