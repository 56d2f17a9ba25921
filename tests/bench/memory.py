"""Measure a sync of 500 assignments of 1,000 students: memory, processor and bytes."""

import asyncio
import tracemalloc
from dataclasses import replace
from decimal import Decimal

from bench.environment import owner, simulate_district, workers
from bench.floor import measure_floor, run_recorded
from bench.growth import THERE, cost
from bench.measure import Measure
from bench.planning import Section
from bench.whole_sync import recording
from gradesync.core.planner import plan
from gradesync.core.sis import LiveGradebook
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

ASSIGNMENTS, STUDENTS = 500, 1000
MEBIBYTE = 1 << 20


async def memory(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the peak of resident memory, and its parts. `quick` takes a tenth of the assignments."""
    assignments = ASSIGNMENTS // 10 if quick else ASSIGNMENTS
    found = await cost(settings, assignments, STUDENTS)
    tenth = assignments // 10
    cells, planned = _weigh(tenth, STUDENTS)
    name = f"{found.assignments} assignments x {found.students:,} students"
    return [
        Measure(f"{name}: peak memory of the worker, MiB", 150, found.mebibytes),
        Measure("a worker that waits for its first sync: memory, MiB", None, await _weigh_idle(settings)),
        Measure(f"{tenth} assignments x {STUDENTS:,} students: the cells of the gradebook, MiB", None, cells),
        Measure(f"{tenth} assignments x {STUDENTS:,} students: the plan of a first sync, MiB", None, planned),
        Measure(f"{name}: first sync, s", None, found.first_seconds),
        Measure(f"{name}: processor time of the worker for it, s", None, found.first_cpu),
    ]


async def _weigh_idle(settings: Settings) -> float:
    """Return the mebibytes of a worker that has connected, and done nothing."""
    async with owner(settings) as connection, workers(settings) as (worker,):
        while not await connection.scalar(THERE):
            await asyncio.sleep(0.05)
        return worker.peak_mebibytes


def _weigh(assignments: int, students: int) -> tuple[float, float]:
    """Return the mebibytes of a gradebook's cells, and of the plan that sends them all."""
    section, points = Section(assignments, students), [Decimal(n) / 2 for n in range(40)]
    tracemalloc.start()
    cells = {a.id: {uid: points[n % 40] for n, uid in enumerate(section.uids)} for a in section.assignments}
    held = tracemalloc.get_traced_memory()[0]
    made = plan(replace(section.gradebook, cells=cells), {}, LiveGradebook(()), section.book, section.keys)
    both = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(made.assignments) == assignments
    return held / MEBIBYTE, (both - held) / MEBIBYTE


async def floor(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the processor time and the bytes of a large first sync, each against the least possible."""
    assignments = ASSIGNMENTS // 10 if quick else ASSIGNMENTS
    async with (
        simulate_district(sections=1, assignments=assignments, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
        recording(runtime, served) as here,
    ):
        spent, calls = await run_recorded(here, 0)
        least = await measure_floor(here, calls)
    name = f"{assignments} assignments x {STUDENTS:,} students"
    return [
        Measure(f"{name}: processor of the first sync ÷ of its calls and their JSON", 3, spent / least.cpu),
        Measure(f"{name}: bytes of scores sent ÷ the least", 1.05, least.sent / least.least),
    ]
