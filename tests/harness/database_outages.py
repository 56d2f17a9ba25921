"""Bring about what a database does that fails over, is full or locked."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from gradesync.db import connections, driver, watchdog
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from harness.hanging_server import hanging_server
from harness.servers import KEYS, Urls
from harness.streams import connected, pass_on, serve_streams

SSL_REQUEST = 80877103
STARTING = {"S": "FATAL", "V": "FATAL", "C": "57P03", "M": "the database system is starting up"}
SOON, LONG = 0.1, 60
TERMINATE = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'outage' AND wait_event_type = 'Lock'
""")

REFUSAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION {raised}; END $$
"""
FULL = "'no space left on device' USING ERRCODE = 'disk_full'"
BROKEN = "'broken row'"


@dataclass
class StartingServer:
    """Answer `times` times, or always (None), that the database system starts; then relay to it."""

    url: str
    times: int | None = None
    asked: int = 0
    address: str = ""

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        first = await reader.readexactly(8)
        if int.from_bytes(first[4:]) == SSL_REQUEST:
            writer.write(b"N")
            first = await reader.readexactly(8)
        self.asked += 1
        if self.times is None or self.asked <= self.times:
            fields = b"".join(f"{name}{value}\0".encode() for name, value in STARTING.items()) + b"\0"
            writer.write(b"E" + (len(fields) + 4).to_bytes(4) + fields)
        else:
            target = make_url(self.url)
            async with connected(target.host, target.port) as (far_reader, far_writer):
                far_writer.write(first)
                await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))


@asynccontextmanager
async def starting_server(url: str, times: int | None = None) -> AsyncIterator[StartingServer]:
    """Serve at another `address` a database that is starting up."""
    server = StartingServer(url, times)
    async with serve_streams(server.accept) as port:
        server.address = make_url(url).set(port=port).render_as_string(hide_password=False)
        yield server


@asynccontextmanager
async def open_database(url: str, pool_size: int = 5) -> AsyncIterator[Database]:
    database = Database.open(url, Secrets(KEYS), application_name="outage", pool_size=pool_size)
    yield database
    await database.close()


@asynccontextmanager
async def _altered(urls: Urls, change: str) -> AsyncIterator[Database]:
    name = f"gradesync_{uuid4().hex[:8]}"
    async with urls.owner() as owner:
        await owner.execute(text(f'CREATE DATABASE "{name}"'))
        await owner.execute(text(f'ALTER DATABASE "{name}" {change}'))
        async with open_database(urls.of(name).database_url) as database:
            yield database
        await owner.execute(text(f'DROP DATABASE "{name}"'))


def connections_used_up(urls: Urls) -> AbstractAsyncContextManager[Database]:
    return _altered(urls, "CONNECTION LIMIT 0")


def connections_not_allowed(urls: Urls) -> AbstractAsyncContextManager[Database]:
    return _altered(urls, "ALLOW_CONNECTIONS false")


@asynccontextmanager
async def starting_up(urls: Urls) -> AsyncIterator[Database]:
    async with starting_server(urls.database_url) as server, open_database(server.address) as database:
        yield database


@asynccontextmanager
async def unreachable(urls: Urls) -> AsyncIterator[Database]:
    nowhere = make_url(urls.database_url).set(port=1).render_as_string(hide_password=False)
    async with open_database(nowhere) as database:
        yield database


@asynccontextmanager
async def pool_used_up(urls: Urls) -> AsyncIterator[Database]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "POOL_SECONDS", SOON)
        async with open_database(urls.database_url, pool_size=1) as database, database.without_tenant():
            yield database


@asynccontextmanager
async def hanging(urls: Urls) -> AsyncIterator[Database]:
    """Accept connections, and answer nothing, as a server that was stopped."""
    async with hanging_server(urls.database_url) as server, open_database(server.address) as database:
        async with database.without_tenant():
            pass
        server.hang()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("SILENT_SECONDS", "PROBE_SECONDS"):
                patch.setattr(watchdog, name, SOON)
            yield database


@asynccontextmanager
async def tables_locked(urls: Urls, seconds: float = SOON) -> AsyncIterator[Database]:
    async with (
        locked(urls, "client, district, invitation, tool_key", seconds),
        open_database(urls.database_url) as database,
    ):
        yield database


@asynccontextmanager
async def locked(urls: Urls, tables: str, seconds: float = SOON) -> AsyncIterator[None]:
    """Lock tables; whoever wants them waits for so many `seconds`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "LOCK_SECONDS", seconds)
        async with urls.owner() as owner:
            await owner.execute(text("BEGIN"))
            await owner.execute(text(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"))
            yield
            await owner.execute(text("ROLLBACK"))


def disk_full(urls: Urls, table: str) -> AbstractAsyncContextManager[None]:
    """Refuse what is written to a table, as where the disk is full."""
    return _refusing(urls, f"TRIGGER disk_is_full BEFORE INSERT OR UPDATE ON {table}")


def disk_full_at_commit(urls: Urls, table: str) -> AbstractAsyncContextManager[None]:
    """Refuse to commit what was written to a table, as where the disk is full."""
    trigger = (
        f"CONSTRAINT TRIGGER disk_is_full AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED"
    )
    return _refusing(urls, trigger)


def broken_rows(urls: Urls, table: str, district_ids: str) -> AbstractAsyncContextManager[None]:
    """Let every change of a table's rows fail in the districts whose ids are like that."""
    trigger = f"TRIGGER broken BEFORE INSERT OR UPDATE OR DELETE ON {table}"
    return _refusing(
        urls, trigger, BROKEN, f"WHEN (current_setting('gradesync.district') LIKE '{district_ids}')"
    )


@asynccontextmanager
async def _refusing(urls: Urls, trigger: str, function: str = FULL, when: str = "") -> AsyncIterator[None]:
    async with urls.owner() as owner:
        await owner.execute(text(REFUSAL.format(raised=function)))
        await owner.execute(text(f"CREATE {trigger} FOR EACH ROW {when} EXECUTE FUNCTION refuse()"))
        try:
            yield
        finally:
            await owner.execute(text("DROP FUNCTION refuse CASCADE"))


@asynccontextmanager
async def demoted(urls: Urls) -> AsyncIterator[Database]:
    """Keep two connections to a leader that became a replica; new ones reach the new leader."""
    name = make_url(urls.database_url).database
    async with urls.owner() as owner, open_database(urls.database_url) as database:
        await owner.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        try:
            async with database.without_tenant(), database.without_tenant():
                pass
        finally:
            await owner.execute(text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'))
        yield database


@asynccontextmanager
async def backend_terminated(urls: Urls) -> AsyncIterator[Database]:
    """Terminate whoever waits for a lock."""
    async with tables_locked(urls, LONG) as database:
        over = asyncio.Event()
        killing = asyncio.create_task(_terminate_waiting(urls, over))
        yield database
        over.set()
        await killing


async def _terminate_waiting(urls: Urls, over: asyncio.Event) -> None:
    async with open_database(urls.database_url) as database:
        while not over.is_set():
            async with database.without_tenant() as db:
                await db.execute(TERMINATE)
            await asyncio.sleep(0.02)


OUTAGES = (
    *(connections_used_up, connections_not_allowed, starting_up, unreachable),
    *(hanging, pool_used_up, tables_locked, backend_terminated),
)
