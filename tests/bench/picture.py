"""Measure how long a teacher's browser takes to show a result, and its gradebook as a picture."""

from collections.abc import Sequence
from statistics import median

from playwright.async_api import Frame, expect

from bench.measure import Measure
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, CourseTab, open_chromium, open_session

STUDENTS, ASSIGNMENTS = 150, 40
SIZE = f"{STUDENTS} students x {ASSIGNMENTS} assignments"
PATIENCE = 120_000
# From the click until the browser has painted the table: milliseconds.
OPENED = """() => new Promise((resolve) => {
  const part = document.querySelector(".picture");
  const began = performance.now();
  const painted = () => setTimeout(() => resolve(performance.now() - began));
  new MutationObserver((_, observer) => {
    if (!part.querySelector(".cells")) return;
    observer.disconnect();
    requestAnimationFrame(painted);
  }).observe(part, { childList: true, subtree: true });
  part.open = true;
})"""
SINCE_START = "() => performance.now()"


async def picture(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Open the page with the result of a first sync, then the picture below it, several times."""
    world = build(students=STUDENTS, assignments=ASSIGNMENTS, sections=1)
    async with open_chromium() as browser, open_session(settings, world, browser) as session:
        opened = await _sync(session)
        times = [await _open(opened) for _ in range(3 if quick else 11)]
    return [
        Measure(f"{SIZE}: the result opens, s", 1.0, _median_seconds([result for result, _ in times])),
        Measure(f"{SIZE}: the picture opens, s", 1.0, _median_seconds([drawn for _, drawn in times])),
    ]


async def _sync(session: BrowserSession) -> CourseTab:
    async with session.worker():
        opened = await session.open()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("Last sync:")).to_be_visible(timeout=PATIENCE)
    return opened


async def _open(opened: CourseTab) -> tuple[float, float]:
    """Return how long the result takes from the start of the page, and the picture from the click."""
    await opened.page.reload()
    await expect(opened.tool.locator(".reason").first).to_be_visible()
    frame = _tool(opened)
    return float(await frame.evaluate(SINCE_START)), float(await frame.evaluate(OPENED))


def _tool(opened: CourseTab) -> Frame:
    frame = opened.page.frame(name="tool")
    assert frame is not None
    return frame


def _median_seconds(milliseconds: Sequence[float]) -> float:
    return median(milliseconds) / 1000
