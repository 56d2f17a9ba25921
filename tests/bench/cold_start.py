"""Measure a process from start to first work: the API to a response, a worker to a sync."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import httpx

from bench.measure import Measure
from gradesync.cli.district_file import parse
from gradesync.db import districts, syncs
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync.request import Request, SyncOptions, request_sync
from harness.known_districts import mark_budgets_known

PATIENCE = 60
LOOK_SECONDS = 0.025
# Its systems are not there: what a worker does with a sync that it has taken is not measured.
DISTRICT = """
id = "{name}"
name = "Cold start"
timezone = "UTC"
[schoology]
base_url = "http://127.0.0.1:9/v1"
consumer_key = "{name}"
consumer_secret = "secret"
[sis]
kind = "powerschool"
base_url = "http://127.0.0.1:9"
client_id = "{name}"
client_secret = "secret"
"""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Hold median seconds from the start of a process to a /healthz response, and to a claimed sync."""

    serve: float
    worker: float


async def starts(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the seconds until a process is at work."""
    measured = await cold_start(settings, rounds=1 if quick else 5)
    return [
        Measure("serve: from its start to an answer, s", 1.5, measured.serve),
        Measure("worker: from its start to a sync taken, s", 2, measured.worker),
    ]


async def cold_start(settings: Settings, rounds: int = 5) -> ColdStart:
    """Start processes with these settings, one after another. The first of each is not counted."""
    async with open_runtime(settings, name="bench") as runtime:
        await mark_budgets_known(runtime.redis)
        serve = [await _serve(settings) for _ in range(rounds + 1)]
        worker = [await _worker(settings, runtime, f"cold-{number}") for number in range(rounds + 1)]
    return ColdStart(serve=median(serve[1:]), worker=median(worker[1:]))


async def _serve(settings: Settings) -> float:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        began = perf_counter()
        async with _process(settings, "serve", "--port", str(port)), asyncio.timeout(PATIENCE):
            while not await _answers(http):
                await asyncio.sleep(LOOK_SECONDS)
            return perf_counter() - began


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).is_success
    except httpx.TransportError:
        return False


async def _worker(settings: Settings, runtime: Runtime, name: str) -> float:
    async with runtime.context.database.district(name) as db:
        await districts.apply(db, parse(DISTRICT.format(name=name), allow_http=True))
    request = Request(
        district_id=name,
        section_id="1",
        requester_kind="teacher",
        requester_id="1",
        options=SyncOptions(),
        settles_after=900,
    )
    sync = await request_sync(runtime.context, request)
    began = perf_counter()
    async with _process(settings, "worker"), asyncio.timeout(PATIENCE):
        while True:
            async with runtime.context.database.district(name) as db:
                found = await syncs.get(db, sync.id)
            if found is not None and found.started_at is not None:
                return perf_counter() - began
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _process(settings: Settings, *words: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gradesync", *words), env={**os.environ, **settings.environment()}
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
