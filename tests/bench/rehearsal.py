"""Hold a rehearsal against what it forecast: a run of a thousand sections of one district."""

import asyncio
import os
from dataclasses import dataclass, replace
from decimal import Decimal
from time import process_time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import (
    SimulatedDistrict,
    busy_seconds,
    owner,
    register_districts,
    request,
    simulate_district,
    wait_until_settled,
    workers,
)
from bench.measure import Measure
from gradesync.cli.rehearse import run as rehearse
from gradesync.core.rehearsal import Rehearsal
from gradesync.db.section_loads import FIRST_READS
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings

DISTRICT = "rehearsed"
ALONE = 10
"""Count the sections whose syncs run alone first: they show how long a call takes."""
LATENCY = 0.1
SIZES, QUICK_SIZES = (1000, 300), (40, 15)
"""Count sections, and calls in five seconds that the key may do: so many that a run takes two minutes."""
FINISH = text("""
    SELECT extract(epoch FROM max(finished_at) - min(started_at))::float FROM sync
    WHERE requested_at >= :since AND status = 'complete'
""")
AT_ONCE = 20
"""Count the syncs that a worker runs at once where its processor is to be the bottleneck."""
NOW = text("SELECT clock_timestamp()")
CORES = len(os.sched_getaffinity(0))
"""Count the processors that workers share with PostgreSQL, Valkey and the simulators."""


async def rehearsal(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Compare the finish of runs with those that were forecast from the syncs before them.

    The first is bound by the key's allowance. The others have so large a one, and so many syncs at once, that
    the processor of one worker, or the machine of two, is what is left.
    """
    sections, allowance = QUICK_SIZES if quick else SIZES
    wide = settings.model_copy(update={"max_syncs": AT_ONCE, "per_district": 2 * AT_ONCE})
    runs = (
        Run(settings, allowance, 1),
        Run(wide, 20 * allowance, 1),
        Run(wide, 20 * allowance, 2),
    )
    async with (
        simulate_district(sections=sections, assignments=2, students=2) as served,
        open_runtime(settings, name="bench") as runtime,
        owner(settings) as connection,
    ):
        await register_districts(runtime, served.district, [DISTRICT])
        async with workers(settings):  # the first syncs
            await _request(runtime, served, sections)
            await wait_until_settled(connection)
        await _request(runtime, served, sections)
        beside = await _run_unchanged(settings, connection) / (FIRST_READS * sections)
        await served.set_latency(LATENCY)
        async with workers(settings):
            await _run_alone(runtime, served, connection)
        bench = Bench(served, connection, sections, beside)
        return [measure for run in runs for measure in await _compare(bench, run)]


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what a run differs in: its workers' settings and number, and the key's calls in five seconds."""

    settings: Settings
    allowance: int
    workers: int

    @property
    def name(self) -> str:
        return f"{self.allowance:,} calls in 5 s, workers: {self.workers}"


@dataclass(frozen=True, slots=True)
class Bench:
    """Hold what all runs have in common. `beside`: the servers' processor seconds for a call."""

    served: SimulatedDistrict
    connection: AsyncConnection
    sections: int
    beside: float


async def _run_unchanged(settings: Settings, connection: AsyncConnection) -> float:
    """Run what waits, and return the processor seconds that servers and simulators took for it."""
    before = busy_seconds() - process_time()
    async with workers(settings) as running:
        await wait_until_settled(connection)
        own = sum(worker.cpu_seconds for worker in running)
        return busy_seconds() - process_time() - before - own


async def _compare(bench: Bench, run: Run) -> list[Measure]:
    """Forecast a run, and measure it from its first start: all syncs wait when its workers come."""
    served, connection = bench.served, bench.connection
    limited = replace(served.district.schoology, requests_per_window=run.allowance, window_seconds=Decimal(5))
    async with open_runtime(run.settings, name="bench") as runtime:
        await register_districts(runtime, replace(served.district, schoology=limited), [DISTRICT])
        forecast = await rehearse(
            runtime, district_id=DISTRICT, workers=run.workers, cores=CORES, beside=bench.beside
        )
        since = await connection.scalar(NOW)
        await _request(runtime, served, bench.sections)
    async with workers(run.settings, run.workers):
        await wait_until_settled(connection)
    finish = await connection.scalar(FINISH, {"since": since})
    return _measures(f"{bench.sections:,} sections of one district, {run.name}", forecast, finish)


def _measures(name: str, forecast: Rehearsal, finish: float) -> list[Measure]:
    resources = forecast.resources
    milliseconds = {
        "a worker's processor for a call, ms": resources.processor,
        "the servers' processors for a call, ms": resources.beside,
        "a claim, before others wait for it, ms": resources.looking,
        "a claim, while others wait for it, ms": resources.claiming,
    }
    return [
        Measure(
            f"{name}: finish, forecast and measured, apart by", 0.1, abs(forecast.now.finish / finish - 1)
        ),
        Measure(f"{name}: finish, s", None, finish),
        Measure(f"{name}: forecast, s", None, forecast.now.finish),
        *(Measure(f"{name}: {what}", None, 1000 * seconds) for what, seconds in milliseconds.items()),
    ]


async def _request(runtime: Runtime, served: SimulatedDistrict, sections: int) -> None:
    slots = asyncio.Semaphore(4)

    async def one(section: dict[str, str]) -> None:
        async with slots:
            await request(runtime.context, DISTRICT, section["id"], section["teacher_uid"])

    await asyncio.gather(*(one(section) for section in served.sections[:sections]))


async def _run_alone(runtime: Runtime, served: SimulatedDistrict, connection: AsyncConnection) -> None:
    for section in served.sections[:ALONE]:
        await request(runtime.context, DISTRICT, section["id"], section["teacher_uid"])
        await wait_until_settled(connection)
