"""Provide settings for processes and runtimes on a test's servers."""

import pytest
from pydantic import SecretStr

from gradesync.db.session import Database
from gradesync.settings import Settings
from harness.servers import KEYS, Urls


@pytest.fixture
def settings(servers: Urls, redis_url: str, database: Database) -> Settings:
    """Return settings of a process on the test's servers, emptied, and the keys of their secrets."""
    return Settings(
        database_url=SecretStr(servers.database_url),
        migrate_database_url=SecretStr(servers.migrate_database_url),
        redis_url=SecretStr(redis_url),
        secret_keys=tuple(SecretStr(key) for key in KEYS),
        allow_private_network=True,
    )
