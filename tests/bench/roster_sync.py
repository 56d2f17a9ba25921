"""Measure a first sync over OneRoster, which sends each score in a call of its own.

Its wall time is compared with that of its calls, as many at once as the district allows. The time of a call
is what bare httpx measures, one call after another: so the simulator's own time is none of the sync. Its
processor time is compared with that of bare httpx, which sends the same requests again. All is done in turns.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import httpx

from bench.calls import Call
from bench.environment import request, simulate_district
from bench.measure import Measure, ratio
from bench.whole_sync import DISTRICT, LATENCY, Bench, recording
from gradesync.db import syncs
from gradesync.oneroster.connection import profile_of
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

ASSIGNMENTS, STUDENTS = 36, 30
ALONE = 40  # calls of which a bare client shows the time
NAME = f"first sync over OneRoster, {ASSIGNMENTS} x {STUDENTS}"


class Timed(NamedTuple):
    """Hold a sync's calls, seconds and processor seconds, and both of its replay, as many calls at once.

    `seen`: the seconds of one call as a bare client sees it. `starved`: those with fewer calls under way.
    """

    calls: int
    wall: float
    cpu: float
    bare: float
    bare_cpu: float
    seen: float
    starved: float


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
    least = [(one.wall, one.calls * one.seen / at_once) for one in timed]
    return [
        Measure(f"{NAME}: calls to the SIS", None, timed[0].calls),
        Measure(f"{NAME}: time ÷ of its calls, {at_once} at once", 1.1, ratio(least)),
        Measure(f"{NAME}: one call to a bare client, ms", None, median(one.seen for one in timed) * 1000),
        Measure(f"{NAME}: time ÷ of its bare replay", None, ratio((one.wall, one.bare) for one in timed)),
        Measure(
            f"{NAME}: processor of a sync ÷ of its bare replay",
            1.8,
            ratio((one.cpu, one.bare_cpu) for one in timed),
        ),
        Measure(f"{NAME}: seconds", None, median(one.wall for one in timed)),
        Measure(
            f"{NAME}: of them with fewer than {at_once} calls under way",
            None,
            median(one.starved for one in timed),
        ),
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
    bare, bare_cpu = await _replay(here, calls, at_once)
    seen, _ = await _replay(here, calls[-ALONE:], 1)
    return Timed(len(calls), wall, cpu, bare, bare_cpu, seen / ALONE, wall - _time_full(calls, at_once))


def _time_full(calls: Sequence[Call], at_once: int) -> float:
    """Return the seconds in which so many calls were under way."""
    changes = sorted([(call.began, 1) for call in calls] + [(call.ended, -1) for call in calls])
    full, running = 0.0, 0
    for (at, change), (until, _) in pairwise(changes):
        running += change
        full += until - at if running >= at_once else 0.0
    return full


async def _replay(here: Bench, calls: Sequence[Call], at_once: int) -> tuple[float, float]:
    """Send the same requests with bare httpx, so many at once; return seconds and processor seconds."""
    waiting = iter(calls)
    async with here.bare_client() as client:
        began, cpu = perf_counter(), process_time()
        await asyncio.gather(*(_send(client, waiting) for _ in range(at_once)))
        return perf_counter() - began, process_time() - cpu


async def _send(client: httpx.AsyncClient, waiting: Iterator[Call]) -> None:
    for call in waiting:
        sent = call.request
        again = client.build_request(sent.method, sent.url, headers=sent.headers, content=sent.content)
        (await client.send(again)).raise_for_status()
