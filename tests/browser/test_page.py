"""Work as a teacher on the page, with the real API, worker and simulated systems behind it."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from playwright.async_api import Browser, expect

from gradesync.settings import Settings
from gradesync_sandbox.faults import Fault, Status
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, open_session


def everybody_is_in_the_sis(session: BrowserSession) -> None:
    """Drop from the course the student who left the SIS section."""
    session.world.schoology.drop_student(session.room.section.id, session.room.odd["dropped_in_sis"])


async def test_R18_first_sync_shows_results_and_what_needs_attention(
    session: BrowserSession,
) -> None:
    gone = session.world.schoology.users[session.room.odd["dropped_in_sis"]]
    async with session.worker():
        opened = await session.open()
        await opened.sync()
    await expect(opened.headline).to_contain_text("need attention.")
    await expect(opened.text("assignments created and")).to_be_visible()
    assert len(session.sis()) > 10
    attention = opened.tool.locator(".part", has=opened.tool.get_by_role("heading", name="Needs attention"))
    await expect(attention).to_contain_text(gone.display)
    await expect(attention).to_contain_text(
        "Ask the school office to check the student's enrollment in PowerSchool."
    )
    await expect(attention).to_contain_text("Summer reading plan")
    await expect(attention).to_contain_text("Choose a due date within the term in Schoology.")
    await expect(attention).to_contain_text("Shorten the name in Schoology.")
    await expect(attention).to_contain_text("and PowerSchool accepts 50.")
    await expect(attention.get_by_role("button", name="Copy for your administrator").first).to_be_visible()
    await expect(opened.tool.locator("#announcement")).to_contain_text("need attention.")  # read aloud


async def test_preview_shows_changes_and_sends_nothing(session: BrowserSession) -> None:
    item = next(i for i in session.room.section.standing() if i.title.startswith("Homework 1:"))
    uid = next(iter(session.room.students))
    everybody_is_in_the_sis(session)
    async with session.worker():
        opened = await session.open()
        await opened.button("Preview").click()
        await expect(opened.headline).to_contain_text(re.compile(r"A sync would create \d+ assignments"))
        await expect(opened.text("Nothing has been sent yet.")).to_be_visible()
        await expect(opened.text(item.title)).to_be_visible()
        assert session.sis() == {}
        await opened.sync()
        before = session.sis()[item.title][session.room.students[uid].dcid]
        session.world.schoology.grade(session.room.section.id, item.id, uid, Decimal("7.25"))
        later = datetime(2026, 9, 30, 23, 59, 59)  # Schoology's own times have no zone  # noqa: DTZ001
        quizzes = next(c for c in session.room.section.categories.values() if c.title.startswith("Quiz"))
        session.world.schoology.edit_assignment(
            session.room.section.id, item.id, due=later, category=quizzes.id
        )
        await opened.button("Preview").click()
        await expect(opened.headline).to_contain_text("A sync would change 1 assignment and send 1 score.")
        await opened.tool.locator(".change").filter(has_text=item.title).locator("summary").click()
        await expect(opened.text("Due: Aug 18 → Sep 30")).to_be_visible()
        await expect(opened.text("Category: homework → Quizzes")).to_be_visible()
        row = opened.tool.get_by_role("row", name=session.world.schoology.users[uid].display)
        await expect(row).to_contain_text("7.25")
        await expect(row).to_contain_text(before or "blank")
    assert session.sis()[item.title][session.room.students[uid].dcid] == before


@pytest.mark.long
async def test_retry_sends_only_what_failed(session: BrowserSession) -> None:
    everybody_is_in_the_sis(session)
    section = session.room.section
    late = next(i for i in section.standing() if i.title == "Summer reading plan")
    empty = [i for i in section.standing() if i.max_points == 0]
    no = Status(409, '{"message":"Not with this isCountedInFinalGrade"}')
    session.sandbox.faults.add(Fault("powerschool", "assignment.create", no))
    async with session.worker():
        opened = await session.open()
        await opened.sync()
        reason = "PowerSchool answered 409 and named iscountedinfinalgrade"
        await expect(opened.text(reason)).to_be_visible()
        due = next(i.due for i in section.standing() if i.title.startswith("Homework 1:"))
        session.world.schoology.edit_assignment(section.id, late.id, due=due)
        for item in empty:
            session.world.schoology.edit_assignment(section.id, item.id, max_points=Decimal(10))
        await opened.button("Retry what failed").click()
        await expect(opened.headline).to_contain_text(re.compile("^. scores need attention"))
    assert "Summer reading plan" in session.sis()
    await expect(opened.button("Retry what failed")).to_be_hidden()


async def test_R17_assignment_switched_off_early_is_never_sent(
    session: BrowserSession,
) -> None:
    title = session.room.section.standing()[0].title
    async with session.worker():
        opened = await session.open()
        await opened.tab("Assignments").click()
        await expect(opened.switch(title)).to_be_checked()
        await opened.switch(title).click()
        await expect(opened.switch(title)).not_to_be_checked()
        await expect(opened.tool.get_by_role("listitem").filter(has_text=title)).to_contain_text("Opted out")
        await opened.tab("Sync to SIS").click()
        await opened.sync()
        assert title not in session.sis()
        await opened.tab("Assignments").click()
        await expect(opened.switch(title)).not_to_be_checked()


async def test_assignments_show_their_state(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
    await opened.tab("Assignments").click()
    rows = opened.tool.get_by_role("listitem")
    await expect(rows.filter(has_text="Summer reading plan")).to_contain_text("Problem")
    await expect(rows.filter(has_text="Summer reading plan")).to_contain_text(
        "Choose a due date within the term"
    )
    everything = await rows.count()
    await opened.tool.get_by_role("button", name="Problem").click()
    await expect(rows.first).to_contain_text("Problem")
    assert 0 < await rows.count() < everything
    assert await opened.active() == f"Problem{await rows.count()}"  # focus stays where it was


async def test_double_click_starts_one_sync(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.button("Sync to SIS").dblclick()
    await expect(opened.headline).to_have_text("Syncing…")
    again = await session.open()  # and so does a second tab
    await expect(again.headline).to_have_text("Syncing…")
    async with session.worker():
        await expect(opened.text("Last sync:")).to_be_visible()
        await expect(again.text("Last sync:")).to_be_visible()
    await opened.tab("SIS Sync Log").click()
    await expect(opened.button("Details")).to_have_count(0)
    await expect(opened.tool.locator(".log tbody tr")).to_have_count(1)


@pytest.mark.long
async def test_sync_of_another_tab_is_followed(session: BrowserSession) -> None:
    first, second = await session.open(), await session.open()
    await expect(second.headline).to_have_text("Not synced yet.")
    await first.button("Sync to SIS").click()
    await expect(first.text("Waiting for its turn")).to_be_visible()
    await second.button("Sync to SIS").click()
    await expect(second.text("Waiting for its turn")).to_be_visible()
    async with session.worker():
        await expect(second.text("Last sync:")).to_be_visible()
        await expect(first.text("Last sync:")).to_be_visible()


async def test_reload_shows_the_running_sync(session: BrowserSession) -> None:
    opened = await session.open()
    await opened.button("Sync to SIS").click()
    await expect(opened.text("Waiting for its turn")).to_be_visible()
    await opened.page.reload()
    await expect(opened.text("Waiting for its turn")).to_be_visible()
    await expect(opened.button("Sync to SIS")).to_have_attribute("aria-disabled", "true")
    await opened.tab("SIS Sync Log").click()
    await expect(opened.text("Processing")).to_be_visible()
    await opened.tab("Sync to SIS").click()
    async with session.worker():
        await expect(opened.text("Last sync:")).to_be_visible()


@pytest.mark.long
async def test_lost_connection_is_shown_and_restored(session: BrowserSession) -> None:
    opened = await session.open()
    async with opened.page.expect_response("**/events"):
        await opened.button("Sync to SIS").click()
    await session.context.route("**/events", lambda route: route.abort())
    session.cut()
    await expect(opened.tool.get_by_role("alert")).to_contain_text("The connection was lost.")
    await session.context.unroute_all()
    async with session.worker():
        await expect(opened.text("Last sync:")).to_be_visible()
    await expect(opened.tool.get_by_role("alert")).to_be_hidden()


async def test_ended_session_is_explained(session: BrowserSession) -> None:
    # The page's own reads come first: one that meets the end of the session shows it before the click.
    async with session.context.expect_event("response", lambda one: one.url.endswith("/assignments")):
        opened = await session.open()
    await expect(opened.headline).to_have_text("Not synced yet.")
    session.clock.ahead = timedelta(hours=2)
    await opened.button("Sync to SIS").click()
    await expect(opened.headline).to_have_text("This page has been open for a while, so it has ended.")
    await expect(opened.text("open Sync to SIS again")).to_be_visible()
    assert (await opened.active()).startswith("This page has been open")
    await expect(opened.tool.get_by_role("button")).to_have_count(0)


async def test_R24_log_shows_details_and_exports_a_spreadsheet(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
    await opened.tab("SIS Sync Log").click()
    row = opened.tool.get_by_role("row").nth(1)
    await expect(row).to_contain_text("Failed")
    await expect(row).to_contain_text(re.compile(r"\w{3} \d{1,2}, \d{4}, \d{1,2}:\d\d [AP]M"))
    await expect(opened.text("Times are in Pacific Time.")).to_be_visible()
    await row.click()
    assert re.match(r"\w{3} \d", await opened.active())  # the heading of the details has the focus
    await expect(opened.text("Needs attention")).to_be_visible()
    async with opened.page.expect_download() as download:
        await opened.button("Download as a spreadsheet (CSV)").click()
    saved = await (await download.value).path()
    assert "student-not-in-sis-section" in saved.read_text("utf-8-sig")
    await opened.button("Back to the log").click()
    assert (await opened.active()) == "Details"


@pytest.mark.long
async def test_ids_are_shown_and_explained_without_names(session: BrowserSession) -> None:
    session.sandbox.faults.add(Fault("schoology", "enrollments", Status(403)))
    async with session.worker():
        opened = await session.open()
        await opened.sync()
    await expect(opened.text("Schoology isn't sharing the students' names right now")).to_be_visible()
    await expect(opened.text(f"Student {session.room.odd['dropped_in_sis']}")).to_be_visible()


async def test_page_works_by_keyboard_alone(session: BrowserSession) -> None:
    title = session.room.section.standing()[0].title
    async with session.worker():
        opened = await session.open()
        press = opened.page.keyboard.press
        await expect(opened.headline).to_have_text("Not synced yet.")
        await opened.tab("Sync to SIS").focus()
        await press("ArrowRight")
        assert await opened.active() == "Assignments"
        await expect(opened.switch(title)).to_be_visible()
        await press("Tab")
        assert (await opened.active()).startswith("All")
        await opened.tool.get_by_label("Sort by").focus()
        for _ in ("the page in Schoology", "Sync this one", "the switch"):
            await press("Tab")
        await expect(opened.switch(title)).to_be_focused()
        await press("Space")
        await expect(opened.switch(title)).not_to_be_checked()
        await expect(opened.switch(title)).to_be_focused()
        await press("Shift+Tab")
        await opened.tab("Assignments").focus()
        await press("Home")
        await press("Tab")
        assert await opened.active() == "Sync to SIS"
        await press("Enter")
        await expect(opened.text("Last sync:")).to_be_visible()
        assert await opened.active() == "Sync to SIS"
        await opened.tab("Sync to SIS").focus()
        for key in ("End", "ArrowLeft"):
            await press(key)
        await expect(opened.tool.get_by_role("button", name="Details")).to_be_visible()
        await press("Tab")
        await press("Enter")
        await expect(opened.button("Back to the log")).to_be_visible()


@pytest.mark.long
async def test_screen_reader_announces_progress(session: BrowserSession) -> None:
    opened = await session.open()
    await expect(opened.headline).to_have_text("Not synced yet.")
    await opened.button("Sync to SIS").click()
    status = opened.tool.locator("#announcement")
    await expect(status).to_have_text("Waiting for its turn")
    await expect(opened.tool.get_by_role("progressbar", name="Progress")).to_be_visible()
    async with session.worker():
        await expect(status).to_contain_text("need attention.")
    await expect(opened.tool.get_by_role("progressbar")).to_be_hidden()


async def test_too_many_requests_name_the_seconds_to_wait(settings: Settings, browser: Browser) -> None:
    one = settings.filled(requests_per_minute=1)
    async with open_session(one, build(students=3, assignments=3, sections=1), browser) as session:
        opened = await session.open()
        await opened.tab("Assignments").click()
        for _ in range(3):  # where Redis is slow, one is counted in the process and not there
            await opened.tool.get_by_role("switch").first.click()
        wait = re.compile(r"Too much was asked for at once\. Try again in \d+ seconds\.")
        await expect(opened.tool.get_by_role("alert").filter(has_text=wait)).to_be_visible()
