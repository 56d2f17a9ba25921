"""Measure the cost of a section by its scores: time and memory of a real worker process."""

import asyncio
from dataclasses import dataclass
from time import perf_counter

from sqlalchemy import text

from bench.environment import (
    Worker,
    owner,
    register_districts,
    request,
    simulate_district,
    wait_until_settled,
    workers,
)
from gradesync.db import syncs
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

DISTRICT = "riverside"
THERE = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gradesync worker'")


@dataclass(frozen=True, slots=True)
class Cost:
    """Hold the cost of one section. `mebibytes` is the worker's peak over both syncs.

    Seconds are from the request to the end, `cpu` those of the worker's processor: for the first sync, which
    writes everything, and for another in which nothing has changed.
    """

    assignments: int
    students: int
    first_seconds: float
    first_cpu: float
    again_seconds: float
    again_cpu: float
    mebibytes: float

    @property
    def scores(self) -> int:
        return self.assignments * self.students


async def cost(settings: Settings, assignments: int, students: int) -> Cost:
    """Sync a section twice: everything is new, and nothing is."""
    async with (
        simulate_district(sections=1, assignments=assignments, students=students) as served,
        open_runtime(settings, name="bench") as runtime,
        owner(settings) as connection,
    ):
        await register_districts(runtime, served.district, [DISTRICT])
        section = served.sections[0]

        async def synced(worker: Worker) -> tuple[float, float]:
            began, cpu = perf_counter(), worker.cpu_seconds
            sync = await request(runtime.context, DISTRICT, section["id"], section["teacher_uid"])
            await wait_until_settled(connection)
            found = perf_counter() - began, worker.cpu_seconds - cpu
            async with runtime.context.database.district(DISTRICT) as db:
                settled_sync = await syncs.get(db, sync.id)
            assert settled_sync is not None
            assert settled_sync.status == "complete", settled_sync.error_code
            return found

        async with workers(settings) as (worker,):
            while not await connection.scalar(THERE):
                await asyncio.sleep(0.05)
            return Cost(
                assignments,
                students,
                *(await synced(worker)),
                *(await synced(worker)),
                worker.peak_mebibytes,
            )
