"""Take pictures of every state of the teacher's page: wide and as a phone, in light and in dark colors."""

from pathlib import Path
from typing import Literal

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.browser import CourseTab, open_chromium, open_session
from harness.teacher_states import Walk

WIDTHS = (1280, 360)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LEAST, MOST = 480, 6000
COURSE = 160  # what Schoology's page needs above the tool
HEIGHT = "() => document.documentElement.scrollHeight"


async def take_all(settings: Settings, folder: Path) -> None:
    """Write the pictures to a folder that exists, numbered in the order of the states."""
    states: list[str] = []

    async def take(opened: CourseTab, state: str) -> None:
        states.append(state)
        for width in WIDTHS:
            for scheme in SCHEMES:
                await opened.page.emulate_media(color_scheme=scheme)
                await opened.page.set_viewport_size({"width": width, "height": LEAST})
                height = await opened.tool.locator("html").evaluate(HEIGHT)
                await opened.page.set_viewport_size({"width": width, "height": min(height + COURSE, MOST)})
                await opened.tool.locator("html").evaluate("() => scrollTo(0, 0)")
                path = folder / f"{len(states):02}-{state}-{width}-{scheme}.png"
                await opened.page.locator("iframe[name=tool]").screenshot(path=path, animations="disabled")
        await opened.page.set_viewport_size({"width": 1000, "height": 900})

    world = build(students=14, assignments=24, sections=1)
    async with open_chromium() as browser, open_session(settings, world, browser) as session:
        await Walk(session, take).through_all()
