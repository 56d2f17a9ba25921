"""Measure what outages cost: a Redis that fails, and clients that connect and send nothing."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter

import httpx
from pydantic import SecretStr

from bench.environment import SimulatedDistrict, register_districts, request, simulate_district, workers
from bench.measure import Measure
from gradesync.db import syncs
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from harness.known_districts import mark_budgets_known
from harness.ports import free_port
from harness.processes import serve_with_descriptors, wait_until_ready
from harness.weak_redis import WEAKNESSES, Weakness, weak_redis

LOOK_SECONDS = 0.01
PATIENCE = 600
WARM_UP = 3
SILENT, DESCRIPTORS = 1200, 1024


async def outages(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the seconds that a sync takes longer while Redis fails, and a process with too many clients."""
    found = []
    async with simulate_district(sections=1, assignments=8, students=10) as simulated:
        for name, weakness in WEAKNESSES.items():
            longer = await _measure(settings, simulated, name.replace(" ", "-"), weakness)
            found.append(Measure(f"a sync while Redis {name}: longer than usual, s", 2, longer))
    return [*found, *await _measure_silence(settings)]


async def _measure(
    settings: Settings, simulated: SimulatedDistrict, district: str, weakness: Weakness
) -> float:
    with tempfile.TemporaryDirectory() as folder:
        async with weak_redis(Path(folder)) as weak:
            on_weak = settings.model_copy(update={"redis_url": SecretStr(weak.url)})
            await mark_budgets_known(weak.admin)
            async with open_runtime(on_weak, name="bench") as runtime, workers(on_weak):
                await register_districts(runtime, simulated.district, [district])
                usual = min([await _sync(runtime, simulated, district) for _ in range(WARM_UP)])
                await weakness.begin(weak)
                return await _sync(runtime, simulated, district) - usual


async def _sync(runtime: Runtime, simulated: SimulatedDistrict, district: str) -> float:
    """Return the seconds from the request of a sync to its end."""
    (section,) = simulated.sections
    began = perf_counter()
    sync = await request(runtime.context, district, section["id"], section["teacher_uid"], mode="full")
    async with asyncio.timeout(PATIENCE):
        while True:
            async with runtime.context.database.district(district) as db:
                current = await syncs.get(db, sync.id)
            if current is not None and current.status != "processing":
                assert current.error_code is None, current.error_code
                return perf_counter() - began
            await asyncio.sleep(LOOK_SECONDS)


async def _measure_silence(settings: Settings) -> list[Measure]:
    """Open more connections than the API has descriptors, and send nothing."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    logging = settings.model_copy(update={"public_url": address, "log_level": "info"})
    async with serve_with_descriptors(logging, DESCRIPTORS) as api:
        async with httpx.AsyncClient(base_url=address) as http:
            await wait_until_ready(http, api)
        async with AsyncExitStack() as stack:
            for _ in range(SILENT):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                stack.callback(writer.close)
            began = perf_counter()
            async with httpx.AsyncClient(base_url=address) as http:
                while (await http.get("/healthz")).status_code != 200:
                    await asyncio.sleep(LOOK_SECONDS)
            seconds = perf_counter() - began
        api.terminate()
        assert api.stderr is not None
        lines = (await api.stderr.read()).splitlines()
    what = f"{SILENT:,} silent connections, {DESCRIPTORS:,} descriptors"
    return [
        Measure(f"{what}: until others are served, s", 15, seconds),
        Measure(f"{what}: lines in the log", 10, len(lines)),
    ]
