"""Measure a first sync over OneRoster, which sends each score in a call of its own.

Its wall time is compared with that of the calls alone, as many at once as the district allows; its processor
time with that of bare httpx, which sends the same requests again. Both are done in turns.
"""

import asyncio
from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import httpx

from bench.environment import request, simulate_district
from bench.measure import Measure, ratio
from bench.whole_sync import DISTRICT, LATENCY, Bench, Call, recording
from gradesync.db import syncs
from gradesync.oneroster.connection import profile_of
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

ASSIGNMENTS, STUDENTS = 36, 30
NAME = f"first sync over OneRoster, {ASSIGNMENTS} x {STUDENTS}"


class Timed(NamedTuple):
    """Hold a sync's calls, seconds and processor seconds, and the processor seconds of its replay."""

    calls: int
    wall: float
    cpu: float
    bare_cpu: float


async def first_roster_syncs(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure first syncs, one after another."""
    rounds = 1 if quick else 3
    async with (
        simulate_district(
            sections=1 + rounds, assignments=ASSIGNMENTS, students=STUDENTS, sis="oneroster"
        ) as served,
        open_runtime(settings, name="bench") as runtime,
        recording(runtime, served) as here,
    ):
        access = served.district.sis.oneroster
        assert access is not None
        at_once = profile_of(access).connections
        await _sync(here, 0, at_once)
        await served.set_latency(LATENCY)
        timed = [await _sync(here, 1 + index, at_once) for index in range(rounds)]
    least = [(one.wall, one.calls * LATENCY / at_once) for one in timed]
    return [
        Measure(f"{NAME}: calls to the SIS", None, timed[0].calls),
        Measure(
            f"{NAME}: time ÷ of its calls, {at_once} at once at {LATENCY * 1000:.0f} ms", 1.1, ratio(least)
        ),
        Measure(
            f"{NAME}: processor of a sync ÷ of its bare replay",
            1.8,
            ratio((one.cpu, one.bare_cpu) for one in timed),
        ),
        Measure(f"{NAME}: seconds", None, median(one.wall for one in timed)),
    ]


async def _sync(here: Bench, index: int, at_once: int) -> Timed:
    """Sync a section for the first time, and send its calls to the SIS again."""
    section = here.school.sections[index]
    sync = await request(here.context, DISTRICT, section["id"], section["teacher_uid"])
    here.recorder.calls = []
    wall = cpu = 0.0
    while True:
        began = perf_counter()  # a lease of so long a sync is renewed meanwhile, and dates from then
        _, _, processor = await here.run_one()
        wall, cpu = wall + perf_counter() - began, cpu + processor
        async with here.context.database.district(DISTRICT) as db:
            found = await syncs.get(db, sync.id)
        assert found is not None
        if found.status != "processing":
            break
    assert found.status == "complete", found.error_code
    calls = [call for call in here.recorder.calls if call.kind != "schoology"]
    return Timed(len(calls), wall, cpu, await _replay(here, calls, at_once))


async def _replay(here: Bench, calls: Sequence[Call], at_once: int) -> float:
    """Send the same requests with bare httpx, so many at once; return the processor seconds."""
    waiting = iter(calls)
    async with here.bare_client() as client:
        began = process_time()
        await asyncio.gather(*(_send(client, waiting) for _ in range(at_once)))
        return process_time() - began


async def _send(client: httpx.AsyncClient, waiting: Iterator[Call]) -> None:
    for call in waiting:
        sent = call.request
        again = client.build_request(sent.method, sent.url, headers=sent.headers, content=sent.content)
        (await client.send(again)).raise_for_status()
