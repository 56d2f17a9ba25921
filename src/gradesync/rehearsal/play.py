"""Play a load: the pool, the claim's limits and the call budgets are those of workers.

Claims and calls only wait: for their answers, for each other, and for processors.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from redis.asyncio import Redis

from gradesync.core.district import District
from gradesync.core.rehearsal import DOUBLED, Played, Rehearsal, Resources, SectionLoad, Writing, improve
from gradesync.observability.periodic import run_periodically
from gradesync.rehearsal.shared_budget import RehearsalRedis
from gradesync.rehearsal.virtual_time import run_beside
from gradesync.sync.claim import claim_within_limits
from gradesync.sync.request import expected_wait
from gradesync.systems import UpstreamSystems, has_limit, relax_limit
from gradesync.upstream.call_budget import CallBudget
from gradesync.upstream.egress import open_client
from gradesync.worker.pool import LOOK_SECONDS, SyncPool

TURNS = 3  # of a worker with its servers for a call: the round trips of a sync without changes, by its calls
READS_BESIDE_MULTIGET = (1, 1)  # of Schoology: categories and grading periods
START = datetime(2000, 1, 1, tzinfo=UTC)  # of the virtual time; any will do
ALLOWANCES = (1, 2, 4)
USEFUL_WORKERS = 2  # by the syncs of a district at once: some workers run two while others run none
ENOUGH = 1_000_000  # processors of a machine that is shared with nobody


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold what a rehearsal plays: a district, its load, how its SIS takes it, and the limits of its syncs.

    `over`: seconds over which the requests come. `settle_seconds` and `slice_seconds` are the settings.
    """

    district: District
    load: Sequence[SectionLoad]
    writing: Writing
    settle_seconds: float
    slice_seconds: float
    call_timeout: float
    over: float = 0.0


@dataclass(frozen=True, slots=True)
class _Requested:
    """Hold a sync in the queue, with the virtual time at which it must have settled."""

    section: SectionLoad
    settles_by: float


@dataclass(slots=True)
class _Stage:
    """Hold the one queue that all workers share, and what became of the syncs.

    `claims`: the lock of the district's claims. `cores`: the processors of a machine that all share.
    `waiting` is set while a sync is queued.
    """

    scene: Scene
    resources: Resources
    cores: asyncio.Semaphore
    claims: asyncio.Lock = field(default_factory=asyncio.Lock)
    queued: deque[_Requested] = field(default_factory=deque)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    ends: list[float] = field(default_factory=list)
    late: int = 0
    sliced: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def request_all(self) -> None:
        """Request a sync of every section, with the time limit that a request gets."""
        scene = self.scene
        for section in scene.load:
            wait = expected_wait(len(self.queued), scene.district)
            self.queued.append(_Requested(section, _now() + wait + scene.settle_seconds))
            self.waiting.set()
            if scene.over:
                await asyncio.sleep(scene.over / len(scene.load))

    @property
    def has_room(self) -> bool:
        """Return True where a sync waits, and fewer run than may."""
        return self.running < self.resources.per_district and bool(self.queued)

    def settle(self, sync: _Requested, began: float) -> None:
        """Note the end of a sync."""
        self.running -= 1
        self.ends.append(_now())
        self.late += _now() > sync.settles_by
        self.sliced += _now() - began > self.scene.slice_seconds
        if len(self.ends) == len(self.scene.load):
            self.done.set()


