"""Meet on the page a service that is away, busy or cut off, and a session that is over."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.async_api import Locator, expect

from gradesync.api.live import Live
from gradesync_sandbox.faults import Fault, Status
from harness.browser import BrowserSession, CourseTab

TABS = ("Assignments", "SIS Sync Log", "Compare", "Sync to SIS")


@pytest.fixture(autouse=True)
def mend(synced: BrowserSession) -> Iterator[None]:
    """Leave the service as it was found."""
    yield
    synced.front.away, synced.front.cuts, synced.clock.ahead = None, False, timedelta()
    synced.sandbox.faults.rules.clear()


def alert(opened: CourseTab, text: str) -> Locator:
    return opened.tool.get_by_role("alert").filter(has_text=text, visible=True)


async def test_page_keeps_what_it_knows_while_offline(synced: BrowserSession) -> None:
    opened = await synced.open()
    async with synced.worker():
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await expect(opened.text("Compared today")).to_be_visible()
    known = {}
    for tab in TABS:
        await opened.tab(tab).click()
        await expect(opened.text("Reading…")).to_be_hidden()
        known[tab] = await opened.tool.get_by_role("tabpanel").inner_text()
    await opened.text("Ask the school office").wait_for()
    await synced.context.set_offline(True)
    try:
        for tab in TABS:
            await opened.tab(tab).click()
            await expect(alert(opened, "The service can't be reached. Check your connection")).to_be_visible()
            shown = await opened.tool.get_by_role("tabpanel").inner_text()
            assert set(known[tab].splitlines()) <= set(shown.splitlines()), tab
    finally:
        await synced.context.set_offline(False)
    for tab in TABS:
        await opened.tab(tab).click()
        await expect(opened.tool.get_by_role("alert").filter(visible=True)).to_have_count(0)


async def test_page_names_the_time_to_try_again(synced: BrowserSession) -> None:
    opened = await synced.open()
    await opened.tab("SIS Sync Log").click()
    synced.front.away = 7
    await opened.tool.get_by_role("button", name="Details").click()
    await expect(
        alert(opened, "The service sent no usable response. Try again in 7 seconds.")
    ).to_be_visible()
    synced.front.away = None
    await opened.tool.get_by_role("button", name="Try again").first.click()
    await expect(opened.text("Summer reading plan")).to_be_visible()


async def test_page_survives_a_body_that_is_cut_off(synced: BrowserSession) -> None:
    opened = await synced.open()
    await expect(opened.text("Last sync:")).to_be_visible()
    synced.front.cuts = True
    await opened.tab("Assignments").click()
    await expect(alert(opened, "The service can't be reached.")).to_be_visible()
    synced.front.cuts = False
    await opened.tab("Assignments").click()
    await expect(opened.tool.get_by_role("switch").first).to_be_visible()


async def test_titles_stay_while_schoology_is_away(synced: BrowserSession) -> None:
    opened = await synced.open()
    await opened.tab("Assignments").click()
    late = opened.tool.get_by_role("listitem").filter(has_text="Summer reading plan")
    await expect(late).to_contain_text("50 points")
    synced.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
    synced.app.state.live = Live(synced.runtime)  # what was read of Schoology is old by now
    await opened.tab("Assignments").click()
    await expect(opened.text("Schoology doesn't allow your district's key")).to_be_visible()
    await expect(opened.text("This is what was known")).to_be_visible()
    await expect(late).to_contain_text("50 points")


async def test_filters_come_back_with_schoology(synced: BrowserSession) -> None:
    opened = await synced.open()
    synced.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
    synced.app.state.live = Live(synced.runtime)
    await opened.tool.locator(".picture > summary").first.click()
    filters = opened.tool.locator(".picture-filters")
    await expect(filters).to_contain_text("so you can't choose a category")
    await expect(opened.tool.get_by_role("grid")).to_be_visible()
    synced.sandbox.faults.rules.clear()
    await filters.get_by_role("button", name="Try again").click()
    await expect(filters.get_by_label("Category", exact=True)).to_be_visible()
    await expect(filters.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("tab", TABS[:3])
async def test_every_tab_explains_an_ended_session(synced: BrowserSession, tab: str) -> None:
    opened = await synced.open()
    await expect(opened.text("Last sync:")).to_be_visible()
    await opened.page.wait_for_load_state("networkidle")  # the page's own reads come first
    synced.clock.ahead = timedelta(hours=2)
    await opened.tab(tab).click()
    await expect(opened.headline).to_have_text("This page has been open for a while, so it has ended.")
