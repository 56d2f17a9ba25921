"""Hold a rehearsal against what it forecast: a run of a thousand sections of one district."""

import asyncio
from dataclasses import replace
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
    SELECT extract(epoch FROM max(finished_at) - min(requested_at))::float FROM sync
    WHERE requested_at >= :since AND status = 'complete'
""")
NOW = text("SELECT clock_timestamp()")


async def rehearsal(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Compare the finish of a run with the one that was forecast from the syncs before it."""
    sections, allowance = QUICK_SIZES if quick else SIZES
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
            limited = replace(
                served.district.schoology, requests_per_window=allowance, window_seconds=Decimal(5)
            )
            await register_districts(runtime, replace(served.district, schoology=limited), [DISTRICT])
            forecast = await rehearse(runtime, district_id=DISTRICT, workers=1)
            since = await connection.scalar(NOW)
            await _request(runtime, served, sections)
            await wait_until_settled(connection)
        finish = await connection.scalar(FINISH, {"since": since})
    name = f"{sections:,} sections of one district, {allowance} calls in 5 s"
    return [
        Measure(
            f"{name}: finish, forecast and measured, apart by", 0.1, abs(forecast.now.finish / finish - 1)
        ),
        Measure(f"{name}: finish, s", None, finish),
        Measure(f"{name}: forecast, s", None, forecast.now.finish),
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