@dataclass(frozen=True, slots=True)
class _Worker:
    """Be the work of one worker's pool: claim as a worker does, and wait as a sync would.

    `gate` bounds the calls to the SIS at once, where all syncs of a worker share its connections.
    """

    stage: _Stage
    systems: UpstreamSystems
    gate: AbstractAsyncContextManager[object]
    processor: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def claim(self) -> _Requested | None:
        """Claim the next sync within the district's limits."""
        return await claim_within_limits(self, self.systems)

    async def find_room(self) -> District | None:
        """Return the district, where fewer of its syncs run than may, and one waits."""
        stage = self.stage
        await asyncio.sleep(stage.resources.looking)
        return stage.scene.district if stage.has_room else None

    async def claim_next(self) -> _Requested | None:
        """Take the sync that waited longest, once no other claim is under way; it has no effect before."""
        stage = self.stage
        async with stage.claims:
            await asyncio.sleep(stage.resources.claiming)
            if not stage.has_room:
                return None
            stage.running += 1
            claimed = stage.queued.popleft()
            if not stage.queued:
                stage.waiting.clear()
            return claimed

    async def run(self, claimed: _Requested) -> None:
        """Wait for a sync's calls: its reads together, then its writes, as many at once as the SIS takes."""
        began, district = _now(), self.stage.scene.district
        budgets = self.systems.budgets_of(district)
        source, sis = budgets["schoology"], budgets[district.sis.kind]
        costs = (district.schoology.multiget_cost, *READS_BESIDE_MULTIGET)
        await asyncio.gather(*(self._call(source, cost) for cost in costs), self._call_sis(sis))
        writing = self.stage.scene.writing
        for calls in claimed.section.writes(writing):
            waiting = iter(range(calls))
            await asyncio.gather(*(self._write(sis, waiting) for _ in range(min(writing.at_once, calls))))
        self.stage.settle(claimed, began)

    async def _write(self, sis: CallBudget, waiting: Iterator[int]) -> None:
        """Write, one call after another, until none waits."""
        for _ in waiting:
            await self._call_sis(sis)

    async def _call_sis(self, sis: CallBudget) -> None:
        async with self.gate:
            await self._call(sis, 1)

    async def _call(self, budget: CallBudget, cost: int) -> None:
        stage, resources = self.stage, self.stage.resources
        await budget.acquire(cost)
        await asyncio.sleep(resources.latency)
        # A server gets the work of a call statement by statement. All of it at once would keep a busy worker
        # from a processor for as long, each time that a sync's reads are answered together.
        turns = TURNS if resources.cores else 1
        for _ in range(turns):
            async with stage.cores:
                await asyncio.sleep(resources.beside / turns)
            # All syncs of a worker share one processor, and an event loop serves them one after another.
            async with self.processor, stage.cores:
                await asyncio.sleep(resources.processor / turns)


async def _look(stage: _Stage, pool: SyncPool[_Requested]) -> None:
    """Look for work once a sync waits: a look each second of an idle day would take a minute of real time."""
    await stage.waiting.wait()
    await pool.try_start()


def _open_gate(writing: Writing) -> AbstractAsyncContextManager[object]:
    return asyncio.Semaphore(writing.at_once) if writing.is_shared else nullcontext()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _allow(scene: Scene, resources: Resources) -> Scene:
    """Return a scene whose systems allow what the resources hold."""
    district, writing = scene.district, scene.writing
    schoology = replace(district.schoology, requests_per_window=resources.requests_per_window)
    sis = relax_limit(district.sis, resources.sis_limit) if resources.sis_limit else district.sis
    if resources.connections:
        writing = replace(writing, at_once=resources.connections)
    return replace(scene, district=replace(district, schoology=schoology, sis=sis), writing=writing)


async def _play(scene: Scene, resources: Resources, redis: RehearsalRedis) -> Played:
    scene = _allow(scene, resources)
    stage = _Stage(scene, resources, asyncio.Semaphore(resources.cores or ENOUGH))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(allow_private_network=False))
        requests = asyncio.create_task(stage.request_all())
        # At most so many syncs run at once. A worker more would look each second, and find nothing.
        useful = min(resources.workers, USEFUL_WORKERS * resources.per_district, len(scene.load))
        for _ in range(useful):
            systems = UpstreamSystems(
                client.transport,
                cast("Redis", redis),  # it has what a budget calls
                lambda: START + timedelta(seconds=_now()),
                scene.call_timeout,
                scene.writing.scores_per_call,
            )
            pool = SyncPool(_Worker(stage, systems, _open_gate(scene.writing)), resources.slots)
            stack.push_async_callback(pool.drain)
            await stack.enter_async_context(
                run_periodically("look for work", partial(_look, stage, pool), seconds=LOOK_SECONDS)
            )
        await requests
        await stage.done.wait()
    return Played(stage.ends, stage.late, stage.sliced)


async def rehearse(scene: Scene, resources: Resources, redis: Redis) -> Rehearsal:
    """Play a load as things are, and with one resource at a time improved; the scene has the SIS's limits."""

    async def play(changed: Resources) -> Played:
        counting = RehearsalRedis(redis, asyncio.get_running_loop())
        return await run_beside(_play_counted(scene, changed, counting))

    shared = scene.writing.at_once if scene.writing.is_shared else 0
    resources = replace(resources, sis_limit=int(has_limit(scene.district.sis)), connections=shared)
    now = await play(resources)
    better = {what: improve(resources, what) for what in DOUBLED}
    # What takes no time, or has no limit, cannot be improved.
    improved = {what: now if one == resources else await play(one) for what, one in better.items()}
    allowances = {1: now, 2: improved["allowance"]}
    for factor in ALLOWANCES[len(allowances) :]:
        larger = replace(resources, requests_per_window=factor * resources.requests_per_window)
        allowances[factor] = await play(larger)
    return Rehearsal(len(scene.load), resources, now, improved, allowances)


async def _play_counted(scene: Scene, resources: Resources, redis: RehearsalRedis) -> Played:
    redis.open()
    try:
        return await _play(scene, resources, redis)
    finally:
        redis.close()
