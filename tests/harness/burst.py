"""A burst: many sections at once, scores that change, faults on, and four workers."""

import asyncio
from dataclasses import dataclass
from random import Random

from gradesync.sync.context import SyncLimits
from gradesync.sync.run import work
from gradesync_sandbox import world
from gradesync_sandbox.faults import Fault
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre
from harness.fault_matrix import EFFECTS
from harness.state_machine import CALLS, FAULTS

UNHURRIED = SyncLimits(lease=20, call_timeout=5)
"""Many hands and the systems that they call share one process here: calls take their time."""
WORKERS = 4


@dataclass(frozen=True)
class Burst:
    """How large it is. `faults` go wrong in each round but the last."""

    seed: int
    sections: int = 60
    rounds: int = 6
    faults: int = 20


async def wrong_in_burst(theatre: Theatre, burst: Burst) -> list[str]:
    """Every promise that was broken, as a sentence."""
    rng = Random(burst.seed)
    built = world.build(burst.seed, burst.sections, 4, 3, ideal=True)
    built.schoology.switches.credits = 1_000_000  # what is under test here is not the pace
    found: list[str] = []
    async with theatre.stage(built, bounds=UNHURRIED) as stage:
        for _ in range(burst.rounds - 1):
            _order_faults(stage, burst, rng)
            await _round(stage, rng)
            await stage.trouble_ends()
        found += await _round(stage, rng)
        for room in stage.world.classrooms:
            found += stage.differences(room)
    return [f"burst {burst.seed}: {line}" for line in found]


def _order_faults(stage: Stage, burst: Burst, rng: Random) -> None:
    for _ in range(burst.faults):
        system, kind = rng.choice(CALLS)
        nth = rng.randint(1, burst.sections * 4)
        stage.faults.add(Fault(system, kind, EFFECTS[rng.choice(FAULTS)], nth))


async def _round(stage: Stage, rng: Random) -> list[str]:
    """A score of every assignment changes and every section syncs; in what the syncs are untrue."""
    for room in stage.world.classrooms:
        for item in list(room.section.items.values()):
            uid = rng.choice(list(room.students))
            stage.world.schoology.grade(room.section.id, item.id, uid, rng.randint(1, 40))
    syncs = [await stage.request(room) for room in stage.world.classrooms]
    await asyncio.gather(*(_work(stage) for _ in range(WORKERS)))
    ended = [await stage.settled(sync) for sync in syncs]
    return [line for sync in ended for line in await untrue(stage, sync)]


async def _work(stage: Stage) -> None:
    while await work(stage.engine):
        pass
