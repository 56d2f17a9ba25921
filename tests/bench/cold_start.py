"""Measure a process from start to first work: the API to a response, a worker to a sync."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import httpx

from bench.measure import Measure, ratio
from gradesync.cli.district_file import parse
from gradesync.db import districts, syncs
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync.request import Request, SyncOptions
from harness.known_districts import mark_budgets_known, request_and_wake
from harness.ports import free_port

PATIENCE = 60
LOOK_SECONDS = 0.01
SERVE = "gradesync.cli, gradesync.cli.serving, gradesync.cli.running"
WORKER = "gradesync.cli, gradesync.cli.health, gradesync.cli.running, gradesync.worker.pool"
IMPORTS = 5
IMPORTED = {
    "gradesync.api.routes": "our routes",
    "gradesync.api.schemas": "our bodies",
    "gradesync.db.tables": "our tables",
}
REST = "other modules of ours"
GONE = "\nimport os\nos._exit(0)"
LIST = """
import sys
import {modules}
specs = [module.__spec__ for module in sys.modules.values() if getattr(module, "__spec__", None)]
print([one.name for one in specs if one.origin and one.name.split(".")[0] != "gradesync"])
"""
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
    """Hold median seconds from the start of a process to a /healthz response, and to a claimed sync.

    `serve_ratio`, `worker_ratio`: the same by a process that imports their libraries and ends.
    `serve_imports`: a process that imports our own modules too, by that one. `serve_imported` and
    `worker_imported`: as the ratios, by a process that is gone with its last import, and frees nothing.
    """

    serve: float
    worker: float
    serve_ratio: float
    worker_ratio: float
    serve_imports: float
    serve_imported: float
    worker_imported: float


async def starts(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the seconds until a process is at work."""
    measured = await cold_start(settings, rounds=1 if quick else 5)
    return [
        Measure("serve: from its start to an answer ÷ importing its libraries", 1.3, measured.serve_ratio),
        Measure(
            "worker: from its start to a sync taken ÷ importing its libraries", 1.3, measured.worker_ratio
        ),
        Measure(
            "serve: from its start to an answer ÷ until its libraries are imported",
            None,
            measured.serve_imported,
        ),
        Measure(
            "worker: from its start to a sync taken ÷ until its libraries are imported",
            None,
            measured.worker_imported,
        ),
        Measure("serve: importing all of it ÷ importing its libraries", None, measured.serve_imports),
        *[
            Measure(f"serve, of its imports: {part}, %", None, share)
            for part, share in (await _list_imports(SERVE)).items()
        ],
        Measure("serve: from its start to an answer, s", None, measured.serve),
        Measure("worker: from its start to a sync taken, s", None, measured.worker),
    ]


async def cold_start(settings: Settings, rounds: int = 5) -> ColdStart:
    """Start processes with these settings and bare ones, in turns. The first of each is not counted."""
    async with open_runtime(settings, name="bench") as runtime:
        await mark_budgets_known(runtime.redis)
        serve = [
            (await _serve(settings), await _bare(SERVE), await _whole(SERVE), await _bare(SERVE, GONE))
            for _ in range(rounds + 1)
        ][1:]
        names = [f"cold-{number}" for number in range(rounds + 1)]
        worker = [
            (await _worker(settings, runtime, name), await _bare(WORKER), await _bare(WORKER, GONE))
            for name in names
        ][1:]
    return ColdStart(
        serve=median(ours for ours, *_ in serve),
        worker=median(ours for ours, *_ in worker),
        serve_ratio=ratio((ours, bare) for ours, bare, *_ in serve),
        worker_ratio=ratio((ours, bare) for ours, bare, _ in worker),
        serve_imports=ratio((whole, bare) for _, bare, whole, _ in serve),
        serve_imported=ratio((ours, gone) for ours, _, _, gone in serve),
        worker_imported=ratio((ours, gone) for ours, _, gone in worker),
    )


async def _bare(modules: str, end: str = "") -> float:
    """Return the seconds of a process that only imports the libraries of these modules, and ends so."""
    listed = await _python(LIST.format(modules=modules))
    began = perf_counter()
    await _python(
        f"import gc, importlib\ngc.disable()\nfor name in {listed}: importlib.import_module(name){end}"
    )
    return perf_counter() - began


async def _whole(modules: str) -> float:
    """Return the seconds of a process that only imports these modules, with all that they need."""
    began = perf_counter()
    await _python(f"import gc\ngc.disable()\nimport {modules}")
    return perf_counter() - began


async def _list_imports(modules: str) -> dict[str, float]:
    """Return what part of all imports our own modules take, in percent; what they import is not theirs."""
    spent: Counter[str] = Counter()
    for _ in range(IMPORTS):
        listed = await _python(f"import gc\ngc.disable()\nimport {modules}", "-X", "importtime", errors=True)
        for line in listed.splitlines():
            micros, _, name = line.removeprefix("import time:").split("|")
            if micros.strip().isdecimal():
                spent[_find_part(name.strip())] += int(micros)
    return {part: 100 * spent[part] / spent.total() for part in (*IMPORTED.values(), REST)}


def _find_part(module: str) -> str:
    found = (part for prefix, part in IMPORTED.items() if module.startswith(prefix))
    return next(found, REST if module.partition(".")[0] == "gradesync" else "libraries")


async def _python(code: str, *options: str, errors: bool = False) -> str:
    """Run code, and return what it wrote; with `errors`, what it wrote to standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *options,
        "-c",
        code,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if errors else None,
    )
    written, to_errors = await process.communicate()
    assert process.returncode == 0
    return (to_errors if errors else written).decode().strip()


async def _serve(settings: Settings) -> float:
    port = free_port()
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
    sync = await request_and_wake(runtime.context, request)
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
