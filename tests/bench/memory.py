"""Measure a sync of 500 assignments of 1,000 students: memory, processor and bytes."""

from bench.environment import simulate_district
from bench.floor import measure_floor, run_recorded
from bench.growth import cost
from bench.measure import Measure
from bench.whole_sync import recording
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

ASSIGNMENTS, STUDENTS = 500, 1000


async def memory(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the peak of resident memory. `quick` takes a tenth of the assignments."""
    found = await cost(settings, ASSIGNMENTS // 10 if quick else ASSIGNMENTS, STUDENTS)
    name = f"{found.assignments} assignments x {found.students:,} students"
    return [
        Measure(f"{name}: peak memory of the worker, MiB", 150, found.mebibytes),
        Measure(f"{name}: first sync, s", None, found.first_seconds),
        Measure(f"{name}: processor time of the worker for it, s", None, found.first_cpu),
    ]


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
