"""Check migrations of a database at work: they wait for no lock for long, and no request for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from gradesync.db import migrate
from gradesync.db.migrations import head
from harness.servers import Urls

RELEASED = head()
TIMEOUT = 90
WAITING = text("""
    SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'district'::regclass AND mode = :mode
""")


@pytest.fixture
async def old(fresh: Urls, later_release: str) -> Urls:
    """Make a database that lacks a migration which changes the table of districts."""
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, RELEASED)
    assert later_release > RELEASED
    return fresh


@asynccontextmanager
async def application(urls: Urls) -> AsyncIterator[AsyncConnection]:
    """Keep a transaction of the application open during the block."""
    engine = create_async_engine(urls.database_url, poolclass=NullPool)
    async with engine.connect() as connection, connection.begin():
        yield connection


async def until_waiting(owner: AsyncConnection, mode: str) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not await owner.scalar(WAITING, {"mode": mode}):
            await asyncio.sleep(0.01)


async def revision(owner: AsyncConnection) -> str | None:
    found: str | None = await owner.scalar(text("SELECT version_num FROM alembic_version"))
    return found


async def test_locked_out_migration_changes_and_blocks_nothing(old: Urls) -> None:
    async with old.owner() as owner, application(old) as busy:
        await busy.execute(text("SELECT id FROM district"))
        migrating = asyncio.create_task(migrate.upgrade(old.migrate_database_url, old.app_role, attempts=1))
        await until_waiting(owner, "AccessExclusiveLock")
        async with asyncio.timeout(TIMEOUT), application(old) as another:
            asked = asyncio.create_task(another.execute(text("SELECT id FROM district")))
            await until_waiting(owner, "AccessShareLock")
            await asked  # while the first transaction is still open
        with pytest.raises(migrate.MigrationOutOfTime, match="Run gradesync migrate again"):
            await migrating
        assert await revision(owner) == RELEASED
        assert await owner.scalar(text("SELECT to_regclass('later')")) is None


async def test_locked_out_migration_is_retried(old: Urls, later_release: str) -> None:
    async with old.owner() as owner:
        async with application(old) as busy:
            await busy.execute(text("SELECT id FROM district"))
            migrating = asyncio.create_task(migrate.upgrade(old.migrate_database_url, old.app_role))
            await until_waiting(owner, "AccessExclusiveLock")
            async with application(old) as another:
                await another.execute(text("SELECT id FROM district"))  # after the first try was given up
        await migrating
        assert await revision(owner) == later_release
