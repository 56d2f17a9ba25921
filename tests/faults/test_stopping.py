"""Stop by SIGTERM: work is finished or released, the process ends well, and nothing is done twice."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from gradesync.access.tokens import Scope
from gradesync.db import clients
from gradesync.settings import Settings
from gradesync_sandbox import world
from gradesync_sandbox.faults import Hold
from harness.crashes import find_broken_promises, start_process, start_worker
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.ports import free_port
from harness.processes import wait_until_ready

PATIENCE = 90


async def terminate(process: Process) -> int:
    """Send SIGTERM to a process, wait for its end and return its exit code."""
    process.terminate()
    async with asyncio.timeout(PATIENCE):
        return await process.wait()


@asynccontextmanager
async def serving(
    harness: DistrictHarness, settings: Settings
) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """Serve the API as a process; yields it and the district's own client of it."""
    await harness.change_policy(service_sync=True)
    async with harness.context.database.district(harness.district.id) as db:
        client = await clients.create(db, [str(scope) for scope in Scope], created_by="operator:test")
    url = f"http://127.0.0.1:{free_port()}"
    api_settings = settings.model_copy(update={"public_url": url})
    async with (
        start_process(api_settings, "serve", "--port", url.rpartition(":")[2]) as api,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http,
    ):
        await wait_until_ready(http, api)
        token = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=client)
        http.headers["authorization"] = f"Bearer {token.json()['access_token']}"
        yield api, http


async def test_api_finishes_requests_and_ends_streams(environment: Environment, settings: Settings) -> None:
    async with (
        environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness,
        serving(harness, settings) as (api, http),
    ):
        sync = (await http.post(f"/sections/{harness.section}/syncs", json={})).json()
        harness.fault("schoology", "*", Hold())
        asked = asyncio.create_task(http.get(f"/sections/{harness.section}/assignments"))
        await harness.faults.until_held()
        async with http.stream("GET", sync["links"]["events"]) as events:
            lines = events.aiter_lines()
            assert await anext(lines) == "event: progress"
            ending = asyncio.create_task(terminate(api))
            assert [line async for line in lines if line.startswith("event")] == []
        assert not ending.done()
        harness.faults.clear()
        assert (await asked).json()["live"]
        assert await ending == 0


@pytest.mark.long
async def test_api_drains_no_longer_than_its_limit(environment: Environment, settings: Settings) -> None:
    short = settings.model_copy(update={"drain_seconds": 1})
    async with (
        environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness,
        serving(harness, short) as (api, http),
    ):
        _, slow = await asyncio.open_connection(http.base_url.host, http.base_url.port)
        slow.write(b"POST /oauth/token HTTP/1.1\r\nHost: gradesync\r\nContent-Length: 100\r\n\r\nnever more")
        await slow.drain()
        await http.get("/healthz")  # what was sent before has been taken up
        assert await terminate(api) == 0
        slow.close()


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["assignment.create", "score.write"])
async def test_stopped_worker_releases_its_sync(
    harness: DistrictHarness, settings: Settings, kind: str
) -> None:
    # The sync rests for a call timeout: its call may still be on its way.
    short = settings.model_copy(update={"lease_seconds": 6, "call_timeout_seconds": 3})
    async with start_worker(short) as running:
        harness.fault("powerschool", kind, Hold("after"))
        sync = await harness.request()
        await harness.faults.until_held()
        assert await terminate(running) == 0  # while its call has no answer yet
    released = await harness.get(sync)
    assert (released.status, released.stage, released.lease_token) == ("processing", "queued", None)
    harness.faults.clear()
    async with start_worker(short) as another:
        async with asyncio.timeout(PATIENCE):
            while (current := await harness.get(sync)).status == "processing":
                await asyncio.sleep(0.05)
        assert await terminate(another) == 0
    assert harness.created == 2
    assert harness.world.powerschool.log.effects() == {"written": 6}
    assert await find_broken_promises(harness, current) == []
