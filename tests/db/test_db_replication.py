"""Check that every table can be replicated logically, as upgrades of PostgreSQL do."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import ProgrammingError

from gradesync.db import migrate
from gradesync.db.export_erase import district_tables
from gradesync.db.tables import metadata
from harness.every_table import district_column, fill
from harness.servers import Urls

DISTRICT = "riverside"
KEYS_WITH_GENERATED = text("""
    SELECT i.indrelid::regclass::text FROM pg_index i JOIN pg_attribute a
        ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE (i.indisprimary OR i.indisreplident) AND a.attgenerated <> ''
      AND i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
""")


async def test_published_tables_accept_updates_and_deletes(fresh: Urls) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    async with fresh.owner() as owner:
        await owner.execute(text(f"CREATE PUBLICATION everything FOR TABLE {', '.join(metadata.tables)}"))
        await fill(owner, DISTRICT)
        for table in district_tables():
            ours = table.columns[district_column(table.name)] == DISTRICT
            updated = await owner.execute(
                update(table).where(ours).values({district_column(table.name): DISTRICT})
            )
            deleted = await owner.execute(delete(table).where(ours))
            assert (updated.rowcount, deleted.rowcount) == (1, 1), table.name
        assert (await owner.scalars(KEYS_WITH_GENERATED)).all() == []


async def test_generated_column_in_a_published_key_is_refused(fresh: Urls) -> None:
    """Show what the keys must do without."""
    async with fresh.owner() as owner:
        await owner.execute(
            text(
                "CREATE TABLE later "
                "(id text, length int GENERATED ALWAYS AS (length(id)) STORED, PRIMARY KEY (length, id))"
            )
        )
        await owner.execute(text("CREATE PUBLICATION everything FOR TABLE later"))
        with pytest.raises(ProgrammingError, match="cannot update table"):
            await owner.execute(text("UPDATE later SET id = 'x'"))
        assert (await owner.scalars(KEYS_WITH_GENERATED)).all() == ["later"]
