"""Provide settings for processes and runtimes on a test's servers."""

import pytest
from pydantic import SecretStr

from gradesync.db.session import Database
from gradesync.settings import Settings
from harness.contexts import BUSY_REDIS_SECONDS
from harness.servers import KEYS, Urls


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


@pytest.fixture
def settings(servers: Urls, redis_url: str, database: Database) -> Settings:
    """Return settings of a process on the test's servers, emptied."""
    return settings_on(servers)
