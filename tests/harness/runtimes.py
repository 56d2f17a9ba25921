"""Provide settings for processes and runtimes on a test's servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from gradesync.core.ports import Clock
from gradesync.db.session import Database
from gradesync.runtime import Runtime, open_runtime, open_runtime_on
from gradesync.settings import Settings
from gradesync.systems import utc_now
from harness.contexts import BUSY_REDIS_SECONDS
from harness.servers import KEYS, SHARED, Urls


def settings_on(urls: Urls) -> Settings:
    """Return settings of a process on these servers, and the keys of its secrets."""
    return Settings(
        database_url=SecretStr(urls.database_url),
        migrate_database_url=SecretStr(urls.migrate_database_url),
        redis_url=SecretStr(urls.redis_url),
        secret_keys=tuple(SecretStr(key) for key in KEYS),
        allow_private_network=True,
        redis_patience_seconds=BUSY_REDIS_SECONDS,
    )


@asynccontextmanager
async def lend_runtime(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Runtime]:
    """Open a runtime on the connections that the tests of a process share; outside of tests on its own.

    PostgreSQL takes as long for new connections, whose caches are empty, as for many a test.
    """
    assert settings.database_url
    shared = SHARED.get(settings.database_url.get_secret_value())
    opened = (
        open_runtime_on(shared, settings, clock)
        if shared
        else open_runtime(settings, name="tests", clock=clock)
    )
    async with opened as runtime:
        yield runtime


@pytest.fixture
def settings(servers: Urls, redis_url: str, database: Database) -> Settings:
    """Return settings of a process on the test's servers, emptied."""
    return settings_on(servers)
