"""Test a network that drops packets in mid-connection: every wait ends, nothing is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from gradesync.db import connections, watchdog
from gradesync.db.codec import Secrets
from gradesync.db.session import DATABASE_AWAY, Database
from gradesync.db.syncs import Sync
from gradesync.redis_client import pool
from gradesync.sync.release import retry_releases
from gradesync_sandbox import world
from harness.assertions import find_false_claims
from harness.contexts import HURRIED, REDIS_SECONDS
from harness.district import DistrictHarness
from harness.dropping import Direction, DroppingNetwork, dropping_network
from harness.environment import open_environment
from harness.servers import KEYS, Urls

SOON = 0.2
PATIENCE = (
    90  # far less than what a wait without a bound would be; a transaction that was left lives for 10 s
)
DIRECTIONS: tuple[Direction, ...] = ("requests", "responses", "everything")
SIGNS = {
    "PostgreSQL, in a claim": b"claim_next",
    "PostgreSQL, as outcomes are saved": b"INTO outcome",
    "Valkey": b"EVALSHA",
    "Schoology": b"/multiget",
    "PowerSchool, in a read": b"GET /ws/schema",
    "PowerSchool, in a create": b"POST /ws/xte/section/assignment",
    "PowerSchool, as scores are sent": b"PUT /ws/xte/score",
}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SILENT_SECONDS", "AGAIN_SECONDS", "PROBE_SECONDS", "STATEMENT_SECONDS"):
        monkeypatch.setattr(watchdog, name, SOON)
    monkeypatch.setattr(connections, "COMMAND_SECONDS", 1.0)
    monkeypatch.setattr(pool, "PROBE_SECONDS", 0.1)


@asynccontextmanager
async def open_behind(
    urls: Urls, redis_url: str, name: str, direction: Direction
) -> AsyncIterator[tuple[DistrictHarness, DroppingNetwork]]:
    """Open a district, of whose servers one is behind a network that will drop packets."""
    built = world.build(7, 1, 3, 2, ideal=True)
    built.schoology.switches.credits = 1_000
    server = name.partition(",")[0]
    stored = {"PostgreSQL": urls.database_url, "Valkey": redis_url}
    if server in stored:
        async with dropping_network(stored[server], SIGNS[name], direction) as network:
            addresses = {**stored, server: network.address}
            async with _open(addresses["PostgreSQL"], addresses["Valkey"], built) as harness:
                yield harness, network
        return
    async with _open(urls.database_url, redis_url, built) as harness:
        district = harness.district
        upstream = district.schoology.base_url if server == "Schoology" else district.sis.base_url
        async with dropping_network(upstream, SIGNS[name], direction) as network:
            if server == "Schoology":
                moved = replace(district, schoology=replace(district.schoology, base_url=network.address))
            else:
                moved = replace(district, sis=replace(district.sis, base_url=network.address))
            await harness.replace_district(moved)
            yield harness, network


@asynccontextmanager
async def _open(database_url: str, redis_url: str, built: world.World) -> AsyncIterator[DistrictHarness]:
    database = Database.open(database_url, Secrets(KEYS), application_name="test", pool_size=5)
    try:
        async with (
            open_environment(database, redis_url, REDIS_SECONDS) as environment,
            environment.open_district(built, limits=HURRIED) as harness,
        ):
            yield harness
    finally:
        await database.close()


async def run(harness: DistrictHarness) -> None:
    """Run what is queued, as a worker does: what the database keeps it from is tried again later."""
    with suppress(*DATABASE_AWAY):
        await harness.run_queued()


async def run_to_end(harness: DistrictHarness, sync: Sync) -> Sync:
    """Run a sync until it is seen settled, passing time where it waits."""
    while True:
        await run(harness)
        await retry_releases(harness.context)
        with suppress(*DATABASE_AWAY):
            if (found := await harness.get(sync)).status != "processing":
                return found
            await harness.pass_time()
        await asyncio.sleep(SOON)


@pytest.mark.sample(5)
@pytest.mark.parametrize("healed", ["at once", "later"])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", SIGNS)
async def test_dropped_packets_lose_and_double_nothing(
    servers: Urls, redis_url: str, name: str, direction: Direction, healed: str
) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        open_behind(servers, redis_url, name, direction) as (harness, network),
    ):
        sync = await harness.request()
        running = asyncio.create_task(run(harness))
        await asyncio.wait(
            {running, asyncio.create_task(network.dropped.wait())}, return_when="FIRST_COMPLETED"
        )
        assert network.dropped.is_set()
        if healed == "later":
            await running
        network.heal()
        await running
        ended = [await run_to_end(harness, sync), await run_to_end(harness, await harness.request())]
        assert [await find_false_claims(harness, each) for each in ended] == [[], []]
        assert (ended[1].status, harness.differences()) == ("complete", [])
        assert harness.created == len(harness.items)
        assert harness.world.powerschool.log.effects() == {"written": 6}
