"""Profile a sync: round trips by kind, and Python's profile of syncs of some changes."""

import asyncio
import io
import pstats
from collections import Counter
from cProfile import Profile
from time import perf_counter, process_time

from bench.environment import register_districts, request, simulate_district
from bench.statements import Statements
from bench.whole_sync import ASSIGNMENTS, CHANGES, DISTRICT, STUDENTS
from gradesync.runtime import open_runtime
from gradesync.settings import Settings
from gradesync.sync.claim import claim
from gradesync.sync.run import run_sync

SYNCS = 30
LINES = 30


async def profiled(settings: Settings) -> str:
    """Profile some syncs, without latency, after some that warm up."""
    async with (
        simulate_district(sections=1, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
    ):
        await register_districts(runtime, served.district, [DISTRICT])
        section = served.sections[0]
        profile, wall, cpu = Profile(), 0.0, 0.0
        statements = Statements()
        statements.listen(runtime.context.database.engine)
        for number in range(-3, SYNCS):
            await served.grade(section["id"], number + 3, CHANGES)
            await request(runtime.context, DISTRICT, section["id"], section["teacher_uid"])
            await asyncio.sleep(0.15)  # a window of the call budget
            began, used = perf_counter(), process_time()
            if number >= 0:
                statements.on = True
                profile.enable()
            while (claimed := await claim(runtime.context)) is None:
                await asyncio.sleep(0.05)
            await run_sync(runtime.context, claimed)
            profile.disable()
            statements.on = False
            if number >= 0:
                wall, cpu = wall + perf_counter() - began, cpu + process_time() - used
    seen = Counter(" ".join(statement.split())[:90] for statement, _ in statements.sent)
    return "\n".join(
        [
            f"{SYNCS} syncs, {CHANGES} of {ASSIGNMENTS * STUDENTS} scores changed, each under the profiler:",
            f"{wall / SYNCS * 1000:.1f} ms, {cpu / SYNCS * 1000:.1f} ms of processor time",
            "",
            *(f"{number / SYNCS:5.1f}  {statement}" for statement, number in seen.most_common()),
            "",
            _table(profile, "cumulative", "gradesync"),
            _table(profile, "tottime"),
        ]
    )


def _table(profile: Profile, order: str, *only: str) -> str:
    report = io.StringIO()
    pstats.Stats(profile, stream=report).sort_stats(order).print_stats(*only, LINES)
    return report.getvalue()
