"""Provide the servers that tests run on: embedded ones, or those that the environment names.

`GRADESYNC_DATABASE_URL`, `GRADESYNC_MIGRATE_DATABASE_URL` and `GRADESYNC_REDIS_URL` name servers of one's
own, whose owner may create databases. Each test process has a database and a Redis number of its own there.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from gradesync import embedded
from gradesync.db import migrate, partitions
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.db.tables import metadata
from gradesync.settings import Settings

SESSION = "GRADESYNC_TEST_SESSION"
"""Name the data folder of a test session; its xdist workers inherit it and share the servers there."""
# For the few rows of a test, twenty times as fast as TRUNCATE, which makes new files for every table.
DELETES = " ".join(f"DELETE FROM {table.name};" for table in reversed(metadata.sorted_tables))  # noqa: S608
EMPTY = text(f"DO $$ BEGIN {DELETES} END $$")
KEYS = ("a key for tests only and long enough for that",)
SHARED: dict[str, Database] = {}
"""Hold the open pool of this test process by its URL."""


def pytest_configure(config: pytest.Config) -> None:
    if SESSION not in os.environ:
        os.environ[SESSION] = tempfile.mkdtemp(prefix="gradesync-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SESSION)))


@dataclass(frozen=True, slots=True)
class Urls:
    """Hold addresses: `database_url` with the application's role, `migrate_database_url` the owner's."""

    database_url: str
    migrate_database_url: str
    redis_url: str

    @classmethod
    def from_settings(cls, settings: Settings) -> "Urls":
        """Return the servers that a process with these settings uses."""
        secrets = settings.database_url, settings.migrate_database_url, settings.redis_url
        return cls(*(secret.get_secret_value() for secret in secrets if secret))

    def of(self, database: str) -> "Urls":
        """Return the same servers with another database."""
        application, owner = (
            make_url(url).set(database=database).render_as_string(hide_password=False)
            for url in (self.database_url, self.migrate_database_url)
        )
        return Urls(application, owner, self.redis_url)

    @property
    def app_role(self) -> str:
        return make_url(self.database_url).username or ""

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection as the owner, without transactions."""
        engine = create_async_engine(
            self.migrate_database_url, isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        async with engine.connect() as connection:
            yield connection


@contextmanager
def _running() -> Iterator[Urls]:
    if url := os.environ.get("GRADESYNC_DATABASE_URL"):
        yield Urls(url, os.environ["GRADESYNC_MIGRATE_DATABASE_URL"], os.environ["GRADESYNC_REDIS_URL"])
        return
    found = embedded.start(Path(os.environ[SESSION]), durable=False)
    yield Urls(found.database_url, found.migrate_database_url, found.redis_url)
    found.stop()


@pytest.fixture(scope="session")
async def empty_servers() -> AsyncIterator[Urls]:
    """Provide servers with a database of this test process, without tables."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    name = f"gradesync_{Path(os.environ[SESSION]).name[-8:]}_{worker}"
    with _running() as urls:
        async with urls.owner() as owner:
            await owner.execute(text(f'CREATE DATABASE "{name}"'))
            redis_url = make_url(urls.redis_url).set(database=worker.removeprefix("gw"))
            yield replace(urls.of(name), redis_url=redis_url.render_as_string(hide_password=False))
            await owner.execute(text(f'DROP DATABASE "{name}"'))


@pytest.fixture(scope="session")
async def servers(empty_servers: Urls) -> Urls:
    """Provide servers with this test process's migrated database and its Redis number."""
    await migrate.upgrade(empty_servers.migrate_database_url, empty_servers.app_role)
    await partitions.maintain(empty_servers.migrate_database_url)
    return empty_servers


@pytest.fixture
async def fresh(servers: Urls) -> AsyncIterator[Urls]:
    """Provide another database on the same servers, without tables, for one test."""
    name = f"gradesync_{uuid4().hex[:8]}"
    async with servers.owner() as owner:
        await owner.execute(text(f'CREATE DATABASE "{name}"'))
        yield servers.of(name)
        await owner.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))


@pytest.fixture(scope="session")
async def pool(servers: Urls) -> AsyncIterator[Database]:
    database = Database.open(servers.database_url, Secrets(KEYS), application_name="tests", pool_size=20)
    SHARED[servers.database_url] = database
    yield database
    del SHARED[servers.database_url]
    await database.close()


@pytest.fixture(scope="session")
async def sweeper(servers: Urls) -> AsyncIterator[AsyncConnection]:
    async with servers.owner() as owner:
        yield owner


@pytest.fixture
async def database(pool: Database, sweeper: AsyncConnection) -> AsyncIterator[Database]:
    """Open the migrated database as the application sees it, and empty it after the test."""
    yield pool
    await sweeper.execute(EMPTY)


@pytest.fixture
async def redis_url(servers: Urls) -> str:
    """Provide an empty Redis database."""
    async with Redis.from_url(servers.redis_url) as redis:
        await redis.flushdb()
    return servers.redis_url
