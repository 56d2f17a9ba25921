"""Run API, worker and a load behind pgbouncer in transaction mode: nothing may be bound to a connection."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.load import loaded, small_district
from engines.pooler import FROZEN, pooled, running_pooler
from engines.programs import frozen, missing
from gradesync.db import migrate
from gradesync.db.moving import MoveRefused, MoveTiming, open_move
from gradesync.db.session import Database
from harness.killable_servers import own_servers
from harness.processes import install
from harness.runtimes import settings_on
from harness.servers import Urls

pytestmark = pytest.mark.skipif(bool(missing("pgbouncer")), reason=missing("pgbouncer") or "installed")

SYNCS = 3
PATIENCE = 120


@pytest.fixture
def through(servers: Urls, folder: Path) -> Iterator[Urls]:
    """Provide the servers through a pooler."""
    with pooled(servers, folder) as urls:
        yield urls


@pytest.mark.long
async def test_service_runs_behind_a_pooler(through: Urls, redis_url: str, database: Database) -> None:
    async with install(settings_on(through), small_district()) as here:
        async with loaded(here) as load, asyncio.timeout(PATIENCE):
            while len(load.done) < SYNCS:
                await asyncio.sleep(0.1)
        assert await load.settle() == []
        assert set(load.answers) <= {"200", "202"}


@pytest.mark.long
async def test_stopped_server_behind_a_pooler_is_away_for_all(folder: Path) -> None:
    with own_servers(folder / "servers") as servers, running_pooler(servers.urls, folder) as (through, _):
        await migrate.upgrade(servers.urls.migrate_database_url, servers.urls.app_role)
        async with install(settings_on(through), small_district()) as here:
            async with loaded(here) as load, asyncio.timeout(PATIENCE):
                while len(load.done) < SYNCS:
                    await asyncio.sleep(0.1)
                with frozen(servers.postgresql.find_process()):
                    while not load.answers["503"]:
                        await asyncio.sleep(0.1)
                    assert (await here.api.get("/readyz")).status_code == 503
                    assert (await here.api.get("/healthz")).status_code == 200
                    await asyncio.sleep(FROZEN)  # every client that does not get its 503 gives up
                before = len(load.done)
                while len(load.done) < before + SYNCS:
                    await asyncio.sleep(0.1)
            assert await load.settle() == []
            assert set(load.answers) <= {"200", "202", "503"}


async def test_migration_must_go_past_the_pooler(through: Urls) -> None:
    with pytest.raises(migrate.PoolerRefused, match="past the pooler"):
        await migrate.upgrade(through.migrate_database_url, through.app_role)


async def test_move_must_go_past_the_pooler(through: Urls) -> None:
    ends = through.migrate_database_url, through.migrate_database_url
    with pytest.raises(MoveRefused, match="past the pooler"):
        async with open_move(*ends, "riverside", MoveTiming(0, 1, 1), print):
            pass
