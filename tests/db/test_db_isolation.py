"""Check that a transaction sees and writes one district's rows, whatever the statement."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from gradesync.db import districts, syncs
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.db.tables import metadata
from harness.servers import Urls
from harness.store import HILLTOP, RIVERSIDE, enqueue

COUNT = text("SELECT count(*) FROM sync")
OF_DISTRICTS = sorted(name for name in metadata.tables if name != "tool_key")


async def test_pooled_connection_shows_nothing_without_district(database: Database, servers: Urls) -> None:
    await enqueue(database, "1")
    one = Database.open(servers.database_url, Secrets(["k" * 32]), application_name="one", pool_size=1)
    async with one.district("riverside") as db:
        backend = await db.scalar(text("SELECT pg_backend_pid()"))
        assert await db.scalar(COUNT) == 1
    async with one.without_tenant() as db:
        assert await db.scalar(text("SELECT pg_backend_pid()")) == backend
        assert await db.scalar(COUNT) == 0
    async with one.district("hilltop") as db:
        assert await db.scalar(COUNT) == 0
    await one.close()


async def test_ids_of_another_district_are_not_found(database: Database) -> None:
    sync = await enqueue(database, "1")
    async with database.district("hilltop") as db:
        assert await syncs.get(db, sync.id) is None
        assert await syncs.get_running(db, "1") is None
        assert await syncs.page(db) == []
        changed = await db.execute(text("UPDATE sync SET status = 'failed' RETURNING id"))
        assert changed.all() == []


async def test_rows_cannot_be_written_for_another_district(database: Database) -> None:
    statement = text("""
        INSERT INTO ledger (district_id, section_id, assignment_id, opted_out, may_hold)
        VALUES ('hilltop', '1', '1', false, false)
    """)
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.district("riverside") as db:
            await db.execute(statement)


async def test_district_cannot_be_created_for_another(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.district("riverside") as db:
            await districts.apply(db, HILLTOP)


@pytest.mark.parametrize("table", OF_DISTRICTS)
async def test_security_is_forced_on_the_owner(servers: Urls, table: str) -> None:
    async with servers.owner() as owner:
        forced = await owner.scalar(
            text(
                "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:table)"
            ),
            {"table": table},
        )
    assert forced is True


async def test_tenantless_session_shows_names_alone(database: Database) -> None:
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
    async with database.without_tenant() as db:
        assert [name.id for name in await districts.list_names(db)] == ["hilltop", "riverside"]
        assert await districts.get(db) is None


async def test_failure_rolls_the_transaction_back(database: Database) -> None:
    async def two() -> None:
        async with database.district("riverside") as db:
            await districts.apply(db, RIVERSIDE)
            await districts.apply(db, HILLTOP)

    with pytest.raises(ProgrammingError):
        await two()
    async with database.district("riverside") as db:
        assert await districts.get(db) is None


async def test_application_only_appends_to_logs(database: Database) -> None:
    async with database.without_tenant() as db:
        granted = await db.scalars(
            text("SELECT privilege_type FROM information_schema.table_privileges WHERE table_name = 'audit'")
        )
        assert sorted(granted) == ["INSERT", "SELECT"]
