"""Run a burst: many sections at once, scores that change, faults, and four workers."""

import asyncio
from dataclasses import dataclass
from random import Random

from gradesync.sync.context import SyncLimits
from gradesync_sandbox import world
from gradesync_sandbox.faults import Fault
from harness.assertions import find_false_claims
from harness.contexts import run_next_sync
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.fault_matrix import EFFECTS
from harness.state_machine import CALLS, FAULTS

UNHURRIED = SyncLimits(lease=20, call_timeout=5)
"""Allow calls more time: four workers and the systems that they call share one process."""
WORKERS = 4


@dataclass(frozen=True)
class Burst:
    """Size a burst. `faults` are injected in each round but the last."""

    seed: int
    sections: int = 60
    rounds: int = 6
    faults: int = 20


async def run_burst(environment: Environment, burst: Burst) -> list[str]:
    """Return every broken promise, as a sentence."""
    rng = Random(burst.seed)
    built = world.build(burst.seed, burst.sections, 4, 3, ideal=True)
    built.schoology.switches.credits = 1_000_000  # call budgets are not under test here
    found: list[str] = []
    async with environment.open_district(built, limits=UNHURRIED) as harness:
        for _ in range(burst.rounds - 1):
            _order_faults(harness, burst, rng)
            await _round(harness, rng)
            await harness.end_faults()
        found += await _round(harness, rng)
        for room in harness.world.classrooms:
            found += harness.differences(room)
    return [f"burst {burst.seed}: {line}" for line in found]


def _order_faults(harness: DistrictHarness, burst: Burst, rng: Random) -> None:
    for _ in range(burst.faults):
        system, kind = rng.choice(CALLS)
        nth = rng.randint(1, burst.sections * 4)
        harness.faults.add(Fault(system, kind, EFFECTS[rng.choice(FAULTS)], nth))


async def _round(harness: DistrictHarness, rng: Random) -> list[str]:
    """Change a score of every assignment, sync every section, and return the false claims of the syncs."""
    for room in harness.world.classrooms:
        for item in list(room.section.items.values()):
            uid = rng.choice(list(room.students))
            harness.world.schoology.grade(room.section.id, item.id, uid, rng.randint(1, 40))
    syncs = [await harness.request(room) for room in harness.world.classrooms]
    await asyncio.gather(*(_work(harness) for _ in range(WORKERS)))
    ended = [await harness.run_to_end(sync) for sync in syncs]
    return [line for sync in ended for line in await find_false_claims(harness, sync)]


async def _work(harness: DistrictHarness) -> None:
    while await run_next_sync(harness.context):
        pass
