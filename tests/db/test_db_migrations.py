"""Check that migrations go up, fit the tables, go down to nothing, and up again."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from gradesync.db import migrate
from gradesync.db.codec import Secrets
from gradesync.db.migrations import head
from gradesync.db.session import Database
from gradesync.db.tables import metadata
from harness.servers import Urls

OBJECTS = text("""
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT polname FROM pg_policy
""")


async def test_migrations_go_up_down_and_up_again(fresh: Urls) -> None:
    url, role = fresh.migrate_database_url, fresh.app_role
    await migrate.upgrade(url, role)
    await migrate.check(url, role)
    await migrate.downgrade(url, role, "base")
    async with fresh.owner() as owner:
        assert (await owner.scalars(OBJECTS)).all() == ["alembic_version"]
    await migrate.upgrade(url, role)
    async with fresh.owner() as owner:
        assert set((await owner.scalars(OBJECTS)).all()) > {*metadata.tables}


async def test_database_behind_is_not_migrated(fresh: Urls, later_release: str) -> None:
    database = Database.open(fresh.database_url, Secrets(["k" * 32]), application_name="check", pool_size=1)
    assert not await database.is_migrated()
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, "0001")
    assert not await database.is_migrated()
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    assert await database.is_migrated()
    await database.close()


async def test_database_ahead_will_do_and_stays_as_it_is(fresh: Urls) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    async with fresh.owner() as owner:
        await owner.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
        assert await owner.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    database = Database.open(fresh.database_url, Secrets(["k" * 32]), application_name="check", pool_size=1)
    assert await database.is_migrated()
    await database.close()


def test_revisions_are_consecutive_numbers() -> None:
    """Check what an older release compares to find that a database is ahead of it."""
    revisions = [script.revision for script in migrate.scripts()]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert revisions[-1] == head()


async def test_migrations_have_time_limits(fresh: Urls) -> None:
    """Check the limits: requests would queue up behind a migration that queues itself."""
    limits = {}

    def read_limits(config: Config) -> None:
        command.upgrade(config, "0001")
        connection: Connection = config.attributes["connection"]
        for name in ("lock_timeout", "statement_timeout"):
            limits[name] = connection.scalar(text(f"SHOW {name}"))

    await migrate.within(fresh.migrate_database_url, fresh.app_role, read_limits)
    assert limits == {"lock_timeout": "2s", "statement_timeout": "1min"}
