"""Open the page from Schoology, in a real browser that blocks third-party cookies."""

import re
from dataclasses import replace

from playwright.async_api import expect

from gradesync.core.district import ConsoleAccess
from gradesync.lti.browser import COOKIE
from harness.browser import BrowserSession, change_district

READY = "Not synced yet."
KEPT = """html => {
  const stored = () => {
    try {
      return JSON.stringify({ ...localStorage, ...sessionStorage });
    } catch {
      return "closed to other sites";
    }
  };
  return html.outerHTML + document.cookie + location + stored();
}"""


async def test_launch_opens_the_page_in_the_course(session: BrowserSession) -> None:
    opened = await session.open()
    await expect(opened.headline).to_have_text(READY)
    await expect(opened.tool.get_by_role("heading", level=1)).to_have_text(session.room.section.name)


async def test_partitioned_cookie_replaces_platform_storage(
    session: BrowserSession,
) -> None:
    opened = await session.open(storage="none")
    await expect(opened.headline).to_have_text(READY)
    (cookie,) = await session.context.cookies(session.url)
    assert (cookie["name"], cookie["sameSite"]) == (COOKIE, "None")
    assert cookie.get("partitionKey")


async def test_platform_storage_replaces_cookies(session: BrowserSession) -> None:
    session.front.cookies = False
    opened = await session.open()
    await expect(opened.headline).to_have_text(READY)
    assert await session.context.cookies(session.url) == []


async def test_platform_storage_may_be_a_frame(session: BrowserSession) -> None:
    session.front.cookies = False
    opened = await session.open(storage="lti_storage")
    await expect(opened.headline).to_have_text(READY)


async def test_browser_without_storage_opens_a_new_window(
    session: BrowserSession,
) -> None:
    session.front.cookies = False
    opened = await session.open(storage="none")
    link = opened.tool.get_by_role("link", name="Open in a new window")
    await expect(link).to_be_visible()
    session.front.cookies = True  # a window of its own keeps them
    async with session.context.expect_page() as popup:
        await link.click()
    page = await popup.value
    await expect(page.get_by_role("heading", level=2)).to_have_text(READY)


async def test_lti_1_1_launch_opens_the_page(session: BrowserSession) -> None:
    opened = await session.open(page="lti11")
    await expect(opened.headline).to_have_text(READY)


async def test_launch_can_start_with_a_form(session: BrowserSession) -> None:
    opened = await session.open(method="post")
    await expect(opened.headline).to_have_text(READY)


async def test_page_refuses_frames_of_other_sites(session: BrowserSession) -> None:
    launch_url = f"{session.url}/lti/launch"
    district = await change_district(session)
    await change_district(session, schoology=replace(district.schoology, domains=()))
    page = await session.context.new_page()
    async with page.expect_event("requestfailed", lambda request: request.url == launch_url) as failed:
        await page.goto(session.course())
    assert (await failed.value).failure == "net::ERR_BLOCKED_BY_RESPONSE"


async def test_R22_student_sees_a_plain_refusal(session: BrowserSession) -> None:
    student = session.world.schoology.users[session.room.section.students()[0].uid]
    opened = await session.open(student)
    await expect(opened.tool.get_by_role("heading")).to_have_text("This page is for teachers.")
    await expect(opened.tool.get_by_role("button")).to_have_count(0)


async def test_R22_system_admin_sees_the_log_and_no_button(session: BrowserSession) -> None:
    await change_district(session, console=ConsoleAccess("none"))
    opened = await session.open(session.world.admin)
    await expect(opened.tab("SIS Sync Log")).to_have_attribute("aria-selected", "true")
    await expect(opened.text("There was no sync in the last 30 days.")).to_be_visible()
    await expect(
        opened.tool.get_by_role("button", name=re.compile("sync|preview", re.IGNORECASE))
    ).to_have_count(0)
    await opened.tab("Assignments").click()
    await expect(opened.tool.get_by_role("listitem").first).to_be_visible()
    await expect(opened.tool.get_by_role("switch")).to_have_count(0)


async def test_token_stays_in_memory(session: BrowserSession) -> None:
    opened = await session.open()
    await expect(opened.headline).to_have_text(READY)
    found = await opened.tool.locator("html").evaluate(KEPT)
    assert "eyJ" not in found  # how every JWT begins
