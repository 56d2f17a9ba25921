"""Read the page on a narrow screen, in light and in dark, and with a screen reader."""

import re
from typing import Any, Literal

import pytest
from playwright.async_api import Route, expect

from harness.browser import BrowserSession, CourseTab

TABS = ("Sync to SIS", "Assignments", "SIS Sync Log")
WHITE = "rgb(255, 255, 255)"

WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"

# Every text that is shown, with the ratio of its color to what is behind it (WCAG 2.2, 1.4.3).
CONTRASTS = """() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = numbers(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const own = (element) => [...element.childNodes]
    .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent.trim()).join("");
  return [...document.body.querySelectorAll("*")]
    .filter((element) => own(element) && element.checkVisibility() && !element.closest(".unseen"))
    .map((element) => {
      const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
      return [own(element), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    });
}"""

# Controls without a name, ids given twice, and headings that skip a level.
FAULTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (selector) => all(selector).filter((each) => each.checkVisibility());
  const nameless = shown("button, a, [role], progress")
    .filter((each) => !["status", "alert", "none", "group"].includes(each.role))
    .filter((each) => !each.textContent.trim() && !each.ariaLabel && !each.getAttribute("aria-labelledby"))
    .map((each) => `no name: ${each.outerHTML}`);
  const ids = all("[id]").map((each) => each.id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `twice: ${id}`);
  const levels = shown("h1, h2, h3, h4").map((each) => Number(each.tagName[1]));
  const skipped = levels.filter((level, i) => i > 0 && level > levels[i - 1] + 1);
  return [...nameless, ...twice, ...skipped.map((level) => `skips to h${level}`)];
}"""


async def ask(opened: CourseTab, script: str) -> Any:
    return await opened.tool.locator("body").evaluate(script)


async def shown(opened: CourseTab, tab: str) -> None:
    """Open a tab and everything in it."""
    await opened.tab(tab).click()
    ready = {
        "Sync to SIS": opened.text("Left out"),
        "Assignments": opened.tool.get_by_role("switch").first,
        "SIS Sync Log": opened.tool.get_by_role("button", name="Details").first,
    }
    await expect(ready[tab]).to_be_visible()


async def opened_parts(synced: BrowserSession) -> CourseTab:
    opened = await synced.open()
    await expect(opened.text("Last sync:")).to_be_visible()
    for heading in ("What was sent", "Left out", "Worth knowing"):
        await opened.text(heading).click()
    await expect(opened.text("Shorten the name in Schoology.")).to_be_visible()
    return opened


async def test_page_fits_a_phone(synced: BrowserSession) -> None:
    opened = await opened_parts(synced)
    await opened.page.set_viewport_size({"width": 360, "height": 740})
    for tab in TABS:
        await shown(opened, tab)
        needed, there = await ask(opened, WIDTH)
        assert needed <= there == 360, tab
    await opened.tool.get_by_role("button", name="Details").first.click()
    await expect(opened.button("Back to the log")).to_be_visible()
    needed, there = await ask(opened, WIDTH)
    assert needed <= there


# Tabs of which a part is out of sight.
CUT = """() => [...document.querySelectorAll("[role=tab]")]
  .filter((tab) => tab.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map((tab) => tab.textContent)"""


@pytest.mark.parametrize("width", [240, 320])
async def test_every_tab_is_in_sight_on_a_narrow_screen(synced: BrowserSession, width: int) -> None:
    opened = await synced.open()
    await expect(opened.tab("Compare")).to_be_visible()
    await opened.page.set_viewport_size({"width": width, "height": 568})
    assert await ask(opened, CUT) == []


async def test_print_is_legible_and_has_no_controls(synced: BrowserSession) -> None:
    opened = await opened_parts(synced)
    await opened.page.emulate_media(media="print", color_scheme="dark")
    await expect(opened.tab("Sync to SIS")).to_be_hidden()
    await expect(opened.tool.get_by_role("button").filter(visible=True)).to_have_count(0)
    await expect(opened.text("Shorten the name in Schoology.")).to_be_visible()
    contrasts = await ask(opened, CONTRASTS)
    assert len(contrasts) > 5
    assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []
    assert await ask(opened, "() => getComputedStyle(document.documentElement).backgroundColor") == WHITE


@pytest.mark.sample(1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_texts_have_enough_contrast(synced: BrowserSession, scheme: Literal["light", "dark"]) -> None:
    opened = await opened_parts(synced)
    await opened.page.emulate_media(color_scheme=scheme)
    for tab in TABS:
        await shown(opened, tab)
        contrasts = await ask(opened, CONTRASTS)
        assert len(contrasts) > 5
        assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


# Status in the log of a sync that was ended with so many assignments that need attention.
STATUS = """async () => {
  const { statusOf } = await import(document.querySelector("link[href$='/words.js']").href);
  const sync = { status: "failed", result: "needs-attention" };
  return [0, 1, 2].map((assignments) => statusOf({ ...sync, attention: { assignments, scores: 0 } }).text);
}"""


async def test_status_agrees_with_its_number(synced: BrowserSession) -> None:
    opened = await synced.open()
    await expect(opened.text("Last sync:")).to_be_visible()
    assert await ask(opened, STATUS) == [
        "Failed · a part was sent",
        "Failed · 1 needs attention",
        "Failed · 2 need attention",
    ]


EMPTY = """async () => {
  const { resultOf } = await import(document.querySelector("link[href$='/words.js']").href);
  const none = { read: 0, created: 0, recreated: 0, updated: 0, written: 0, cleared: 0 };
  const sync = { result: "all-sent", assignments: none, scores: none, assignments_selected: null };
  const unmapped = { ...sync, result: "needs-attention", attention: { assignments: 4, scores: 0 } };
  const headlines = [false, true].map((dry_run) => resultOf({ ...sync, dry_run }).headline);
  return [...headlines, resultOf(unmapped).text];
}"""


async def test_sync_that_sends_nothing_claims_no_more(synced: BrowserSession) -> None:
    opened = await synced.open()
    await expect(opened.text("Last sync:")).to_be_visible()
    assert await ask(opened, EMPTY) == [
        "There were no assignments to send.",
        "There were no assignments to send.",
        "There was nothing else to send.",
    ]


async def test_controls_have_names_and_headings_an_order(synced: BrowserSession) -> None:
    opened = await opened_parts(synced)
    for tab in TABS:
        await shown(opened, tab)
        assert await ask(opened, FAULTS) == [], tab
    await expect(opened.tool.get_by_role("tabpanel", name="SIS Sync Log")).to_be_visible()
    await expect(opened.tool.get_by_role("tab", selected=True)).to_have_text("SIS Sync Log")


CLICK_TWICE = "(button) => { button.click(); button.click(); }"
REPORT = {
    "requested_at": "2026-11-02T08:00:00Z",
    "progress": {"done": 1, "total": 1},
    "findings": 0,
    "error": None,
}


async def test_next_page_is_read_once_by_two_clicks(synced: BrowserSession) -> None:
    """Let every list that has a button for more claim a second page, which is empty."""
    read: list[str] = []

    async def answer(route: Route) -> None:
        path, _, query = route.request.url.removeprefix(f"{synced.url}/").partition("?")
        if "cursor" in query:
            read.append(path)
        page: dict[str, Any] = {"items": [], "next_cursor": None if "cursor" in query else "2"}
        await route.fulfill(json=REPORT if path == "preflight/1" else page)

    opened = await synced.open(synced.world.admin)
    section = f"sections/{synced.room.section.id}"
    lists = ("preflight/1/sections", f"{section}/syncs", f"{section}/drift", "sections")
    await opened.page.route(re.compile(f"/({'|'.join(lists)}|preflight/1)([?]|$)"), answer)
    await opened.tool.locator("nav .course").click()
    for tab, more in (("SIS Sync Log", "Show earlier syncs"), ("Comparison", "Show more scores")):
        await opened.tab(tab).click()
        await click_twice(opened, more)
    for shown in ("sections", "preflight/1"):
        await opened.tool.locator("body").evaluate("(_, to) => { location.hash = to; }", f"#{shown}")
        await click_twice(opened, "Show more sections")
    assert sorted(read) == sorted(lists)


async def click_twice(opened: CourseTab, name: str) -> None:
    """Click a button twice at once, and wait until its page was shown."""
    await opened.button(name).evaluate(CLICK_TWICE)
    await expect(opened.button(name)).to_have_count(0)


async def test_console_opens_at_an_address_that_is_broken(synced: BrowserSession) -> None:
    opened = await synced.open(synced.world.admin)
    await opened.tool.get_by_role("link", name="Runs", exact=True).click()
    await opened.tool.locator("body").evaluate("() => { location.hash = '#%E0%A4'; }")
    await expect(opened.headline.first).to_have_text("Overview")
