"""Check a page with axe-core, which a locked package carries."""

from functools import cache
from importlib.resources import files

from playwright.async_api import Page

from harness.browser import CourseTab

RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`));
}"""


@cache
def _read() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


async def find_violations(opened: CourseTab | Page) -> list[str]:
    """Return the violations in the tool, or in another page, as it is now: the rule and the element."""
    frame = opened.page.frame(name="tool") if isinstance(opened, CourseTab) else opened.main_frame
    assert frame is not None
    if not await frame.evaluate("() => 'axe' in window"):
        await frame.evaluate(_read())
    found: list[str] = await frame.evaluate(RUN)
    return found
