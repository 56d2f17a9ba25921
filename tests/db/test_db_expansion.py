"""Check that migrations only expand: older code finds what it needs, and no table is locked for long."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from gradesync.db import migrate
from harness.schema_shape import Shape, find_removed, read_shape
from harness.servers import Urls

SQUAWK = Path(sys.executable).parent / "squawk"
NOT_ABOUT_LOCKS = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-robust-stmts",  # each migration is one transaction
    "prefer-text-field",
    "ban-concurrent-index-creation-in-transaction",  # PostgreSQL refuses that itself
    "ban-drop-not-null",  # it takes no longer lock than another change of the table
)
# The newest migration of the release before. Raise it at each release: what that one does not use may go.
PREVIOUS_RELEASE = "0001"


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect every statement that is sent during the block."""
    sent: list[str] = []

    def record(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    yield sent
    event.remove(Engine, "before_cursor_execute", record)


async def lint(sql: str, folder: Path) -> str:
    """Return the complaints of the linter about statements, an empty text for none."""
    file = folder / "migration.sql"
    file.write_text(sql)
    rules = [f"--exclude={rule}" for rule in NOT_ABOUT_LOCKS]
    linter = await asyncio.create_subprocess_exec(
        SQUAWK,
        *("--pg-version=18", "--assume-in-transaction", "--reporter=gcc", *rules, str(file)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await linter.communicate()
    assert linter.returncode == bool(out)
    return out.decode()


async def test_migrations_keep_what_older_code_needs(fresh: Urls, later_release: str) -> None:
    shapes: list[Shape] = []
    async with fresh.owner() as owner:
        for revision in (script.revision for script in migrate.scripts()):
            await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, revision)
            if revision >= PREVIOUS_RELEASE:
                shapes.append(await read_shape(owner, fresh.app_role))
    assert later_release > PREVIOUS_RELEASE
    assert shapes[-1].tables > shapes[0].tables
    assert {line for older in shapes for line in find_removed(older, shapes[-1])} == set()


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ("ALTER TABLE sync DROP COLUMN guard", ["sync.guard is gone"]),
        ("ALTER TABLE sync RENAME guard TO weighed", ["sync.guard is gone"]),
        ("ALTER TABLE sync ALTER attempt TYPE bigint", ["sync.attempt was integer and is bigint"]),
        ("ALTER TABLE sync ALTER guard SET NOT NULL", ["sync.guard may not be null any more"]),
        ("ALTER TABLE sync ADD later text NOT NULL", ["sync.later is new and must be given"]),
        ("ALTER TABLE sync ALTER mode DROP DEFAULT, ADD later text NOT NULL DEFAULT ''", []),
        ("ALTER TABLE sync ADD CONSTRAINT few CHECK (attempt < 9)", ["sync has the new bound few"]),
        ("CREATE UNIQUE INDEX one ON sync (id)", ["sync has the new bound one"]),
        ("CREATE INDEX another ON sync (id)", []),
        ("CREATE TABLE later (id text PRIMARY KEY)", []),
        ("DROP FUNCTION tenantless_districts()",
         ["function tenantless_districts() -> TABLE(id text, name text) is gone"]),
        ("REVOKE UPDATE ON turn FROM gradesync_app", ["right turn UPDATE is gone"]),
    ],
)  # fmt: skip
async def test_change_that_removes_something_is_noticed(servers: Urls, change: str, lost: list[str]) -> None:
    change = change.replace("gradesync_app", servers.app_role)
    async with servers.owner() as connection:
        owner = await connection.execution_options(isolation_level="READ COMMITTED")
        before = await read_shape(owner, servers.app_role)
        await owner.execute(text(change))
        after = await read_shape(owner, servers.app_role)
        await owner.rollback()
    assert find_removed(before, after) == lost


async def test_migrations_take_no_long_locks(fresh: Urls, tmp_path: Path, later_release: str) -> None:
    for script in migrate.scripts():
        with recorded() as sent:
            await migrate.upgrade(fresh.migrate_database_url, fresh.app_role, script.revision)
        changes = [statement for statement in sent if not statement.lstrip().startswith("SELECT")]
        assert len(changes) > 3, script.revision
        assert await lint(";\n".join([*changes, ""]), tmp_path) == "", script.revision
    assert script.revision == later_release


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("ALTER TABLE sync DROP COLUMN guard", "ban-drop-column"),
        ("ALTER TABLE sync RENAME COLUMN guard TO weighed", "renaming-column"),
        ("ALTER TABLE sync RENAME TO run", "renaming-table"),
        ("ALTER TABLE sync ALTER COLUMN attempt TYPE bigint", "changing-column-type"),
        ("ALTER TABLE sync ALTER COLUMN guard SET NOT NULL", "adding-not-nullable-field"),
        ("ALTER TABLE sync ADD COLUMN later text NOT NULL", "adding-required-field"),
        ("CREATE INDEX sync_later ON sync (attempt)", "require-concurrent-index-creation"),
        ("DROP TABLE turn", "ban-drop-table"),
    ],
)
async def test_change_that_locks_or_removes_is_noticed(tmp_path: Path, change: str, rule: str) -> None:
    limits = "SET lock_timeout = '2s';\nSET statement_timeout = '60s';\n"
    assert await lint(f"{limits}CREATE TABLE later (id text);\n", tmp_path) == ""
    assert rule in await lint(f"{limits}{change};\n", tmp_path)
