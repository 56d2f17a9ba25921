"""Processes killed for real: PostgreSQL and Valkey under a running sync, the API between commit and bell."""

import asyncio
import signal
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from arq.constants import default_queue_name
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import make_url

from gradesync import embedded
from gradesync.db import clients, migrate, syncs
from gradesync.db.crypto import Secrets
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.embedded.locks import locked
from gradesync.settings import Settings
from gradesync.sync.claim import claim_of
from gradesync.sync.run import perform
from gradesync.wakeup import PREFIX
from gradesync_sandbox import world
from gradesync_sandbox.faults import Done, Hold
from harness.crashes import find_broken_promises, start_process, start_worker
from harness.district import DistrictHarness
from harness.environment import Environment, open_environment
from harness.faults import held_at
from harness.killable_servers import OwnServers, Server, kill, own_servers, urls_of
from harness.processes import free_port, wait_until_ready
from harness.servers import KEYS, Urls

PATIENCE = 60


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    with own_servers(tmp_path_factory.mktemp("own")) as found:
        yield found


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
    """Valkey, emptied."""
    with Redis.from_url(servers.redis_url) as redis:
        redis.flushdb()
    return servers.redis_url


def _open(urls: Urls) -> Database:
    return Database.open(urls.database_url, Secrets(KEYS), application_name="tests", pool_size=10)


async def _carry_one(harness: DistrictHarness) -> None:
    """One attempt at the sync that waits."""
    claimed = await claim_of(harness.context, harness.district.id)
    assert claimed is not None
    await perform(harness.context, claimed)


async def _only_sync(harness: DistrictHarness) -> Sync:
    async with harness.context.database.district(harness.district.id) as db:
        sync = await syncs.running(db, harness.section)
    assert sync is not None
    return sync


async def _ended(harness: DistrictHarness, sync: Sync) -> Sync:
    """Wait until somebody has carried a sync to its end."""
    async with asyncio.timeout(PATIENCE):
        while (found := await harness.get(sync)).status == "processing":
            await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("done", ["before", "after"])
@pytest.mark.parametrize("kind", ["assignment.list", "assignment.create", "score.write"])
@pytest.mark.parametrize("name", ["postgresql", "valkey"])
async def test_a_server_that_is_killed_and_stays_away_for_an_attempt_costs_nothing(
    environment: Environment, own: OwnServers, name: str, kind: str, done: Done
) -> None:
    server: Server = getattr(own, name)
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        sync = await harness.request()
        async with held_at(harness, kind, _carry_one(harness), done=done):
            server.kill()
        server.start()
        assert ((await harness.get(sync)).status == "processing") == (name == "postgresql")
        await harness.pass_time()
        ended = await harness.run_to_end(sync)
        assert harness.created == 2
        assert await find_broken_promises(harness, ended) == []


@pytest.mark.parametrize("kind", ["assignment.create", "score.write"])
@pytest.mark.parametrize("name", ["postgresql", "valkey"])
async def test_a_worker_outlives_a_server_that_is_killed_under_it(
    environment: Environment, settings: Settings, own: OwnServers, name: str, kind: str
) -> None:
    server: Server = getattr(own, name)
    short = settings.model_copy(update={"lease_seconds": 3, "call_timeout_seconds": 2})
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        async with start_worker(short) as carrying:
            harness.fault("powerschool", kind, Hold("after"))
            sync = await harness.request()
            await harness.faults.until_held()
            server.kill()
            await asyncio.to_thread(server.start)
            harness.faults.release()
            ended = await _ended(harness, sync)
            assert (carrying.returncode, harness.created) == (None, 2)
        assert await find_broken_promises(harness, ended) == []


@asynccontextmanager
async def _theatre_on(urls: Urls) -> AsyncIterator[Environment]:
    database = _open(urls)
    async with open_environment(database, urls.redis_url) as opened:
        yield opened
    await database.close()


@pytest.mark.parametrize("done", ["before", "after"])
async def test_embedded_servers_that_go_with_a_killed_postgresql_start_again_and_nothing_is_lost(
    tmp_path: Path, done: Done
) -> None:
    urls = urls_of(embedded.start(tmp_path, durable=True))
    await migrate.upgrade(urls.migrate_database_url, urls.app_role)
    built = world.build(7, 1, 3, 2, ideal=True)
    async with _theatre_on(urls) as environment, environment.open_district(built) as harness:
        sync = await harness.request()
        async with held_at(harness, "score.write", _carry_one(harness), done=done):
            kill(tmp_path / "postgres" / "postmaster.pid")
            with locked(tmp_path / "servers.lock"):
                pass  # held as long as one process of the servers or their keeper lives
        servers = embedded.start(tmp_path, durable=True)
        async with _theatre_on(urls_of(servers)) as new:
            engine = replace(harness.context, database=new.database)
            later = replace(harness, context=engine, redis=new.redis, client=new.client)
            later.restart()
            await later.pass_time()
            ended = await later.run_to_end(sync)
            assert later.created == 2
            assert await find_broken_promises(later, ended) == []
    servers.stop()


@asynccontextmanager
async def _way_without_bells(url: str, at_a_bell: Callable[[], None]) -> AsyncIterator[str]:
    """The URL of a Redis that calls `at_a_bell` in place of hearing one."""
    there = make_url(url)

    async def join(reader: StreamReader, writer: StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(there.host, there.port)
        await asyncio.gather(forth(reader, far_writer), back(far_reader, writer))

    async def forth(reader: StreamReader, writer: StreamWriter) -> None:
        while (said := await reader.read(65536)) and PREFIX.encode() not in said:
            writer.write(said)
        writer.close()
        if said:
            at_a_bell()

    async def back(reader: StreamReader, writer: StreamWriter) -> None:
        while said := await reader.read(65536):
            writer.write(said)
        writer.close()

    async with await asyncio.start_server(join, "127.0.0.1", 0) as relay:
        port = relay.sockets[0].getsockname()[1]
        yield there.set(port=port).render_as_string(hide_password=False)


async def test_a_request_whose_api_is_killed_between_commit_and_bell_is_carried(
    environment: Environment, settings: Settings, redis_url: str
) -> None:
    def kill_api() -> None:
        api.kill()

    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        await harness.change_policy(service_sync=True)
        async with harness.context.database.district(harness.district.id) as db:
            client = await clients.create(db, ["syncs:write"])
        url = f"http://127.0.0.1:{free_port()}"
        async with (
            _way_without_bells(redis_url, kill_api) as way,
            start_process(
                settings.filled(public_url=url).model_copy(update={"redis_url": SecretStr(way)}),
                *("serve", "--port", url.rpartition(":")[2]),
            ) as api,
            httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http,
        ):
            await wait_until_ready(http, api)
            token = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=client)
            bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
            with pytest.raises(httpx.TransportError):
                await http.post(f"/sections/{harness.section}/syncs", json={}, headers=bearer)
            assert await api.wait() == -signal.SIGKILL
        assert await harness.redis.exists(default_queue_name, PREFIX + harness.district.id) == 0
        sync = await _only_sync(harness)
        assert (sync.status, sync.stage) == ("processing", "queued")
        async with start_worker(settings):
            ended = await _ended(harness, sync)
        assert await find_broken_promises(harness, ended) == []
