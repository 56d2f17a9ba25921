"""Migrations of a database at work: they wait for no lock for long, and nobody waits for them for long."""

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

PATIENCE = 90
WAITING = text("""
    SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'district'::regclass AND mode = :mode
""")


@pytest.fixture
async def old(fresh: Urls) -> Urls:
    """A database to which a migration that changes the table of districts is still to come."""
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, "0002")
    return fresh


@asynccontextmanager
async def application(urls: Urls) -> AsyncIterator[AsyncConnection]:
    """A transaction of the application's, open while the block lasts."""
    engine = create_async_engine(urls.database_url, poolclass=NullPool)
    async with engine.connect() as connection, connection.begin():
        yield connection


async def until_waiting(owner: AsyncConnection, mode: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await owner.scalar(WAITING, {"mode": mode}):
            await asyncio.sleep(0.01)


async def revision(owner: AsyncConnection) -> str | None:
    found: str | None = await owner.scalar(text("SELECT version_num FROM alembic_version"))
    return found


async def test_one_that_cannot_have_its_lock_changes_nothing_and_blocks_nobody_for_good(old: Urls) -> None:
    async with old.owner() as owner, application(old) as busy:
        await busy.execute(text("SELECT id FROM district"))
        migrating = asyncio.create_task(migrate.upgrade(old.migrate_database_url, old.app_role, attempts=1))
        await until_waiting(owner, "AccessExclusiveLock")
        async with asyncio.timeout(PATIENCE), application(old) as another:
            asked = asyncio.create_task(another.execute(text("SELECT id FROM district")))
            await until_waiting(owner, "AccessShareLock")
            await asked  # while the first transaction is still open
        with pytest.raises(migrate.MigrationOutOfTime, match="Run gradesync migrate again"):
            await migrating
        assert await revision(owner) == "0002"
        assert await owner.scalar(text("SELECT to_regclass('webhook')")) is None


async def test_it_is_tried_again_until_it_has_its_lock(old: Urls) -> None:
    async with old.owner() as owner:
        async with application(old) as busy:
            await busy.execute(text("SELECT id FROM district"))
            migrating = asyncio.create_task(migrate.upgrade(old.migrate_database_url, old.app_role))
            await until_waiting(owner, "AccessExclusiveLock")
            async with application(old) as another:
                await another.execute(text("SELECT id FROM district"))  # after the first try was given up
        await migrating
        assert await revision(owner) == head()
