"""Measures whole syncs: what they call, and what gradesync adds to the time of these calls.

Each sync's calls are recorded and sent again by bare httpx: the same requests, each begun when those that had
ended before it began have ended again. Both are timed in turns, and the median of the pairs counts.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx

from gradesync import telemetry
from gradesync.connections import Connections
from gradesync.core.district import District
from gradesync.db import districts
from gradesync.districtfile import parse
from gradesync.runtime import Runtime, open_runtime
from gradesync.schoology.auth import OAuth1
from gradesync.settings import Settings
from gradesync.sync.engine import Engine
from gradesync.sync.request import Request, Wanted, request_sync
from gradesync.sync.work import work

ASSIGNMENTS, STUDENTS, CHANGES = 30, 30, 8
LATENCY = 0.1
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was sent, and when it began and ended."""

    request: httpx.Request
    began: float
    ended: float


@dataclass(slots=True)
class Recorder(httpx.AsyncBaseTransport):
    """Passes calls on, and keeps them. Tokens are not kept: they count as cached."""

    inner: httpx.AsyncHTTPTransport = field(default_factory=httpx.AsyncHTTPTransport)
    calls: list[Call] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began = perf_counter()
        answer = await self.inner.handle_async_request(request)
        body = await answer.aread()
        if not request.url.path.endswith("access_token"):
            self.calls.append(Call(request, began, perf_counter()))
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass(frozen=True, slots=True)
class Bench:
    """An engine whose calls are recorded, on a sandbox in a process of its own."""

    engine: Engine
    recorder: Recorder
    control: httpx.AsyncClient
    told: dict[str, Any]
    district: District

    @property
    def section(self) -> dict[str, Any]:
        first: dict[str, Any] = self.told["sections"][0]
        return first

    async def sync(self) -> tuple[float, list[Call]]:
        """Ask for a sync and carry it; answers the seconds from the claim to the end, and the calls."""
        request = Request(
            district_id=self.district.id,
            section_id=self.section["id"],
            asker_kind="teacher",
            asker_id=self.section["teacher_uid"],
            wanted=Wanted(),
            settles_after=900,
        )
        await request_sync(self.engine, request)
        self.recorder.calls = []
        async with asyncio.timeout(PATIENCE):
            began = perf_counter()
            while not await work(self.engine):  # the call budget of a new Redis begins with an empty window
                await asyncio.sleep(0.1)
                began = perf_counter()
        return perf_counter() - began, self.recorder.calls

    async def change(self, number: int) -> None:
        """Grade some scores anew."""
        base = f"/sections/{self.section['id']}"
        book = (await self.control.get(f"{base}/gradebook")).json()
        for place in range(CHANGES):
            item = book[(number + place) % len(book)]
            uid = list(item["cells"])[place]
            points = {"points": f"{number % 10}.{place}"}
            answer = await self.control.put(f"{base}/assignments/{item['id']}/scores/{uid}", json=points)
            answer.raise_for_status()

    async def set_latency(self, seconds: float) -> None:
        for system in ("schoology", "powerschool"):
            url = f"/systems/{system}/switches"
            (await self.control.patch(url, json={"latency": seconds})).raise_for_status()

    async def replay(self, calls: Sequence[Call]) -> float:
        """Send the same requests with bare httpx, in the same order and concurrency."""
        schoology = self.district.schoology
        auth = OAuth1(schoology.consumer_key, schoology.consumer_secret)
        async with httpx.AsyncClient() as client:
            await asyncio.gather(
                *(client.get(url) for url in (self.told["schoology_url"], self.told["powerschool_url"]))
            )
            done = [asyncio.Event() for _ in calls]

            async def send(place: int) -> None:
                call = calls[place]
                await asyncio.gather(*(done[n].wait() for n, c in enumerate(calls) if c.ended <= call.began))
                signed = auth if str(call.request.url).startswith(schoology.base_url) else None
                request = client.build_request(
                    call.request.method,
                    call.request.url,
                    headers={
                        k: v
                        for k, v in call.request.headers.items()
                        if signed is None or k != "authorization"
                    },
                    content=call.request.content,
                )
                await client.send(request, auth=signed)
                done[place].set()

            began = perf_counter()
            await asyncio.gather(*(send(place) for place in range(len(calls))))
            return perf_counter() - began


