"""Test that no command waits without end: for a silent server, for a lock, or asleep."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import make_url, text

from gradesync.db import connections, export_erase, migrate, partitions, watchdog
from gradesync.db.cell_routes import CellUnreadable, list_routes
from gradesync.db.codec import Secrets
from gradesync.db.connections import open_owner
from gradesync.db.moving import open_move
from gradesync.db.session import Database
from gradesync.errors import LOCKED, DatabaseAway
from harness.cells import TIMING
from harness.hanging_server import HangingServer, hanging_server
from harness.servers import KEYS, Urls

SOON = 0.1
PATIENCE = 30  # far less than a statement of the owner may take
DISTRICT = "riverside"

Command = Callable[[str, Urls], Awaitable[object]]


async def move(url: str, urls: Urls) -> None:
    async with open_move(url, urls.migrate_database_url, DISTRICT, TIMING, lambda _: None) as opened:
        await opened.run()


async def export(url: str) -> None:
    database = Database.open(url, Secrets(KEYS), application_name="check", pool_size=1)
    try:
        async with database.snapshot(DISTRICT) as db:
            async for _ in export_erase.export_rows(db):
                pass
    finally:
        await database.close()


# Each with a word of the statement at which the server falls silent.
COMMANDS: dict[str, tuple[Command, bytes]] = {
    "migrate": (lambda url, urls: migrate.upgrade(url, urls.app_role, attempts=1), b"alembic_version"),
    "lock of migrations": (lambda url, urls: migrate.upgrade(url, urls.app_role, attempts=1), b"pg_advisory"),
    "maintain": (lambda url, _: partitions.maintain(url), b"pg_inherits"),
    "erase": (lambda url, _: export_erase.erase(url, DISTRICT), b"DELETE FROM"),
    "export": (lambda url, _: export(url), b"FROM district"),
    "move": (move, b"pg_try_advisory_lock"),
    "routes": (lambda url, _: list_routes({"west": url}), b"FROM district"),
}


@pytest.fixture
async def server(servers: Urls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HangingServer]:
    for name in ("SILENT_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(watchdog, name, SOON)
    monkeypatch.setattr(watchdog, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2.0)
    async with hanging_server(servers.migrate_database_url) as opened:
        yield opened


@pytest.mark.parametrize("name", COMMANDS)
async def test_command_ends_where_the_server_falls_silent(
    servers: Urls, server: HangingServer, name: str
) -> None:
    command, server.sign = COMMANDS[name]
    async with asyncio.timeout(PATIENCE):
        with pytest.raises((DatabaseAway, CellUnreadable)):
            await command(server.address, servers)
    assert server.holding.is_set()


@pytest.mark.parametrize("name", COMMANDS)
async def test_command_ends_where_nobody_answers(servers: Urls, server: HangingServer, name: str) -> None:
    server.hang()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises((DatabaseAway, CellUnreadable), match=r"TimeoutError|NoAnswer"):
            await COMMANDS[name][0](server.address, servers)


@pytest.mark.parametrize("name", ["erase", "move"])
async def test_command_waits_for_no_lock_without_end(
    servers: Urls, fresh: Urls, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    monkeypatch.setattr(connections, "OWNER_LOCK_SECONDS", SOON)
    async with fresh.owner() as other, asyncio.timeout(PATIENCE):
        await other.execute(text("BEGIN"))
        await other.execute(text("LOCK TABLE district IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseAway, match=LOCKED):
            await COMMANDS[name][0](fresh.migrate_database_url, servers)
        await other.execute(text("ROLLBACK"))


async def test_command_that_sleeps_keeps_no_locks(servers: Urls) -> None:
    async with open_owner(servers.migrate_database_url, idle_seconds=SOON) as owner, servers.owner() as other:
        with suppress(DatabaseAway):
            async with owner.begin() as asleep:
                await asleep.execute(text("LOCK TABLE district IN ACCESS EXCLUSIVE MODE"))
                async with asyncio.timeout(PATIENCE):
                    await other.execute(text("SELECT id FROM district"))


async def test_kernel_watches_each_connection(servers: Urls, database: Database) -> None:
    port = make_url(servers.database_url).port
    others = {name for name, peer, _ in list_sockets() if peer == port}
    async with open_owner(servers.migrate_database_url) as owner, owner.begin(), database.without_tenant():
        watched = [kept for name, peer, kept in list_sockets() if peer == port and name not in others]
    assert True in watched
    assert all(watched)


def list_sockets() -> list[tuple[str, int, bool]]:
    """List the TCP connections of this process: descriptor, port of the peer, whether it is kept alive."""
    found = []
    for name in os.listdir("/dev/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as opened:
            if opened.family in (socket.AF_INET, socket.AF_INET6):
                kept_alive = opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                found.append((name, opened.getpeername()[1], bool(kept_alive)))
    return found
