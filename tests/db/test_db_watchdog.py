"""Test who waits for a server that answers nothing, and that long work is left alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text

from gradesync.db import connections, session, watchdog
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.errors import DatabaseAway
from harness.hanging_server import HangingServer, hanging_server
from harness.servers import KEYS, Urls

SOON = 0.05
PATIENCE = 30
ONE, LONG = text("SELECT 1"), text("SELECT pg_sleep(0.5)")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SILENT_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(watchdog, name, SOON)


@pytest.fixture
async def server(servers: Urls) -> AsyncIterator[HangingServer]:
    async with hanging_server(servers.database_url) as opened:
        yield opened


@asynccontextmanager
async def opened(server: HangingServer, pool_size: int = 2) -> AsyncIterator[Database]:
    database = Database.open(server.address, Secrets(KEYS), application_name="check", pool_size=pool_size)
    yield database
    await database.close()


async def ask(database: Database) -> None:
    async with database.without_tenant() as db:
        await db.execute(ONE)


async def ask_until_silent(database: Database, silent: asyncio.Event) -> None:
    async with database.without_tenant() as db:
        await silent.wait()
        await db.execute(ONE)


async def test_nobody_waits_for_a_silent_server(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = asyncio.Event()
    async with opened(server) as database, asyncio.timeout(PATIENCE):
        under_way = asyncio.create_task(ask_until_silent(database, silent))
        await ask(database)
        server.hang()
        monkeypatch.setattr(watchdog, "PROBE_SECONDS", SOON)
        silent.set()
        # One has a connection, one opens another, and two wait for a connection of the pool.
        ended = await asyncio.gather(under_way, *(ask(database) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in ended] == [DatabaseAway] * 4
        with pytest.raises(DatabaseAway, match="NoAnswer"):
            await ask(database)


async def test_nobody_waits_for_a_pooler_with_a_stopped_server(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "STATEMENT_SECONDS", SOON)
    async with opened(server) as database, asyncio.timeout(PATIENCE):
        await ask(database)
        server.hang_behind_pooler()
        ended = await asyncio.gather(*(ask(database) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in ended] == [DatabaseAway] * 3
        server.go_on()
        monkeypatch.setattr(watchdog, "STATEMENT_SECONDS", PATIENCE)
        await ask_until_answered(database)


async def ask_until_answered(database: Database) -> None:
    while True:
        with suppress(DatabaseAway):
            return await ask(database)
        await asyncio.sleep(SOON)


async def test_server_that_answers_again_is_used(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server) as database, asyncio.timeout(PATIENCE):
        server.hang()
        monkeypatch.setattr(watchdog, "PROBE_SECONDS", SOON)
        with pytest.raises(DatabaseAway):
            await ask(database)
        server.go_on()
        monkeypatch.setattr(watchdog, "PROBE_SECONDS", PATIENCE)
        await ask_until_answered(database)


async def test_long_statement_is_left_alone(server: HangingServer) -> None:
    async with opened(server) as database, database.without_tenant() as db:
        await db.execute(LONG)
        assert server.accepted > 1
        assert await db.scalar(ONE) == 1


async def test_answers_to_others_are_a_sign_of_life(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "PROBE_SECONDS", 0.4)
    async with opened(server) as database, database.without_tenant() as slow, database.without_tenant() as db:
        server.new.clear()  # as where a pooler has no connection left
        working = asyncio.create_task(slow.execute(text("SELECT pg_sleep(1)")))
        answered = server.accepted
        while not working.done():
            if server.accepted > answered:  # a probe waits
                answered = server.accepted
                await db.execute(ONE)
            await asyncio.sleep(0.01)
        await working
        assert answered > 2


async def test_process_ends_though_the_server_is_silent(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "CLOSE_SECONDS", SOON)
    async with asyncio.timeout(PATIENCE), opened(server) as database:
        await ask(database)
        server.hang()


@pytest.mark.long
async def test_connection_that_died_takes_no_time_of_others(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "COMMAND_SECONDS", 0.5)
    async with asyncio.timeout(PATIENCE), opened(server) as database:
        await asyncio.gather(ask(database), ask(database))
        server.forget_known()
        with pytest.raises(DatabaseAway):
            await ask(database)
        await ask(database)


@pytest.mark.parametrize("on_driver", [False, True])
async def test_idle_connection_that_died_costs_no_statement(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch, on_driver: bool
) -> None:
    async with asyncio.timeout(PATIENCE), opened(server, pool_size=1) as database:
        await ask(database)
        server.forget_known()
        monkeypatch.setattr(session, "IDLE_SECONDS", 0.0)
        monkeypatch.setattr(session, "ANSWER_SECONDS", SOON)
        if on_driver:
            async with database.on_driver(None) as db:
                await db.connection.execute("SELECT 1")
        else:
            await ask(database)


async def test_idle_connection_that_lives_is_used_again(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "SILENT_SECONDS", PATIENCE)
    monkeypatch.setattr(session, "IDLE_SECONDS", 0.0)
    async with opened(server, pool_size=1) as database:
        await ask(database)
        known = server.accepted
        await ask(database)
        assert server.accepted == known


@pytest.mark.long
async def test_all_idle_connections_are_replaced_with_one_that_died(
    server: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "IDLE_SECONDS", 0.0)
    async with asyncio.timeout(PATIENCE), opened(server) as database:
        await asyncio.gather(ask(database), ask(database))
        server.forget_known()
        monkeypatch.setattr(session, "ANSWER_SECONDS", SOON)
        await ask(database)
        monkeypatch.setattr(session, "ANSWER_SECONDS", 2 * PATIENCE)
        await ask(database)
