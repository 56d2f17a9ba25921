"""Run this release on the schema of a later one, as during a rolling upgrade."""

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from gradesync.db import migrate
from gradesync.db.tables import metadata
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.independent_oracle import expected_columns, sis_columns
from harness.processes import install
from harness.schema_shape import find_removed, read_shape
from harness.servers import Urls


@pytest.fixture
async def later(fresh: Urls) -> Urls:
    """Provide a database that a later release has migrated: each table has everything that may be added."""
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    async with fresh.owner() as owner:
        before = await read_shape(owner, fresh.app_role)
        for table in metadata.tables:
            await owner.execute(
                text(f"""
                    ALTER TABLE {table} ADD later_maybe text, ADD later_filled jsonb NOT NULL DEFAULT '{{}}',
                        ADD later_stamped timestamptz NOT NULL DEFAULT now()
                """)
            )
            if table not in ("history", "outcome"):  # PostgreSQL builds none of a partitioned table so
                await owner.execute(text(f"CREATE INDEX CONCURRENTLY {table}_later ON {table} (later_maybe)"))
        await owner.execute(text("CREATE TABLE later (id uuid PRIMARY KEY)"))
        await owner.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert find_removed(before, await read_shape(owner, fresh.app_role)) == []
    return fresh


@pytest.mark.long
async def test_release_syncs_on_a_later_schema(settings: Settings, later: Urls) -> None:
    there = settings.model_copy(
        update={
            "database_url": SecretStr(later.database_url),
            "migrate_database_url": SecretStr(later.migrate_database_url),
        }
    )
    world = build(seed=7, sections=1, students=6, assignments=8)
    (room,) = world.classrooms
    async with install(there, world) as here:
        ready = await here.api.get("/readyz")
        teacher = await here.teacher(room)
        first = await teacher.sync()
        before = sis_columns(world, room)
        assert before == expected_columns(world, room)
        uid, item = next(iter(room.students)), room.section.standing()[0]
        world.schoology.grade(room.section.id, item.id, uid, 1)
        second = await teacher.sync()
        listed = await teacher.get(f"{teacher.section}/syncs")
        outcomes = await teacher.get(second["links"]["outcomes"])
    assert ready.json()["status"] == "ready"
    assert first["assignments"]["created"] == len(before)
    assert sis_columns(world, room) == expected_columns(world, room, before)
    assert [sync["id"] for sync in listed["items"]] == [second["id"], first["id"]]
    assert outcomes["items"]
