"""Provide a second cell: another migrated database on the same servers, and moves to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Thread
from uuid import uuid4

import pytest
from sqlalchemy import text

from gradesync.db import migrate
from gradesync.db.cell_routes import list_owners
from gradesync.db.codec import Secrets
from gradesync.db.moving import Move, MoveTiming, Step, open_move
from gradesync.db.session import Database
from harness.every_table import NAMES, district_column
from harness.servers import EMPTY, KEYS, Urls

TIMING = MoveTiming(takeover_wait=0, patience=5, least=60)


class BrokenOffError(Exception):
    """End a move, as the end of its process does."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Hold the urls of both cells: `west` is where districts are, `east` where they go."""

    west: Urls
    east: Urls

    @asynccontextmanager
    async def open_move(self, district: str, *, until: Step | None = None) -> AsyncIterator[Move]:
        """Open a move from west to east, broken off right after a step."""

        def report(step: Step) -> None:
            if step == until:
                raise BrokenOffError

        ends = (self.west.migrate_database_url, self.east.migrate_database_url)
        async with open_move(*ends, district, TIMING, report) as move:
            yield move

    async def move(self, district: str) -> int:
        async with self.open_move(district) as move:
            return await move.run()

    async def break_off(self, district: str, step: Step) -> None:
        async with self.open_move(district, until=step) as move:
            with pytest.raises(BrokenOffError):
                await move.run()

    async def find_owner(self, district: str) -> str:
        cells = {"west": self.west.migrate_database_url, "east": self.east.migrate_database_url}
        return (await list_owners(cells))[district]


def meanwhile(cells: Cells, action: Callable[[Database], Awaitable[None]]) -> None:
    """Do something at the source, as another process, before the move goes on."""

    async def act() -> None:
        opened = Database.open(cells.west.database_url, Secrets(KEYS), application_name="other", pool_size=1)
        try:
            await action(opened)
        finally:
            await opened.close()

    run_beside(act())


def run_beside(act: Coroutine[None, None, None]) -> None:
    other = Thread(target=asyncio.run, args=(act,))
    other.start()
    other.join()


async def read_rows(urls: Urls, district: str) -> set[str]:
    """Return every row of a district, with the name of its table."""
    tables = (
        f"SELECT '{name}' || t::text FROM {name} t WHERE {district_column(name)} = :district"  # noqa: S608
        for name in NAMES
    )
    async with urls.owner() as owner:
        return set(await owner.scalars(text(" UNION ALL ".join(tables)), {"district": district}))


@pytest.fixture(scope="module")
async def east(servers: Urls) -> AsyncIterator[Urls]:
    name = f"gradesync_east_{uuid4().hex[:8]}"
    async with servers.owner() as owner:
        await owner.execute(text(f"CREATE DATABASE {name}"))
        urls = servers.of(name)
        await migrate.upgrade(urls.migrate_database_url, urls.app_role)
        yield urls
        await owner.execute(text(f"DROP DATABASE {name}"))


@pytest.fixture
async def cells(servers: Urls, database: Database, east: Urls) -> AsyncIterator[Cells]:
    """Provide both cells, empty."""
    yield Cells(servers, east)
    async with east.owner() as owner:
        await owner.execute(EMPTY)


@pytest.fixture
async def east_database(cells: Cells) -> AsyncIterator[Database]:
    opened = Database.open(cells.east.database_url, Secrets(KEYS), application_name="east", pool_size=5)
    yield opened
    await opened.close()
