"""Keep three teachers syncing while an engine is disturbed, and find out whether every promise held."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx

from gradesync.settings import Settings
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.world import build
from harness.independent_oracle import expected_columns, sis_columns
from harness.processes import Installation, Teacher
from harness.runtimes import settings_on
from harness.servers import Urls

SECTIONS = 3
PATIENCE = 240.0
POLL = 0.1
PAUSE = 0.2
AWAY = 503


@dataclass(frozen=True)
class Done:
    """Hold one sync that was accepted: when it was requested, when it was seen settled, and as what."""

    id: str
    requested: float
    settled: float
    body: dict[str, Any]


@dataclass
class Load:
    """Run syncs of all sections, one after another in each, with changes in between."""

    here: Installation
    done: list[Done] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def world(self) -> World:
        return self.here.world

    async def run(self) -> None:
        """Sync until `stopping` is set, and return when every accepted sync is settled."""
        async with asyncio.TaskGroup() as group:
            for room in self.world.classrooms:
                group.create_task(self._teach(room))

    async def _teach(self, room: Classroom) -> None:
        teacher, numbers = await self.here.teacher(room), count(1)
        while not self.stopping.is_set():
            self._change(room, next(numbers))
            await self.sync(teacher)
            await asyncio.sleep(PAUSE)

    def _change(self, room: Classroom, number: int) -> None:
        """Grade one assignment anew, as a teacher does between two syncs."""
        items = list(room.section.items.values())
        item = items[number % len(items)]
        for uid in room.students:
            self.world.schoology.grade(room.section.id, item.id, uid, 1 + number % 9)

    async def sync(self, teacher: Teacher) -> Done:
        """Request a sync of everything until it is accepted, and follow it until it is settled."""
        requested = monotonic()
        headers = teacher.bearer | {"Idempotency-Key": uuid4().hex}
        sync = await self._ask("POST", f"{teacher.section}/syncs", headers, {"mode": "full"})
        self.accepted.add(sync["id"])
        while sync["status"] == "processing":
            await asyncio.sleep(POLL)
            sync = await self._ask("GET", sync["links"]["self"], teacher.bearer)
        self.done.append(Done(sync["id"], requested, monotonic(), sync))
        return self.done[-1]

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> dict[str, Any]:
        """Ask again and again until the API can answer; count how it answered."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    answer = await self.here.api.request(method, path, headers=headers, json=body)
                except httpx.TransportError as error:
                    self.answers[type(error).__name__] += 1
                else:
                    unhinted = (
                        ""
                        if answer.status_code != AWAY or "retry-after" in answer.headers
                        else " without retry-after"
                    )
                    self.answers[f"{answer.status_code}{unhinted}"] += 1
                    if answer.is_success:
                        found: dict[str, Any] = answer.json()
                        return found
                await asyncio.sleep(POLL)

    def late(self, since: float) -> float:
        """Return how long after `since` the last sync was settled that had been requested before."""
        return max((each.settled - since for each in self.done if each.requested < since), default=0.0)

    def broken(self) -> list[str]:
        """Return the promises that did not hold, as sentences."""
        seen = {each.id for each in self.done}
        found = [f"{id_} was accepted and never settled" for id_ in self.accepted - seen]
        found += [
            f"{each.id} ended {each.body['status']} {(each.body['error'] or {}).get('code')}"
            for each in self.done
            if each.body["status"] != "complete"
        ]
        found += [
            f"the SIS differs in section {room.section.id}"
            for room in self.world.classrooms
            if sis_columns(self.world, room) != expected_columns(self.world, room)
        ]
        return found

    async def settle(self) -> list[str]:
        """Sync every section once more, and then again: the first catches up, the second writes nothing."""
        teachers = [await self.here.teacher(room) for room in self.world.classrooms]
        for teacher in teachers:
            await self.sync(teacher)
        self.here.calls()
        for teacher in teachers:
            await self.sync(teacher)
        calls = self.here.calls()["powerschool"]
        writes = [kind for kind in calls if kind in {"assignment.create", "assignment.update", "score.write"}]
        return self.broken() + [f"an unchanged section was written: {kind}" for kind in writes]


def small_district(number: int = 0) -> World:
    """Invent a district whose syncs take a second or so; each `number` has an LTI installation of its own."""
    world = build(seed=7, sections=SECTIONS, students=12, assignments=6, ideal=True)
    world.lti.client_id = world.lti.consumer_key = str(int(world.lti.client_id) + number)
    return world


def settings_of_drill(urls: Urls) -> Settings:
    """Return settings under which a teacher may sync more often than people do: the load waits for nobody."""
    return settings_on(urls).filled(requests_per_minute=10**6)


@asynccontextmanager
async def loaded(here: Installation) -> AsyncIterator[Load]:
    """Keep the load running while the block lasts, and until its last sync is settled."""
    load = Load(here)
    running = asyncio.create_task(load.run())
    try:
        yield load
    finally:
        load.stopping.set()
        await running
