"""Provide one Chromium for all browser tests, and a district with a browser for each."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, open_chromium, open_session

expect.set_options(timeout=60_000)  # two cores may be busy with other tests
SHOTS = os.environ.get("GRADESYNC_SCREENSHOTS")
"""Name a folder for a picture of how each test ended."""


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_chromium() as chromium:
        yield chromium


@pytest.fixture
async def session(
    settings: Settings, browser: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[BrowserSession]:
    """Serve a class with some problems; at the end, the browser must have no complaint about our pages."""
    world = build(students=14, assignments=24, sections=1)
    viewport = {"width": 1000, "height": 900}
    async with open_session(settings, world, browser, viewport=viewport) as opened:
        yield opened
        for number, page in enumerate(opened.context.pages if SHOTS else []):
            await page.screenshot(path=Path(SHOTS or "") / f"{request.node.name}-{number}.png")
        assert opened.complaints == []
