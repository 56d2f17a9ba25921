"""Check migrations of a database at work: they wait for no lock for long, and no request for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
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
BEFORE_INDEX = "0026"
MAKE_INDEX = text("CREATE INDEX CONCURRENTLY sync_ready ON sync (not_before)")
INDEX = text("SELECT indisvalid, indexrelid FROM pg_index WHERE indexrelid = to_regclass('sync_ready')")


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


async def test_index_of_a_failed_try_is_made_again(fresh: Urls) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, BEFORE_INDEX)
    async with fresh.owner() as owner:
        async with application(fresh) as busy:
            await busy.execute(text("UPDATE sync SET stage = stage"))
            await owner.execute(text("SET lock_timeout = '1ms'"))
            with pytest.raises(DBAPIError, match="lock timeout"):
                await owner.execute(MAKE_INDEX)
        invalid = (await owner.execute(INDEX)).one()
        await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
        made = (await owner.execute(INDEX)).one()
    assert (invalid.indisvalid, made.indisvalid) == (False, True)
    assert made.indexrelid != invalid.indexrelid


async def test_valid_index_is_kept(fresh: Urls) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, BEFORE_INDEX)
    async with fresh.owner() as owner:
        await owner.execute(MAKE_INDEX)
        by_hand = (await owner.execute(INDEX)).one()
        await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
        assert (await owner.execute(INDEX)).one() == by_hand
