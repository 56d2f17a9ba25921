"""Check row-level security in every table, with plain SQL on one reused connection."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Result, insert, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.db.tables import metadata
from harness.every_table import NAMES, district_column, fill, row
from harness.servers import Urls

WITHOUT_DISTRICTS = {"alembic_version", "tool_key"}
TABLES = text("""
    SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
           array_agg(p.polname::text ORDER BY p.polname) FILTER (WHERE p.polname IS NOT NULL) AS policies,
           bool_or(a.attname = 'district_id') OR c.relname = 'district' AS has_district
    FROM pg_class c
    LEFT JOIN pg_policy p ON p.polrelid = c.oid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'district_id'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'v')
      AND NOT c.relispartition
    GROUP BY c.oid
""")
POLICIES = text("""
    SELECT polrelid::regclass::text AS name, pg_get_expr(polqual, polrelid) AS sees,
           pg_get_expr(polwithcheck, polrelid) AS writes, polcmd AS command
    FROM pg_policy WHERE 'gradesync_app'::regrole = ANY(polroles) OR 0 = ANY(polroles)
""")
FUNCTIONS = text("""
    SELECT proname AS name, prosecdef AS as_owner, proconfig AS settings, provolatile AS volatility,
           has_function_privilege('public', oid, 'EXECUTE') AS everybody
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
""")


@pytest.fixture
async def owner(database: Database, servers: Urls) -> AsyncIterator[AsyncConnection]:
    async with servers.owner() as connection:
        yield connection


@pytest.fixture
async def one(owner: AsyncConnection, servers: Urls) -> AsyncIterator[Database]:
    """Open a pool of one connection, as the application; both districts have a row in every table."""
    for district in ("hilltop", "riverside"):
        await fill(owner, district)
    database = Database.open(servers.database_url, Secrets(["k" * 32]), application_name="one", pool_size=1)
    yield database
    await database.close()


async def test_every_table_with_districts_forces_security(owner: AsyncConnection) -> None:
    tables = {row.name: row for row in await owner.execute(TABLES)}
    of_districts = {name for name, row in tables.items() if row.has_district}
    assert of_districts == set(NAMES)
    assert set(tables) - of_districts == WITHOUT_DISTRICTS
    for name in of_districts:
        assert tables[name].forced, name
        assert tables[name].policies == ["one_district", "owner"], name


async def test_policies_of_the_application_are_the_same(owner: AsyncConnection) -> None:
    found = {row.name: row for row in await owner.execute(POLICIES)}
    assert set(found) == set(NAMES)
    for name, policy in found.items():
        rule = f"({district_column(name)} = current_setting('gradesync.district'::text, true))"
        assert (policy.sees, policy.writes, policy.command) == (rule, rule, b"*"), name


async def test_tenantless_functions_only_read_and_fix_their_path(
    owner: AsyncConnection,
) -> None:
    found = [each for each in await owner.execute(FUNCTIONS) if each.as_owner]
    assert found
    for function in found:
        assert function.name.startswith("tenantless_")
        assert function.settings[0] == "search_path=public, pg_temp"
        looks = function.name in {"tenantless_claimable_turns", "tenantless_waiting_districts"}
        limits = ["jit=off", "lock_timeout=12s"] if looks else []
        assert function.settings[1:] == limits, function.name
        assert function.volatility == b"s", function.name
        assert not function.everybody, function.name


async def test_other_functions_have_the_rights_of_their_caller(owner: AsyncConnection) -> None:
    found = [each for each in await owner.execute(FUNCTIONS) if not each.as_owner]
    of_workers = {"claim_next", "claim_sync", "enter_district", "find_room", "load_section"}
    assert {each.name for each in found} == of_workers
    assert not any(each.everybody for each in found)


@pytest.mark.sample(6)
@pytest.mark.parametrize("table", NAMES)
async def test_reused_connection_shows_one_district_or_none(one: Database, table: str) -> None:
    districts = text(f"SELECT DISTINCT {district_column(table)}, pg_backend_pid() FROM {table}")  # noqa: S608
    async with one.district("riverside") as db:
        ((mine, backend),) = (await db.execute(districts)).all()
        assert mine == "riverside"
    async with one.without_tenant() as db:
        assert (await db.execute(districts)).all() == []
        assert await db.scalar(text("SELECT pg_backend_pid()")) == backend
    async with one.district("nobody") as db:
        assert (await db.execute(districts)).all() == []
    async with one.district("hilltop") as db:
        assert (await db.execute(districts)).all() == [("hilltop", backend)]


@pytest.mark.sample(6)
@pytest.mark.parametrize("table", NAMES)
async def test_rows_of_another_district_are_never_changed(
    one: Database, owner: AsyncConnection, table: str
) -> None:
    column, before = district_column(table), await _whole(owner, table)
    for statement in (
        f"UPDATE {table} SET {column} = {column} WHERE {column} = 'hilltop' RETURNING 1",  # noqa: S608
        f"DELETE FROM {table} WHERE {column} = 'hilltop' RETURNING 1",  # noqa: S608
    ):
        with suppress(PermissionDenied):
            async with one.district("riverside") as db:
                assert (await _tried(db, statement)).all() == []
    assert await _whole(owner, table) == before


@pytest.mark.sample(6)
@pytest.mark.parametrize("table", NAMES)
async def test_rows_for_another_district_are_refused(
    one: Database, owner: AsyncConnection, table: str
) -> None:
    before = await _whole(owner, table)
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with one.district("riverside") as db:
            await db.execute(insert(metadata.tables[table]).values(row(metadata.tables[table], "hilltop")))
    with pytest.raises(ProgrammingError, match=r"row-level security|permission denied"):
        async with one.district("riverside") as db:
            await db.execute(text(f"UPDATE {table} SET {district_column(table)} = 'hilltop'"))  # noqa: S608
    assert await _whole(owner, table) == before


class PermissionDenied(Exception):
    """Report that the application's role has no such right at all."""


async def _tried(db: AsyncSession, statement: str) -> Result[Any]:
    try:
        return await db.execute(text(statement))
    except ProgrammingError as error:
        if "permission denied" in str(error):
            raise PermissionDenied from error
        raise


async def test_district_ends_with_a_failed_transaction(one: Database) -> None:
    async def fail() -> None:
        async with one.district("riverside") as db:
            await db.execute(text("SELECT nothing"))

    with pytest.raises(ProgrammingError):
        await fail()
    async with one.without_tenant() as db:
        assert not await db.scalar(text("SELECT current_setting('gradesync.district', true)"))


async def _whole(owner: AsyncConnection, table: str) -> list[str]:
    rows = await owner.scalars(text(f"SELECT t::text FROM {table} t ORDER BY 1"))  # noqa: S608
    return list(rows)
