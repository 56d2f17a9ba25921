"""Connect by a URL with several hosts, one of which is down, starting, or gone without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import make_url, text

from gradesync.db import connections, migrate, watchdog
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.errors import DatabaseAway
from harness.hanging_server import hanging_server
from harness.ports import free_port
from harness.servers import Urls
from harness.streams import serve_streams

# What PostgreSQL answers while it starts: an error of class 57P03.
STARTING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"


def several(url: str, *ports: int) -> str:
    """Return the URL with other ports before its own, for the one that can be written."""
    parts = make_url(url)
    hosts = tuple(f"127.0.0.1:{port}" for port in (*ports, parts.port))
    query = {"host": hosts, "target_session_attrs": "read-write"}
    return parts.set(host=None, port=None, query=query).render_as_string(hide_password=False)


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """Accept connections at a port, and answer so; with nothing, never."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer:
            await reader.read(8)
            writer.write(b"N")  # no TLS
            await reader.read(4096)
            writer.write(b"E" + (4 + len(answer)).to_bytes(4, "big") + answer)
        else:
            await asyncio.Event().wait()

    async with serve_streams(handle) as port:
        yield port


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database.open(url, Secrets(["k" * 32]), application_name="check", pool_size=1)
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("answer", [b"", STARTING], ids=["silent", "starting"])
async def test_host_that_cannot_be_used_is_passed_over(
    servers: Urls, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2.0)
    async with (
        answering(answer) as port,
        opened(several(servers.database_url, port)) as database,
        database.district("d-1") as db,
    ):
        assert await db.scalar(text("SELECT 1")) == 1


async def test_host_that_was_silent_is_asked_last(servers: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2.0)
    async with hanging_server(servers.database_url) as gone:
        gone.hang()
        url = several(servers.database_url, make_url(gone.address).port or 0)
        async with opened(url) as database, database.district("d-1"), opened(url) as other:
            asked = gone.accepted
            assert await other.is_migrated()
            assert gone.accepted == asked > 0


async def test_silent_host_before_a_good_one_is_no_outage(
    servers: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(watchdog, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 1.0)
    async with (
        answering(b"") as port,
        opened(several(servers.database_url, port)) as database,
        database.district("d-1") as db,
    ):
        await db.execute(text("SELECT pg_sleep(1)"))


async def test_migration_finds_the_host_that_can_be_written(servers: Urls) -> None:
    await migrate.upgrade(several(servers.migrate_database_url, free_port()), servers.app_role)


async def test_statement_without_an_answer_is_an_outage(
    servers: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "COMMAND_SECONDS", 0.05)
    async with opened(servers.database_url) as database:
        with pytest.raises(DatabaseAway, match="TimeoutError"):
            async with database.district("d-1") as db:
                await db.execute(text("SELECT pg_sleep(60)"))


async def test_stream_that_breaks_is_an_outage(servers: Urls) -> None:
    url = servers.database_url
    async with opened(url) as database, opened(url) as other:
        with pytest.raises(DatabaseAway):
            await break_stream(database, other)
        async with database.district("d-1") as db:
            assert await db.scalar(text("SELECT 1")) == 1


async def break_stream(database: Database, other: Database) -> None:
    async with database.district("d-1") as db:
        process = await db.scalar(text("SELECT pg_backend_pid()"))
        rows = await db.stream(text("SELECT generate_series(1, 1000)"))
        await anext(rows)
        async with other.without_tenant() as beside:
            await beside.execute(text(f"SELECT pg_terminate_backend({process}, 60000)"))
        await rows.all()


@pytest.mark.parametrize("error", [ConnectionError, TimeoutError, OSError])
async def test_error_of_the_block_is_no_outage(servers: Urls, error: type[Exception]) -> None:
    async with opened(servers.database_url) as database:
        with pytest.raises(error):
            await fail_inside(database, error())


async def fail_inside(database: Database, error: Exception) -> None:
    async with database.district("d-1"):
        raise error


async def test_no_host_that_can_be_used_is_an_outage() -> None:
    url = several(f"postgresql+asyncpg://app:secret@127.0.0.1:{free_port()}/gradesync", free_port())
    async with opened(url) as database:
        with pytest.raises(DatabaseAway):
            await database.check_role()
