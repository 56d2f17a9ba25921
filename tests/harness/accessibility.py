"""Check a page with axe-core, which a locked package carries."""

from functools import cache
from importlib.resources import files
from itertools import product
from typing import Literal

from playwright.async_api import Page

from harness.browser import CourseTab

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LOOKS = tuple(product((1280, 360), SCHEMES))
WIDTH = "() => document.documentElement.scrollWidth"
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


async def look_everywhere(opened: CourseTab) -> dict[str, list[str]]:
    """Return what axe finds at each size and in each color scheme, and what is too wide there."""
    found: dict[str, list[str]] = {}
    for width, scheme in LOOKS:
        await opened.page.set_viewport_size({"width": width, "height": 900})
        await opened.page.emulate_media(color_scheme=scheme)
        violations = await find_violations(opened)
        needed = await opened.tool.locator("body").evaluate(WIDTH)
        if needed > width:
            violations.append(f"{needed} px wide")
        if violations:
            found[f"{width} px, {scheme}"] = violations
    await opened.page.set_viewport_size({"width": 1000, "height": 900})
    return found
