"""Provide the fixtures of the console's tests."""

from collections.abc import AsyncIterator

import pytest

from harness.oidc import Provider, open_provider


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with open_provider() as opened:
        yield opened
