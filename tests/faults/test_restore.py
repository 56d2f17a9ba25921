"""Restore yesterday's database by the commands of the run book: the SIS ends up right."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic import SecretStr
from sqlalchemy import func, make_url, select, text

from gradesync.db import migrate
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.db.tables import metadata
from gradesync.embedded.wheels import postgres_binaries
from gradesync.settings import Settings
from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import Item
from harness.assertions import find_false_claims
from harness.commands import GRADESYNC
from harness.crashes import find_broken_promises
from harness.district import DistrictHarness
from harness.environment import Environment, open_environment
from harness.faults import scores_are_unreadable
from harness.servers import KEYS, Urls

RUN_BOOK = Path(__file__).parents[2] / "docs" / "operations.md"
CHAPTER = RUN_BOOK.read_text().partition("\n## Backup and restore\n")[2].partition("\n## ")[0]
BACK_UP, RESTORE = map(dedent, re.findall(r"^ *```sh\n(.*?) *```$", CHAPTER, re.DOTALL | re.MULTILINE))


@pytest.fixture
async def yesterdays(fresh: Urls, servers: Urls) -> AsyncIterator[Urls]:
    """Migrate a database of the test's own, which the restore renames."""
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    yield fresh
    async with servers.owner() as owner:
        name = make_url(fresh.database_url).database
        await owner.execute(text(f'DROP DATABASE IF EXISTS "{name}_aside"'))


@asynccontextmanager
async def opened(urls: Urls) -> AsyncIterator[Environment]:
    database = Database.open(urls.database_url, Secrets(KEYS), application_name="tests", pool_size=10)
    try:
        async with open_environment(database, urls.redis_url) as environment:
            yield environment
    finally:
        await database.close()


async def run(commands: str, urls: Urls, folder: Path) -> None:
    """Run commands of the run book as an operator does: in a shell, with the owner's settings around it."""
    owner = make_url(urls.migrate_database_url)
    settings = Settings(
        database_url=SecretStr(urls.database_url),
        migrate_database_url=SecretStr(urls.migrate_database_url),
        redis_url=SecretStr(urls.redis_url),
        secret_keys=tuple(SecretStr(key) for key in KEYS),
    )
    connection: Mapping[str, str] = {
        "PGHOST": owner.host or "",
        "PGPORT": str(owner.port),
        "PGUSER": owner.username or "",
        "PGPASSWORD": str(owner.password),
        "PGDATABASE": owner.database or "",
        "ADMIN": "dbname=postgres",
    }
    path = os.pathsep.join([str(postgres_binaries()), str(GRADESYNC.parent), os.environ["PATH"]])
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", commands),
        env={"PATH": path, **connection, **settings.environment()},
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await shell.communicate()
    assert shell.returncode == 0, errors.decode()


async def move_to(environment: Environment, harness: DistrictHarness) -> DistrictHarness:
    """Return the same district, served on another database by new processes."""
    context = replace(harness.context, database=environment.database)
    later = replace(harness, context=context, redis=environment.redis, client=environment.client)
    later.restart()
    return later


@dataclass(frozen=True)
class Restored:
    """Hold a district a day after the backup, with yesterday's database under it.

    `late` was made after the backup; on the `essay` Ada's score is again what the backup has, and Bob's was
    cleared.
    """

    harness: DistrictHarness
    essay: Item
    late: Item
    ada: int
    bob: int


@asynccontextmanager
async def restore_a_day_later(yesterdays: Urls, folder: Path, *, readable: bool) -> AsyncIterator[Restored]:
    """Back up, sync changes, restore. `readable`: the plugin may read the SIS's scores, on either day."""
    async with (
        opened(yesterdays) as first,
        first.open_district(world.build(7, 1, 6, 3, ideal=True)) as harness,
    ):
        if not readable:
            scores_are_unreadable(harness)
        essay, quiz, _ = harness.items
        ada, bob, eve, *_ = harness.students
        harness.grade(essay, ada, 5)
        harness.grade(essay, bob, 6)
        await harness.sync()
        await run(BACK_UP, yesterdays, folder)

        harness.grade(essay, ada, 7)
        harness.clear(essay, bob)
        harness.grade(quiz, eve, 8)
        late = harness.add("After the backup")
        harness.grade(late, ada, 9)
        harness.grade(late, bob, 4)
        assert (await harness.sync()).status == "complete"

        await harness.context.database.close()
        await run(RESTORE, yesterdays, folder)
        harness.grade(essay, ada, 5)
        harness.forget_calls()
        async with opened(yesterdays) as second:
            yield Restored(await move_to(second, harness), essay, late, ada, bob)


async def test_sync_after_a_restore_corrects_the_sis(yesterdays: Urls, tmp_path: Path) -> None:
    async with restore_a_day_later(yesterdays, tmp_path, readable=True) as day:
        sync = await day.harness.sync()
        outcomes = await day.harness.outcomes_by_cell(sync)
        assert (day.harness.created, day.harness.differences()) == (0, [])
        assert outcomes[day.late.id, None] == ("adopted", None)
        assert outcomes[day.late.id, day.ada] == ("adopted", None)
        assert (day.harness.sis_text(day.essay, day.ada), day.harness.sis_text(day.essay, day.bob)) == (
            "5",
            None,
        )
        assert await find_broken_promises(day.harness, sync) == []
        await _assert_isolated(day.harness.context.database)


@pytest.mark.long
async def test_restore_with_unreadable_scores_sends_them_once(yesterdays: Urls, tmp_path: Path) -> None:
    async with restore_a_day_later(yesterdays, tmp_path, readable=False) as day:
        sync = await day.harness.sync()
        outcomes = await day.harness.outcomes_by_cell(sync)
        assert await find_false_claims(day.harness, sync) == []
        assert (sync.status, day.harness.created, day.harness.differences()) == ("complete", 0, [])
        assert outcomes[day.late.id, None] == ("adopted", None)
        assert outcomes[day.late.id, day.ada] == ("written", None)
        assert (day.harness.sis_text(day.essay, day.ada), day.harness.sis_text(day.essay, day.bob)) == (
            "5",
            None,
        )
        day.harness.forget_calls()
        again = await day.harness.sync()
        assert (again.status, day.harness.writes, day.harness.differences()) == ("complete", [], [])


async def _assert_isolated(database: Database) -> None:
    """Assert that roles and policies came back: without a district the service's role sees nothing."""
    await database.check_role()
    assert await database.is_migrated()
    async with database.without_tenant() as db:
        for name in ("ledger", "sync", "outcome", "district"):
            seen = await db.scalar(select(func.count()).select_from(metadata.tables[name]))
            assert (name, seen) == (name, 0)
