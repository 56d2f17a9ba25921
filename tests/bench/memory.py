"""Measure the memory of a worker process that syncs 500 assignments of 1,000 students."""

from bench.growth import cost
from bench.measure import Measure
from gradesync.settings import Settings

ASSIGNMENTS, STUDENTS = 500, 1000


async def memory(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the peak of resident memory. `quick` takes a tenth of the assignments."""
    found = await cost(settings, ASSIGNMENTS // 10 if quick else ASSIGNMENTS, STUDENTS)
    name = f"{found.assignments} assignments x {found.students:,} students"
    return [
        Measure(f"{name}: peak memory of the worker, MiB", 300, found.mebibytes),
        Measure(f"{name}: first sync, s", None, found.first_seconds),
        Measure(f"{name}: processor time of the worker for it, s", None, found.first_cpu),
    ]
