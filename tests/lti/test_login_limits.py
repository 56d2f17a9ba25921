"""Test the rate limit of logins: each is stored for minutes, whoever starts it."""

import pytest

from gradesync.settings import Settings
from harness.lti import LtiHarness, Page

FEW = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.filled(token_requests_per_minute=FEW)


async def test_address_with_too_many_logins_is_limited(tool: LtiHarness) -> None:
    logins = [await tool.browser.get("/lti/login", params=tool.initiation()) for _ in range(FEW)]
    assert {response.status_code for response in logins} == {302}
    response = await tool.browser.get("/lti/login", params=tool.initiation())
    assert response.status_code == 429
    assert "Wait a minute" in Page(response).text
    assert (await tool.browser.get("/lti/jwks")).status_code == 200
