"""Test which errors of a statement mean that the database cannot be used now."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from gradesync.db.connections import is_away, is_direct, open_owner
from gradesync.errors import DatabaseAway
from harness.servers import Urls

AWAY = (
    asyncpg.DiskFullError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OutOfMemoryError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.QueryCanceledError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    ConnectionResetError,
    TimeoutError,
)
FAULTS = (
    asyncpg.UniqueViolationError,
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.DataError,
)


@pytest.mark.parametrize("error", AWAY)
def test_error_of_the_server_is_an_outage(error: type[Exception]) -> None:
    assert is_away(error("a message"))


@pytest.mark.parametrize("error", FAULTS)
def test_error_of_the_statement_is_no_outage(error: type[Exception]) -> None:
    assert not is_away(error("a message"))


async def test_connection_that_dies_when_made_is_an_outage(servers: Urls) -> None:
    async with open_owner(servers.migrate_database_url) as owner, owner.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        driver.terminate()
        with pytest.raises(DatabaseAway):
            await is_direct(driver)


async def test_death_while_the_driver_asks_is_an_outage(servers: Urls) -> None:
    def die(connection: Any, _: object) -> None:
        connection.driver_connection.terminate()
        connection.run_async(lambda driver: driver.fetchval("SELECT 1"))

    async with open_owner(servers.migrate_database_url) as owner:
        event.listen(owner.engine.sync_engine, "connect", die)
        with pytest.raises(DatabaseAway):
            async with owner.connect():
                pass
        with pytest.raises(DatabaseAway):
            async with owner.session():
                pass
