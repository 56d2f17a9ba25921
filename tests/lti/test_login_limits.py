"""How many logins may begin: each is remembered for minutes, whoever begins it."""

import pytest

from gradesync.settings import Settings
from harness.lti import LtiHarness, Page

FEW = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.filled(token_requests_per_minute=FEW)


async def test_an_address_that_begins_too_many_logins_is_told_to_wait(tool: LtiHarness) -> None:
    begun = [await tool.browser.get("/lti/login", params=tool.initiation()) for _ in range(FEW)]
    assert {answer.status_code for answer in begun} == {302}
    answer = await tool.browser.get("/lti/login", params=tool.initiation())
    assert answer.status_code == 429
    assert "Wait a minute" in Page(answer).text
    assert (await tool.browser.get("/lti/jwks")).status_code == 200
