"""The way from Schoology into the page, in a real browser that keeps third-party cookies out."""

import re
from dataclasses import replace

from playwright.async_api import expect

from gradesync.db import districts
from gradesync.lti.browser import COOKIE
from harness.browser import BrowserSession

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


async def test_a_launch_opens_the_page_in_the_course(school: BrowserSession) -> None:
    opened = await school.open()
    await expect(opened.headline).to_have_text(READY)
    await expect(opened.tool.get_by_role("heading", level=1)).to_have_text(school.room.section.name)


async def test_a_partitioned_cookie_will_do_where_the_platform_has_no_storage(school: BrowserSession) -> None:
    opened = await school.open(storage="none")
    await expect(opened.headline).to_have_text(READY)
    (cookie,) = await school.context.cookies(school.url)
    assert (cookie["name"], cookie["sameSite"]) == (COOKIE, "None")
    assert cookie.get("partitionKey")


async def test_the_platforms_storage_will_do_where_no_cookie_is_kept(school: BrowserSession) -> None:
    school.front.cookies = False
    opened = await school.open()
    await expect(opened.headline).to_have_text(READY)
    assert await school.context.cookies(school.url) == []


async def test_the_storage_may_be_a_frame_of_its_own(school: BrowserSession) -> None:
    school.front.cookies = False
    opened = await school.open(storage="lti_storage")
    await expect(opened.headline).to_have_text(READY)


async def test_a_browser_that_keeps_nothing_opens_the_page_in_a_window_of_its_own(
    school: BrowserSession,
) -> None:
    school.front.cookies = False
    opened = await school.open(storage="none")
    link = opened.tool.get_by_role("link", name="Open in a new window")
    await expect(link).to_be_visible()
    school.front.cookies = True  # a window of its own keeps them
    async with school.context.expect_page() as popup:
        await link.click()
    page = await popup.value
    await expect(page.get_by_role("heading", level=2)).to_have_text(READY)


async def test_lti_1_1_opens_the_page_too(school: BrowserSession) -> None:
    opened = await school.open(page="lti11")
    await expect(opened.headline).to_have_text(READY)


async def test_a_launch_can_begin_with_a_form(school: BrowserSession) -> None:
    opened = await school.open(method="post")
    await expect(opened.headline).to_have_text(READY)


async def test_the_page_is_not_shown_in_anybody_elses_frame(school: BrowserSession) -> None:
    launch_url = f"{school.url}/lti/launch"
    async with school.runtime.database.without_tenant() as door:
        (known,) = await districts.listed(door)
    async with school.runtime.database.district(known.id) as db:
        district = await districts.get(db)
        assert district is not None
        await districts.apply(db, replace(district, schoology=replace(district.schoology, domains=())))
    page = await school.context.new_page()
    async with page.expect_event("requestfailed", lambda request: request.url == launch_url) as failed:
        await page.goto(school.course())
    assert (await failed.value).failure == "net::ERR_BLOCKED_BY_RESPONSE"


async def test_R22_a_student_sees_a_plain_refusal(school: BrowserSession) -> None:
    student = school.world.schoology.users[school.room.section.students()[0].uid]
    opened = await school.open(student)
    await expect(opened.tool.get_by_role("heading")).to_have_text("This page is for teachers.")
    await expect(opened.tool.get_by_role("button")).to_have_count(0)


async def test_R22_a_system_admin_sees_the_log_and_no_button(school: BrowserSession) -> None:
    opened = await school.open(school.world.admin)
    await expect(opened.tab("SIS Sync Log")).to_have_attribute("aria-selected", "true")
    await expect(opened.text("There was no sync in the last 30 days.")).to_be_visible()
    await expect(
        opened.tool.get_by_role("button", name=re.compile("sync|preview", re.IGNORECASE))
    ).to_have_count(0)
    await opened.tab("Assignments").click()
    await expect(opened.tool.get_by_role("listitem").first).to_be_visible()
    await expect(opened.tool.get_by_role("switch")).to_have_count(0)


async def test_the_token_is_nowhere_but_in_memory(school: BrowserSession) -> None:
    opened = await school.open()
    await expect(opened.headline).to_have_text(READY)
    found = await opened.tool.locator("html").evaluate(KEPT)
    assert "eyJ" not in found  # how every JWT begins
