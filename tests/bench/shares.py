"""Measure by package the processor time of a sync, from its claim to its end.

The kernel's profiling timer interrupts the process as it spends processor time; whatever package is at work
then, it or what it called of Python itself, is counted: that costs next to nothing.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time
from types import FrameType
from typing import Any

from bench.environment import SimulatedDistrict, register_districts, request, simulate_district
from bench.measure import Measure
from bench.whole_sync import ASSIGNMENTS, CHANGED, CHANGES, DISTRICT, FIRST, IDLE, STUDENTS
from gradesync.runtime import open_runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim
from gradesync.sync.context import SyncContext
from gradesync.sync.run import run_sync

SYNCS, FIRSTS, WARM = 200, 30, 3
WINDOW = 0.12
"""Wait so many seconds until the call budget of the invented district is full again."""
TICK = 0.001
"""Ask for so many seconds between interruptions. A kernel keeps its own time: often there are 0.004."""
OURS = "gradesync's own code"
DATABASE, LIBRARIES_AROUND = "SQLAlchemy and asyncpg", "signing, pacing, metrics and logs"
IN = "processor time in {}, ms"
OTHERS = "the event loop and what is left"
OWN = "of it in gradesync.{}, ms"
PARTS = ("core", "schoology", "powerschool", "db", "sync", "upstream")
REST = "others"
COSTLY = (10, 50)
COSTLIEST = "of it in our {} costliest functions, %"
TICKS = "interruptions of the processor that show it"
GROUPS = {
    OURS: {"gradesync"},
    DATABASE: {"sqlalchemy", "asyncpg"},
    "httpx and what is below it": {"httpx", "httpcore", "h11", "anyio", "sniffio"},
    LIBRARIES_AROUND: {*("oauthlib", "redis", "structlog", "prometheus_client", "tenacity", "stamina")},
}


@dataclass
class _Ticks:
    """Count by group while `on`, and our own code by part and by function."""

    on: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    own: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __call__(self, _: int, frame: FrameType | None) -> None:
        if self.on:
            group, part, function = _group(frame)
            self.seen[group] += 1
            if group == OURS:
                self.own[part] += 1
                self.functions[function] += 1

    async def count(self, context: SyncContext) -> bool:
        """Count a sync from its claim to its end; False, without a count, where none can be claimed."""
        before, began = (self.seen.copy(), self.own.copy(), self.functions.copy()), process_time()
        self.on = True
        try:
            if claimed := await claim(context):
                await run_sync(context, claimed)
                self.seconds += process_time() - began
                return True
            self.seen, self.own, self.functions = before
            return False
        finally:
            self.on = False


def _group(frame: FrameType | None) -> tuple[str, str, str]:
    """Return the group of the innermost package that is no part of Python, the part in it, the function."""
    while frame is not None:
        package, _, module = frame.f_globals.get("__name__", "").partition(".")
        for group, packages in GROUPS.items():
            if package in packages:
                part = module.partition(".")[0]
                return group, part if part in PARTS else REST, f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return OTHERS, REST, ""


async def shares(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the processor time of a sync from its claim to its end, by package; no latency."""
    syncs, firsts = (20, 3) if quick else (SYNCS, FIRSTS)
    async with (
        simulate_district(sections=1 + WARM + firsts, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
    ):
        await register_districts(runtime, served.district, [DISTRICT])
        section, *others = served.sections
        each = {
            IDLE: _spent(runtime.context, served, 0, [section] * (WARM + syncs)),
            CHANGED: _spent(runtime.context, served, CHANGES, [section] * (WARM + syncs)),
            FIRST: _spent(runtime.context, served, 0, others),
        }
        return [
            Measure(f"{name}: {what}", None, ms)
            for name, spent in each.items()
            for what, ms in (await spent).items()
        ]


async def _spent(
    context: SyncContext, served: SimulatedDistrict, changes: int, sections: Sequence[dict[str, Any]]
) -> dict[str, float]:
    """Return milliseconds of a sync by group and part: one of each section, the first few to warm up."""

    async def sync(number: int, ticks: _Ticks) -> None:
        section = sections[number]
        await served.grade(section["id"], number, changes)
        await request(context, DISTRICT, section["id"], section["teacher_uid"])
        await asyncio.sleep(WINDOW)
        while not await ticks.count(context):
            await asyncio.sleep(WINDOW)

    for number in range(WARM):
        await sync(number, _Ticks())
    ticks = _Ticks()
    with _interrupted(ticks):
        for number in range(WARM, len(sections)):
            await sync(number, ticks)
    all_ = ticks.seen.total()
    each = ticks.seconds / (len(sections) - WARM) * 1000 / all_
    groups = {IN.format(group): ticks.seen[group] * each for group in (*GROUPS, OTHERS)}
    parts = {OWN.format(part): ticks.own[part] * each for part in (*PARTS, REST)}
    costliest = {
        COSTLIEST.format(number): 100 * sum(count for _, count in ticks.functions.most_common(number)) / all_
        for number in COSTLY
    }
    return groups | parts | costliest | {TICKS: all_}


@contextmanager
def _interrupted(ticks: _Ticks) -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, ticks)
    signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
