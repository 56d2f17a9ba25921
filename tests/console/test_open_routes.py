"""Test every address of the tool and the console, which anybody may ask: methods, redirects, rate limits."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.routing import Route

from gradesync.console.app import console_app
from gradesync.lti.app import lti_app
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.lti import TOOL, LtiHarness, open_lti

FEW = 3
# Served from memory, without a look at any server.
FILES = {"/lti/assets/{version}/{name:path}", "/console/setup"}


@pytest.fixture
async def tool(settings: Settings) -> AsyncIterator[LtiHarness]:
    few = settings.filled(token_requests_per_minute=FEW)
    async with open_lti(few, build(students=1, assignments=1, sections=1)) as opened:
        yield opened


def routes(tool: LtiHarness) -> Iterator[tuple[str, str]]:
    """Yield the method and the path of each route."""
    apps = ("/lti", lti_app(tool.runtime)), ("/console", console_app(tool.runtime, lambda _: tool.district))
    for prefix, app in apps:
        for route in app.routes:
            assert isinstance(route, Route)
            yield from ((method, f"{prefix}{route.path}") for method in route.methods or ())


def fill(path: str) -> str:
    return re.sub(r"{\w+(:path)?}", "1", path)


async def test_every_open_route_that_asks_a_server_is_limited(tool: LtiHarness) -> None:
    for method, path in routes(tool):
        if method == "HEAD" or path in FILES:
            continue
        for _ in range(FEW + 1):
            response = await tool.browser.request(method, path, headers={"origin": TOOL})
        assert (response.status_code, response.headers.get("retry-after")) == (429, "60"), (method, path)


async def test_method_not_allowed_names_all_of_a_page(tool: LtiHarness) -> None:
    for path in {path for _, path in routes(tool)}:
        known = {method for method, other in routes(tool) if other == path}
        response = await tool.browser.request("TRACE", fill(path))
        assert response.status_code == 405, path
        assert set(response.headers["allow"].split(", ")) == known, path
        for method in known:
            assert (await tool.browser.request(method, fill(path))).status_code != 405, (method, path)


async def test_no_page_sends_the_browser_to_the_callers_host(tool: LtiHarness) -> None:
    host = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    paths = {path for _, path in routes(tool)} | {"/lti", "/console"}
    redirected = 0
    for path in (*map(fill, paths), *(f"{fill(path)}/" for path in paths)):
        for method in ("GET", "POST"):
            response = await tool.browser.request(method, path, params=tool.initiation(), headers=host)
            assert "evil.example" not in f"{response.headers} {response.text}", (method, path)
            redirected += response.is_redirect
    assert redirected
