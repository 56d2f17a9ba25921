"""Provide one Chromium for all browser tests, and a district with a browser for each."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, expect
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.settings import Settings
from gradesync_sandbox.district import World
from gradesync_sandbox.world import build
from harness.browser import BrowserSession, open_chromium, open_session
from harness.runtimes import settings_on
from harness.servers import EMPTY, Urls

expect.set_options(timeout=60_000)  # two cores may be busy with other tests
SHOTS = os.environ.get("GRADESYNC_SCREENSHOTS")
"""Name a folder for a picture of how each test ended."""


VIEWPORT: ViewportSize = {"width": 1000, "height": 900}


def build_class() -> World:
    """Build a class with some problems."""
    return build(students=14, assignments=24, sections=1)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_chromium() as chromium:
        yield chromium


@pytest.fixture
async def session(
    settings: Settings, browser: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[BrowserSession]:
    """Serve a class with some problems; at the end, the browser must have no complaint about our pages."""
    async with open_session(settings, build_class(), browser, viewport=VIEWPORT) as opened:
        yield opened
        for number, page in enumerate(opened.context.pages if SHOTS else []):
            await page.screenshot(path=Path(SHOTS or "") / f"{request.node.name}-{number}.png")
        assert opened.complaints == []


@pytest.fixture(scope="module")
async def synced(servers: Urls, sweeper: AsyncConnection, browser: Browser) -> AsyncIterator[BrowserSession]:
    """Serve a class that was synced once, for the tests of a module that only look at it.

    No test of such a module has a district of its own: the database is the same.
    """
    async with Redis.from_url(servers.redis_url) as redis:
        await redis.flushdb()
    try:
        async with open_session(settings_on(servers), build_class(), browser, viewport=VIEWPORT) as opened:
            async with opened.worker():
                first = await opened.open()
                await first.sync()
            yield opened
            assert opened.complaints == []
    finally:
        await sweeper.execute(EMPTY)
