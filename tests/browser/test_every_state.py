"""Check every state of the page with axe-core: wide in light colors, as a phone in dark ones."""

from typing import Literal

import pytest

from harness.accessibility import find_violations
from harness.browser import BrowserSession, CourseTab
from harness.teacher_states import Walk

LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (360, "dark"))
WIDTH = "() => document.documentElement.scrollWidth"


@pytest.mark.long
async def test_axe_finds_nothing_in_any_state(session: BrowserSession) -> None:
    found: dict[str, list[str]] = {}

    async def check(opened: CourseTab, state: str) -> None:
        for width, scheme in LOOKS:
            await opened.page.set_viewport_size({"width": width, "height": 900})
            await opened.page.emulate_media(color_scheme=scheme)
            violations = await find_violations(opened)
            needed = await opened.tool.locator("body").evaluate(WIDTH)
            if needed > width:
                violations.append(f"{needed} px wide")
            if violations:
                found[f"{state}, {width} px, {scheme}"] = violations
        await opened.page.set_viewport_size({"width": 1000, "height": 900})

    await Walk(session, check).through_all()
    assert found == {}
