"""Measure whole syncs: their calls, and the time and processor that gradesync adds to these.

Each sync's calls are recorded and sent again by bare httpx: the same requests, each begun when those that had
ended before it began have ended again. Both are timed in turns, and the median of the pairs counts.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from statistics import median
from time import monotonic, perf_counter, process_time
from typing import NamedTuple

import httpx
from sqlalchemy import text

from bench.calls import LIMITS, Call, Recorder, send, send_in_order
from bench.environment import SimulatedDistrict, register_districts, request, simulate_district
from bench.measure import Measure, ratio
from gradesync.db import syncs
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim
from gradesync.sync.context import SyncContext
from gradesync.sync.run import run_sync
from gradesync.systems import UpstreamSystems
from gradesync.upstream.auth import OAuth1
from gradesync.upstream.egress import PooledTransport

ASSIGNMENTS, STUDENTS, CHANGES = 30, 30, 8
SCORES = ASSIGNMENTS * STUDENTS
LATENCY = 0.1
PATIENCE = 600
AT_LATENCY = f"at {LATENCY * 1000:.0f} ms"
RATIO = f"sync ÷ bare replay {AT_LATENCY}"
CPU_RATIO = "processor of a sync ÷ of its bare replay"
IDLE, CHANGED, FIRST = "nothing changed", f"{CHANGES} of {SCORES} scores changed", "first sync"
BARE, BESIDE = f"bare replay {AT_LATENCY}, ms", f"own time {AT_LATENCY}, ms"
WORK = f"own processor time {AT_LATENCY}, ms"
BATCH = 500
DISTRICT = "riverside"
DAY_LATER = """
    UPDATE section_link SET sis = sis || jsonb_build_object(
        'read_at', now() - interval '25 hours', 'term_read_at', now() - interval '25 hours')
"""


class Timed(NamedTuple):
    """Hold the seconds of one sync from claim to end, of its replay, and both's processor seconds.

    `look`: what it took to find it before. `cpu` is for all of the sync.
    """

    look: float
    mine: float
    bare: float
    cpu: float
    bare_cpu: float
    calls: Sequence[Call]

    @property
    def own_ms(self) -> float:
        return (self.mine - self.bare) * 1000


@dataclass(frozen=True, slots=True)
class Bench:
    """Hold a context whose calls are recorded, on a sandbox in a process of its own."""

    context: SyncContext
    recorder: Recorder
    school: SimulatedDistrict
    numbers: Iterator[int] = field(default_factory=count)

    async def timed(self, index: int, *, changes: int = 0) -> Timed:
        """Sync a section, after so many of its scores were changed, and replay what was called."""
        section = self.school.sections[index]
        if changes:
            await self.school.grade(section["id"], next(self.numbers), changes)
        sync = await request(self.context, DISTRICT, section["id"], section["teacher_uid"])
        self.recorder.calls = []
        look, mine, cpu = await self.run_one()
        calls = self.recorder.calls
        async with self.context.database.district(DISTRICT) as db:
            found = await syncs.get(db, sync.id)
        assert found is not None
        assert found.status == "complete", found.error_code
        bare, bare_cpu = await self.replay(calls)
        return Timed(look, mine, bare, cpu, bare_cpu, calls)

    async def pass_day(self) -> None:
        """Let what is remembered of the SIS be older than a day."""
        async with self.context.database.district(DISTRICT) as db:
            await db.execute(text(DAY_LATER))

    async def run_one(self) -> tuple[float, float, float]:
        """Run one sync, or a slice of it; return the seconds to claim it, to run it, and of the processor."""
        async with asyncio.timeout(PATIENCE):
            began, cpu = monotonic(), process_time()
            while not (claimed := await claim(self.context)):  # a new Redis begins with an empty window
                await asyncio.sleep(0.1)
                began, cpu = monotonic(), process_time()
            await run_sync(self.context, claimed)
        granted = claimed.lease.granted
        return granted - began, monotonic() - granted, process_time() - cpu

    async def replay(self, calls: Sequence[Call]) -> tuple[float, float]:
        """Send the same requests with bare httpx; return the seconds, and those of the processor."""
        async with self.bare_client() as client:
            began, cpu = perf_counter(), process_time()
            await self.send_all(client, calls)
            return perf_counter() - began, process_time() - cpu

    @asynccontextmanager
    async def bare_client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Open a client whose connections are there, and whose calls are recorded, as they are for a sync."""
        async with httpx.AsyncClient(transport=Recorder(), timeout=PATIENCE) as client:
            described = self.school.described
            await asyncio.gather(*map(client.get, (described["schoology_url"], described["sis_url"]) * 3))
            yield client

    async def send_all(self, client: httpx.AsyncClient, calls: Sequence[Call]) -> None:
        """Send the same requests in the same order and concurrency."""
        await send_in_order(calls, partial(send, client, self.signature))

    @property
    def signature(self) -> OAuth1:
        """Return what signs the calls to Schoology."""
        schoology = self.school.district.schoology
        return OAuth1(schoology.consumer_key, schoology.consumer_secret)


