"""Measure worker processes: syncs per second, alone and together, and fairness among districts."""

import asyncio
from collections.abc import Mapping, Sequence
from statistics import median
from time import perf_counter

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.calls import Call
from bench.environment import (
    SimulatedDistrict,
    owner,
    register_districts,
    request,
    simulate_district,
    wait_until_settled,
    workers,
)
from bench.measure import Measure, ratio
from bench.whole_sync import Bench, recording
from gradesync.db.codec import uuid7
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync.context import SyncContext

DISTRICTS = [f"district-{number:02}" for number in range(20)]
LATENCY = 1.0
CHANGES, ASSIGNMENTS, STUDENTS = 8, 30, 30
SYNCS_AT_ONCE = Settings.model_fields["max_syncs"].default
BACKLOG = 10_000
SPAN = text("""
    SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at))::float
    FROM sync WHERE requested_at > :since AND status = 'complete'
""")
DELAY = text("SELECT extract(epoch FROM started_at - requested_at)::float FROM sync WHERE id = :id")
DONE = text("SELECT count(*) FROM sync WHERE status = 'complete'")
NOW = text("SELECT clock_timestamp()")
QUEUE = text("""
    INSERT INTO sync (district_id, id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, settles_by)
    SELECT :district, id, section, 'processing', 'queued', 'none', 'changes', false, 'teacher', teacher,
           now() + interval '1 day'
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sections AS text[]), CAST(:teachers AS text[]))
        AS new (id, section, teacher)
""")
MARK = text("""
    INSERT INTO turn (district_id, served_at, waiting) VALUES (:district, 'epoch', true)
    ON CONFLICT (district_id) DO UPDATE SET waiting = true
""")

Section = Mapping[str, str]


async def _sync_all(context: SyncContext, connection: AsyncConnection, served: SimulatedDistrict) -> float:
    """Sync every section in its own district and return syncs per second."""
    since = await connection.scalar(NOW)
    for index, section in enumerate(served.sections):
        district = DISTRICTS[index % len(DISTRICTS)]
        await request(context, district, section["id"], section["teacher_uid"])
    await wait_until_settled(connection)
    rate: float = await connection.scalar(SPAN, {"since": since})
    return rate


async def rates(settings: Settings, numbers: Sequence[int], rounds: int) -> list[dict[int, float]]:
    """Return syncs per second by the number of workers: upstream latency is nearly all of a sync.

    Nothing has changed in the sections: each sync waits for its reads once.
    """
    async with (
        simulate_district(sections=40 * max(numbers), assignments=3, students=3) as served,
        open_runtime(settings, name="bench") as runtime,
        owner(settings) as connection,
    ):
        await register_districts(runtime, served.district, DISTRICTS)
        async with workers(settings):
            await _sync_all(runtime.context, connection, served)
        await served.set_latency(LATENCY)
        found: list[dict[int, float]] = []
        for _ in range(rounds):
            found.append({})
            for number in numbers:
                async with workers(settings, number):
                    await _first(runtime, connection, served)
                    found[-1][number] = await _sync_all(runtime.context, connection, served)
        return found


async def _first(runtime: Runtime, connection: AsyncConnection, served: SimulatedDistrict) -> None:
    """Run a few syncs, so that workers are up and their connections open."""
    for index in range(len(DISTRICTS)):
        section = served.sections[index]
        await request(runtime.context, DISTRICTS[index], section["id"], section["teacher_uid"])
    await wait_until_settled(connection)


async def saturated(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Compare two saturated workers with one, in turns."""
    found = await rates(settings, (1, 2), 1 if quick else 2)
    return [
        Measure("two saturated workers ÷ one", 1.8, ratio((one[2], one[1]) for one in found), least=True),
        Measure(f"one worker, {LATENCY:g} s latency: syncs/s", None, median(one[1] for one in found)),
    ]


async def throughput(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Compare syncs of one worker without upstream latency with bare replays of one process, in turns."""
    rounds = 1 if quick else 3
    async with (
        simulate_district(sections=40, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
        owner(settings) as connection,
        recording(runtime, served) as here,
    ):
        await register_districts(runtime, served.district, DISTRICTS)
        await here.timed(0)
        calls = (await here.timed(0, changes=CHANGES)).calls
        async with workers(settings) as (worker,):
            await _sync_all(runtime.context, connection, served)
            found, bare, cpu = [], [], []
            for number in range(rounds):
                for section in served.sections:
                    await served.grade(section["id"], number, CHANGES)
                before = worker.cpu_seconds
                found.append(await _sync_all(runtime.context, connection, served))
                cpu.append((worker.cpu_seconds - before) / len(served.sections))
                bare.append(await _replay_all(here, calls, len(served.sections)))
    name = f"{CHANGES} of {ASSIGNMENTS * STUDENTS} scores changed, no latency"
    return [
        Measure(
            f"{name}: syncs/s of one worker ÷ bare replays/s",
            0.5,
            ratio(zip(found, bare, strict=True)),
            least=True,
        ),
        Measure(f"{name}: syncs/s of one worker", None, median(found)),
        Measure(f"{name}: processor time of the worker for a sync, ms", None, median(cpu) * 1000),
    ]


async def _replay_all(here: Bench, calls: Sequence[Call], number: int) -> float:
    """Replay a sync's calls so many times, as many at once as a worker's syncs; return replays per second."""
    slots = asyncio.Semaphore(SYNCS_AT_ONCE)

    async def replay(client: httpx.AsyncClient) -> None:
        async with slots:
            await here.send_all(client, calls)

    async with here.bare_client() as client:
        began = perf_counter()
        await asyncio.gather(*(replay(client) for _ in range(number)))
        return number / (perf_counter() - began)


async def fairness(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the start of a district's sync behind ten thousand of another one; the worst of a few."""
    backlog = BACKLOG // 10 if quick else BACKLOG
    busy, *others = DISTRICTS[:6]
    async with (
        simulate_district(sections=backlog, assignments=1, students=1) as served,
        open_runtime(settings, name="bench") as runtime,
        owner(settings) as connection,
    ):
        await register_districts(runtime, served.district, [busy, *others])
        await served.set_latency(0.1)
        await _queue(connection, busy, served.sections)
        delays = []
        async with workers(settings):
            await _working(connection)
            for index, district in enumerate(others):
                section = served.sections[index]
                sync = await request(runtime.context, district, section["id"], section["teacher_uid"])
                delays.append(await _started(connection, sync.id))
    name = f"{backlog:,} queued syncs of a district, then one of another: it starts after, s"
    return [Measure(name, 2, max(delays))]


async def _queue(connection: AsyncConnection, district: str, sections: Sequence[Section]) -> None:
    rows = {
        "ids": [uuid7() for _ in sections],
        "sections": [section["id"] for section in sections],
        "teachers": [section["teacher_uid"] for section in sections],
    }
    await connection.execute(QUEUE, {"district": district, **rows})
    await connection.execute(MARK, {"district": district})


async def _working(connection: AsyncConnection) -> None:
    """Wait until the worker has settled a few syncs."""
    async with asyncio.timeout(60):
        while await connection.scalar(DONE) < 8:
            await asyncio.sleep(0.05)


async def _started(connection: AsyncConnection, sync_id: str) -> float:
    async with asyncio.timeout(60):
        while (seconds := await connection.scalar(DELAY, {"id": sync_id})) is None:
            await asyncio.sleep(0.05)
    delay: float = seconds
    return delay
