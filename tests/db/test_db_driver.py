"""Test that a transaction on the driver that is cut off takes no other along."""

import asyncio

import pytest
from sqlalchemy import text

from gradesync.db import session
from gradesync.db.codec import Secrets
from gradesync.db.driver import Statement
from gradesync.db.session import Database
from gradesync.errors import DatabaseAway
from harness.database_outages import demoted
from harness.hanging_server import hanging_server
from harness.servers import KEYS, Urls

ONE = Statement("SELECT 1")
PROCESS = Statement("SELECT pg_backend_pid() AS process")
SERVED = "INSERT INTO turn (district_id, served_at) VALUES ('d-driver', now())"
LISTED = text("SELECT count(*) FROM turn WHERE district_id = 'd-driver'")


async def ask(database: Database, *, terminated: bool = False) -> None:
    async with database.on_driver(None) as db:
        if terminated:
            db.connection.terminate()
        await ONE.run(db, {})


async def test_begin_that_was_cut_off_takes_no_other_along(servers: Urls, database: Database) -> None:
    async with hanging_server(servers.database_url) as server:
        here = Database.open(server.address, Secrets(KEYS), application_name="check", pool_size=1)
        await ask(here)
        server.known.clear()
        cut_off = asyncio.create_task(ask(here))
        await server.holding.wait()
        cut_off.cancel()
        server.go_on()
        await asyncio.gather(cut_off, return_exceptions=True)
        async with here.on_driver("d-driver") as db:
            await Statement(SERVED).run(db, {})
        async with database.district("d-driver") as other:
            assert await other.scalar(LISTED) == 1
        await here.close()


@pytest.mark.parametrize("on_driver", [True, False])
async def test_connection_to_a_demoted_leader_is_replaced(
    servers: Urls, database: Database, on_driver: bool
) -> None:
    async with demoted(servers) as here:
        opened = here.on_driver if on_driver else here.district
        failed = 0
        for _ in range(3):
            try:
                async with opened("d-driver") as db:
                    await Statement(SERVED).run(db, {})
                    break
            except DatabaseAway:
                failed += 1
        assert failed == (2 if on_driver else 1)  # on the driver each connection is found by itself
        async with database.district("d-driver") as other:
            assert await other.scalar(LISTED) == 1


async def test_closed_connection_is_named_and_replaced(servers: Urls, database: Database) -> None:
    here = Database.open(servers.database_url, Secrets(KEYS), application_name="check", pool_size=1)
    with pytest.raises(DatabaseAway):
        await ask(here, terminated=True)
    await ask(here)
    await here.close()


async def test_canceled_statement_does_not_wait_for_a_dead_connection(
    servers: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ROLLBACK_SECONDS", 0.05)

    async def ask_in_vain() -> None:
        async with here.on_driver(None) as db:
            server.forget_known()
            await ONE.run(db, {})

    async with hanging_server(servers.database_url) as server, asyncio.timeout(30):
        here = Database.open(server.address, Secrets(KEYS), application_name="check", pool_size=1)
        canceled = asyncio.create_task(ask_in_vain())
        await server.holding.wait()
        canceled.cancel()
        await asyncio.gather(canceled, return_exceptions=True)
        await ask(here)
        await here.close()


async def ask_alone(database: Database, *, then: Exception | None = None) -> None:
    async with database.for_statement() as db:
        await ONE.run(db, {})
        if then is not None:
            raise then


async def find_process(database: Database) -> int:
    async with database.for_statement() as db:
        row = await PROCESS.fetch_one(db)
    return int(row.process)


async def test_failure_of_a_caller_costs_no_connection(servers: Urls) -> None:
    here = Database.open(servers.database_url, Secrets(KEYS), application_name="check", pool_size=1)
    before = await find_process(here)
    with pytest.raises(LookupError):
        await ask_alone(here, then=LookupError())
    assert await find_process(here) == before
    await here.close()


async def test_statement_that_was_cut_off_takes_no_other_along(servers: Urls) -> None:
    async with hanging_server(servers.database_url) as server:
        here = Database.open(server.address, Secrets(KEYS), application_name="check", pool_size=1)
        before = await find_process(here)
        server.forget_known()
        cut_off = asyncio.create_task(ask_alone(here))
        await server.holding.wait()
        cut_off.cancel()
        server.go_on()
        await asyncio.gather(cut_off, return_exceptions=True)
        assert await find_process(here) != before
        await here.close()