@asynccontextmanager
async def bench(settings: Settings, sections: int) -> AsyncIterator[Bench]:
    """Set up a district whose calls are recorded."""
    async with (
        simulate_district(sections=sections, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
        recording(runtime, served) as here,
    ):
        yield here


@asynccontextmanager
async def recording(runtime: Runtime, served: SimulatedDistrict) -> AsyncIterator[Bench]:
    """Register the district, and record the calls of syncs that run in this process, over their transport."""
    async with Recorder(PooledTransport(limits=LIMITS)) as recorder:
        await register_districts(runtime, served.district, [DISTRICT])
        systems = UpstreamSystems(recorder, runtime.redis, runtime.clock, 30.0, BATCH)
        yield Bench(replace(runtime.context, systems=systems), recorder, served)


async def whole_syncs(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure first syncs, syncs of some changes and of none: their calls, and the time beside these."""
    many, few = (3, 2) if quick else (15, 11)
    firsts, slow_firsts = (2, 1) if quick else (5, 3)
    async with bench(settings, 1 + firsts + slow_firsts) as here:
        await here.timed(0)
        first = [await here.timed(1 + index) for index in range(firsts)]
        idle = [await here.timed(0) for _ in range(many)]
        await here.pass_day()
        day_later = await here.timed(0)
        changed = [await here.timed(0, changes=CHANGES) for _ in range(many)]
        await here.school.set_latency(LATENCY)
        slow_first = [await here.timed(1 + firsts + index) for index in range(slow_firsts)]
        slow_idle = [await here.timed(0) for _ in range(few)]
        slow_changed = [await here.timed(0, changes=CHANGES) for _ in range(few)]
    return [
        *_calls(first[0].calls, idle[0].calls, changed),
        Measure(f"{IDLE}, a day later: SIS calls", 2, _count_sis(day_later.calls)),
        Measure(f"{CHANGED}: {CPU_RATIO}", 2.0, _cpu_ratio(changed)),
        Measure(f"{IDLE}: {CPU_RATIO}", 1.8, _cpu_ratio(idle)),
        Measure(f"{FIRST}: {CPU_RATIO}", 2.0, _cpu_ratio(first)),
        Measure(f"{CHANGED}: {RATIO}", 1.08, _ratio(slow_changed)),
        Measure(f"{IDLE}: {RATIO}", 1.10, _ratio(slow_idle)),
        Measure(f"{FIRST}: {RATIO}", 1.05, _ratio(slow_first)),
        *_slow(CHANGED, slow_changed),
        *_slow(IDLE, slow_idle),
        _own(CHANGED, changed),
        _own(IDLE, idle),
        _own(FIRST, first),
        Measure(f"{CHANGED}: to find it before, ms", None, _look_ms(changed)),
        Measure(f"{CHANGED}: processor time, calls included, ms", None, _cpu_ms(changed)),
        Measure(f"{IDLE}: processor time, calls included, ms", None, _cpu_ms(idle)),
    ]


def _calls(first: Sequence[Call], idle: Sequence[Call], changed: Sequence[Timed]) -> list[Measure]:
    kinds, idle_kinds = [call.kind for call in first], [call.kind for call in idle]
    further = max(len(one.calls) for one in changed) - len(idle)
    return [
        Measure(f"{IDLE}: Schoology calls", 3, idle_kinds.count("schoology")),
        Measure(f"{IDLE}: SIS calls", 1, _count_sis(idle)),
        Measure(f"{IDLE}: SIS writes", 0, idle_kinds.count("sis write")),
        Measure(f"{CHANGED}: further calls", 1, further),
        Measure(f"{FIRST}: creates", ASSIGNMENTS, kinds.count("sis create")),
        Measure(f"{FIRST}: lists", 2, kinds.count("sis list")),
        Measure(f"{FIRST}: score calls", -(-SCORES // BATCH), kinds.count("sis write")),
    ]


def _count_sis(calls: Sequence[Call]) -> int:
    return sum(call.kind != "schoology" for call in calls)


def _ratio(syncs: Sequence[Timed]) -> float:
    return ratio((one.mine, one.bare) for one in syncs)


def _cpu_ratio(syncs: Sequence[Timed]) -> float:
    return ratio((one.cpu, one.bare_cpu) for one in syncs)


def _own(name: str, syncs: Sequence[Timed]) -> Measure:
    return Measure(f"{name}: own time, ms", None, median(one.own_ms for one in syncs))


def _slow(name: str, syncs: Sequence[Timed]) -> list[Measure]:
    """Return the parts of the ratio."""
    return [
        Measure(f"{name}: {BARE}", None, median(one.bare for one in syncs) * 1000),
        Measure(f"{name}: {BESIDE}", None, median(one.own_ms for one in syncs)),
        Measure(f"{name}: {WORK}", None, median(one.cpu - one.bare_cpu for one in syncs) * 1000),
    ]


def _look_ms(syncs: Sequence[Timed]) -> float:
    return median(one.look for one in syncs) * 1000


def _cpu_ms(syncs: Sequence[Timed]) -> float:
    return median(one.cpu for one in syncs) * 1000
