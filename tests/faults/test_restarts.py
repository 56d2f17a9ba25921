"""Kill real processes: PostgreSQL and Valkey under a running sync, the API between commit and wake-up."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from arq.constants import default_queue_name
from pydantic import SecretStr
from redis import Redis

from gradesync import embedded
from gradesync.db import clients, migrate, syncs
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.embedded.locks import locked
from gradesync.runtime import open_runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim_from
from gradesync.sync.release import retry_releases
from gradesync.sync.run import run_sync
from gradesync.wakeup import PREFIX
from gradesync.worker.pool import run_worker
from gradesync_sandbox import world
from gradesync_sandbox.faults import Done, Hold, Status
from harness.crashes import find_broken_promises, start_process, start_worker
from harness.district import DistrictHarness
from harness.environment import Environment, open_environment
from harness.faults import held_at, wait_until_held
from harness.killable_servers import OwnServers, Server, kill, own_servers, urls_of
from harness.ports import free_port
from harness.processes import wait_until_ready
from harness.relays import Cut, relay
from harness.servers import KEYS, Urls

PATIENCE = 60
LONG_LEASE = 600  # a test that ends has not waited for it to lapse


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    with own_servers(tmp_path_factory.mktemp("own")) as started:
        yield started


@pytest.fixture(scope="module")
async def servers(own: OwnServers) -> Urls:
    await migrate.upgrade(own.urls.migrate_database_url, own.urls.app_role)
    return own.urls


@pytest.fixture
async def database(servers: Urls) -> AsyncIterator[Database]:
    opened = _open(servers)
    yield opened
    await opened.close()


@pytest.fixture
def redis_url(servers: Urls) -> str:
    """Return the URL of Valkey, emptied."""
    with Redis.from_url(servers.redis_url) as redis:
        redis.flushdb()
    return servers.redis_url


def _open(urls: Urls) -> Database:
    return Database.open(urls.database_url, Secrets(KEYS), application_name="tests", pool_size=10)


async def _run_one(harness: DistrictHarness) -> None:
    """Make one attempt at the queued sync."""
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    await run_sync(harness.context, claimed)


async def _only_sync(harness: DistrictHarness) -> Sync:
    async with harness.context.database.district(harness.district.id) as db:
        sync = await syncs.get_running(db, harness.section)
    assert sync is not None
    return sync


async def _wait_until_settled(harness: DistrictHarness, sync: Sync) -> Sync:
    """Wait until a worker has settled a sync."""
    async with asyncio.timeout(PATIENCE):
        while (current := await harness.get(sync)).status == "processing":
            await asyncio.sleep(0.05)
    return current


@pytest.mark.sample(3)
@pytest.mark.parametrize("done", ["before", "after"])
@pytest.mark.parametrize("kind", ["assignment.list", "assignment.create", "score.write"])
@pytest.mark.parametrize("name", ["postgresql", "valkey"])
async def test_server_away_for_an_attempt_loses_nothing(
    environment: Environment, own: OwnServers, name: str, kind: str, done: Done
) -> None:
    server: Server = getattr(own, name)
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        sync = await harness.request()
        async with held_at(harness, kind, _run_one(harness), done=done):
            server.kill()
        server.start()
        assert ((await harness.get(sync)).status == "processing") == (name == "postgresql")
        await harness.pass_time()
        ended = await harness.run_to_end(sync)
        assert harness.created == 2
        assert await find_broken_promises(harness, ended) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["assignment.create", "score.write"])
@pytest.mark.parametrize("name", ["postgresql", "valkey"])
async def test_worker_survives_a_killed_server(
    environment: Environment, settings: Settings, own: OwnServers, name: str, kind: str
) -> None:
    server: Server = getattr(own, name)
    short = settings.model_copy(update={"lease_seconds": 3, "call_timeout_seconds": 2})
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        async with start_worker(short) as running:
            harness.fault("powerschool", kind, Hold("after"))
            sync = await harness.request()
            await harness.faults.until_held()
            server.kill()
            await asyncio.to_thread(server.start)
            harness.faults.release()
            ended = await _wait_until_settled(harness, sync)
            assert (running.returncode, harness.created) == (None, 2)
        assert await find_broken_promises(harness, ended) == []


@pytest.mark.parametrize("then", [[], [Status(500)]], ids=["read on", "refused"])
async def test_lease_is_released_once_the_database_is_back(
    environment: Environment, own: OwnServers, then: list[Status]
) -> None:
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        context = replace(harness.context, limits=replace(harness.context.limits, lease=LONG_LEASE))
        harness.context = context
        sync = await harness.request()
        harness.fault("schoology", "*", Hold("after"))
        running = asyncio.create_task(_run_one(harness))
        await wait_until_held(harness, running)
        own.postgresql.kill()
        for effect in then:
            harness.fault("schoology", "*", effect, times=None)
        harness.faults.release()
        await running
        await retry_releases(context)
        assert len(context.unreleased) == 1
        own.postgresql.start()
        harness.faults.clear()
        await harness.lose_lease()  # the outage was longer
        await retry_releases(context)
        assert (context.unreleased, (await harness.get(sync)).stage) == (set(), "queued")
        assert (await harness.run_to_end(sync)).status == "complete"


async def test_worker_releases_its_leases_after_a_restart(
    environment: Environment, settings: Settings, own: OwnServers
) -> None:
    long = settings.model_copy(update={"lease_seconds": LONG_LEASE})
    async with (
        environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness,
        open_runtime(long, name="test") as runtime,
        run_worker(runtime),
    ):
        harness.fault("powerschool", "score.write", Hold("after"))
        sync = await harness.request()
        await harness.faults.until_held()
        own.postgresql.kill()
        harness.faults.release()
        async with asyncio.timeout(PATIENCE):
            while not runtime.context.unreleased:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(own.postgresql.start)
        ended = await _wait_until_settled(harness, sync)
        assert await find_broken_promises(harness, ended) == []


@asynccontextmanager
async def _environment_on(urls: Urls) -> AsyncIterator[Environment]:
    database = _open(urls)
    async with open_environment(database, urls.redis_url) as opened:
        yield opened
    await database.close()


@pytest.mark.sample(1)
@pytest.mark.parametrize("done", ["before", "after"])
async def test_embedded_servers_restart_and_lose_nothing(tmp_path: Path, done: Done) -> None:
    urls = urls_of(embedded.start(tmp_path, durable=True))
    await migrate.upgrade(urls.migrate_database_url, urls.app_role)
    built = world.build(7, 1, 3, 2, ideal=True)
    async with _environment_on(urls) as environment, environment.open_district(built) as harness:
        sync = await harness.request()
        async with held_at(harness, "score.write", _run_one(harness), done=done):
            kill(tmp_path / "postgres" / "postmaster.pid")
            with locked(tmp_path / "servers.lock"):
                pass  # locked as long as one process of the servers or their supervisor lives
        servers = embedded.start(tmp_path, durable=True)
        async with _environment_on(urls_of(servers)) as new:
            context = replace(harness.context, database=new.database)
            later = replace(harness, context=context, redis=new.redis, client=new.client)
            later.restart()
            await later.pass_time()
            ended = await later.run_to_end(sync)
            assert later.created == 2
            assert await find_broken_promises(later, ended) == []
    servers.stop()


@pytest.mark.long
async def test_request_committed_before_its_wakeup_still_runs(
    environment: Environment, settings: Settings, redis_url: str
) -> None:
    def kill_api() -> None:
        api.kill()

    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        await harness.change_policy(service_sync=True)
        async with harness.context.database.district(harness.district.id) as db:
            client = await clients.create(db, ["syncs:write"], created_by="operator:test")
        url = f"http://127.0.0.1:{free_port()}"
        async with (
            relay(redis_url, Cut(PREFIX.encode(), kill_api)) as relay_url,
            start_process(
                settings.filled(public_url=url).model_copy(update={"redis_url": SecretStr(relay_url)}),
                *("serve", "--port", url.rpartition(":")[2]),
            ) as api,
            httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http,
        ):
            await wait_until_ready(http, api)
            token = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=client)
            bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
            started = await http.post(f"/sections/{harness.section}/syncs", json={}, headers=bearer)
            assert started.status_code == 202  # the wake-up goes behind the response
            assert await api.wait() == -signal.SIGKILL
        assert await harness.redis.exists(default_queue_name, PREFIX + harness.district.id) == 0
        sync = await _only_sync(harness)
        assert (sync.status, sync.stage) == ("processing", "queued")
        async with start_worker(settings):
            ended = await _wait_until_settled(harness, sync)
        assert await find_broken_promises(harness, ended) == []
