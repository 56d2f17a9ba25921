"""Hold a rehearsal against what it forecast: a run of a thousand sections of one district."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import (
    SimulatedDistrict,
    owner,
    register_districts,
    request,
    simulate_district,
    wait_until_settled,
    workers,
)
from bench.measure import Measure
from gradesync.cli.rehearse import run as rehearse
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


async def rehearsal(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Compare the finish of runs with those that were forecast from the syncs before them.

    The first is bound by the key's allowance. The others have so large a one, and so many syncs at once, that
    the processor of one worker, or of two, is what is left.
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
        async with workers(settings):
            for _ in range(2):  # the first syncs, and some that write nothing
                await _request(runtime, served, sections)
                await wait_until_settled(connection)
            await served.set_latency(LATENCY)
            await _run_alone(runtime, served, connection)
        return [measure for run in runs for measure in await _compare(run, served, connection, sections)]


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what a run differs in: its workers' settings and number, and the key's calls in five seconds."""

    settings: Settings
    allowance: int
    workers: int


async def _compare(
    run: Run, served: SimulatedDistrict, connection: AsyncConnection, sections: int
) -> list[Measure]:
    """Forecast a run, and measure it from its first start: all syncs wait when its workers come."""
    limited = replace(served.district.schoology, requests_per_window=run.allowance, window_seconds=Decimal(5))
    async with open_runtime(run.settings, name="bench") as runtime:
        await register_districts(runtime, replace(served.district, schoology=limited), [DISTRICT])
        forecast = await rehearse(runtime, district_id=DISTRICT, workers=run.workers)
        since = await connection.scalar(NOW)
        await _request(runtime, served, sections)
    async with workers(run.settings, run.workers):
        await wait_until_settled(connection)
    finish = await connection.scalar(FINISH, {"since": since})
    apart = abs(forecast.now.finish / finish - 1)
    name = f"{sections:,} sections of one district, {run.allowance:,} calls in 5 s, workers: {run.workers}"
    return [
        Measure(f"{name}: finish, forecast and measured, apart by", 0.1, apart),
        Measure(f"{name}: finish, s", None, finish),
        Measure(f"{name}: forecast, s", None, forecast.now.finish),
        Measure(f"{name}: a worker's processor for a call, ms", None, 1000 * forecast.resources.processor),
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