@asynccontextmanager
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    """Set up a district of one section without troubles."""
    async with AsyncExitStack() as stack:
        file = Path(stack.enter_context(TemporaryDirectory())) / "district.toml"
        told = await stack.enter_async_context(_sandbox(file))
        district = parse(file.read_text(), allow_http=True)
        telemetry.configure_logging("warning", "text")
        runtime = await stack.enter_async_context(open_runtime(settings, name="bench"))
        async with runtime.database.district(district.id) as db:
            await districts.apply(db, district)
        recorder = Recorder()
        client = await stack.enter_async_context(httpx.AsyncClient(transport=recorder))
        control = await stack.enter_async_context(httpx.AsyncClient(base_url=told["control_url"]))
        yield Bench(_recorded(runtime, client), recorder, control, told, district)


def _recorded(runtime: Runtime, client: httpx.AsyncClient) -> Engine:
    systems = Connections(client, runtime.redis, runtime.clock, 30.0, 500)
    return replace(runtime.engine, systems=systems)


@asynccontextmanager
async def _sandbox(district_file: Path) -> AsyncIterator[dict[str, Any]]:
    """A sandbox in a process of its own, and what it says of itself."""
    sizes = ("--sections", "1", "--students", str(STUDENTS), "--assignments", str(ASSIGNMENTS))
    how = ("--json", "--ideal", "--schoology-window", "0.1", "--district-file", str(district_file))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gradesync_sandbox", *how, *sizes), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Measured:
    """Calls by kind of sync, the ratio at 100 ms, and the milliseconds of our own at zero latency."""

    schoology_idle: int
    sis_idle: int
    writes_idle: int
    extra_calls_changed: int
    creates: int
    lists: int
    score_calls: int
    ratio: float
    own_ms: float
    own_ms_target: float


async def whole_sync(settings: Settings, rounds: int = 7) -> Measured:
    """Measure a first sync, syncs of some changes, and one of none."""
    async with bench(settings) as here:
        _, first = await here.sync()
        _, idle = await here.sync()
        changed = await _pairs(here, rounds, latency=0)
        slow = await _pairs(here, max(3, rounds // 2), latency=LATENCY)
    kinds = [_kind(call) for call in first]
    idle_kinds = [_kind(call) for call in idle]
    sis_idle = sum(kind.startswith("sis") for kind in idle_kinds)
    own = median(mine - bare for mine, bare, _ in changed) * 1000
    cells = ASSIGNMENTS * STUDENTS
    return Measured(
        schoology_idle=len(idle) - sis_idle,
        sis_idle=sis_idle,
        writes_idle=idle_kinds.count("sis write"),
        extra_calls_changed=max(calls for _, _, calls in changed) - len(idle),
        creates=kinds.count("sis create"),
        lists=kinds.count("sis list"),
        score_calls=kinds.count("sis write"),
        ratio=median(mine / bare for mine, bare, _ in slow),
        own_ms=own,
        own_ms_target=15 + 3 * 1 + cells * 0.01,
    )


async def _pairs(here: Bench, rounds: int, *, latency: float) -> list[tuple[float, float, int]]:
    """Syncs of changes and their replays, in turns: seconds of both, and how many calls."""
    await here.set_latency(latency)
    pairs = []
    for number in range(rounds):
        await here.change(number)
        mine, calls = await here.sync()
        pairs.append((mine, await here.replay(calls), len(calls)))
    return pairs


def _kind(call: Call) -> str:
    path, method = call.request.url.path, call.request.method
    if path.startswith("/v1"):
        return "schoology"
    if path.startswith("/ws/xte/score"):
        return "sis write"
    if path.startswith("/ws/xte/section/assignment"):
        return "sis create" if method == "POST" else "sis list"
    return "sis other"
