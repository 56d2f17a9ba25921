"""Sync and read in a district all the time while it moves, as its clients do, and note every wrong answer."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.world import build
from harness.independent_oracle import expected_columns, sis_columns
from harness.processes import Installation, Teacher

POLL_SECONDS = 0.3
PATIENCE_SECONDS = 120
LISTED = 200
# A district that is moving may be refused so, by its pause, or by the cell that it left or has not reached.
REFUSALS = frozenset({(423, "syncs-paused"), (401, "token-not-accepted"), (401, "client-not-accepted")})
SHOWN = frozenset({"processing", "complete"})
WRITES = frozenset({"assignment.create", "assignment.update", "score.write"})


def invent_district(number: int, sections: int) -> World:
    """Invent a small district; each `number` has people and an LTI installation of its own."""
    world = build(seed=7 + number, sections=sections, students=6, assignments=4, ideal=True)
    world.lti.client_id = world.lti.consumer_key = str(int(world.lti.client_id) + number)
    return world


@dataclass
class CellLoad:
    """Run a district's clients: a teacher and a reader of each section, and a reader of the whole district.

    `moving` is set while answers may be refusals. `accepted` holds the section of each sync, `statuses` what
    was shown last, and `wrong` every answer that should not have been given.
    """

    here: Installation
    reader: tuple[str, str]
    moving: bool = False
    answers: Counter[str] = field(default_factory=Counter)
    accepted: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    rounds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Work until `stopping` is set, and every accepted sync is settled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_district())
            for room in self.here.world.classrooms:
                teacher = await self.here.teacher(room)
                group.create_task(self._teach(room, teacher))
                group.create_task(self._read_section(teacher))

    async def wait_for_rounds(self, more: int) -> None:
        """Wait until each section has had so many syncs more. Raises what stands in the way."""
        before = Counter(self.rounds)
        sections = [str(room.section.id) for room in self.here.world.classrooms]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while any(self.rounds[id_] < before[id_] + more for id_ in sections):
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{self.rounds} after {self.answers}, wrong: {self.wrong[-3:]}") from None

    async def sync_again(self) -> list[str]:
        """Read every section whole; return the kinds of calls that wrote, and the sections that differ."""
        world = self.here.world
        self.here.calls()
        for room in world.classrooms:
            await self._sync(await self.here.teacher(room), {"mode": "full"})
        wrote = [kind for kind in self.here.calls()["powerschool"] if kind in WRITES]
        rooms = (r for r in world.classrooms if sis_columns(world, r) != expected_columns(world, r))
        return wrote + [f"the SIS differs in section {room.section.id}" for room in rooms]

    async def _teach(self, room: Classroom, teacher: Teacher) -> None:
        for number in count(1):
            if self.stopping.is_set():
                return
            items = list(room.section.items.values())
            for uid in room.students:
                item = items[number % len(items)]
                self.here.world.schoology.grade(room.section.id, item.id, uid, 1 + number % 9)
            await self._sync(teacher, {})
            self.rounds[str(room.section.id)] += 1

    async def _sync(self, teacher: Teacher, wanted: Mapping[str, str]) -> None:
        """Request a sync until it is accepted, and follow it until it is settled."""
        headers = teacher.bearer | {"Idempotency-Key": uuid4().hex}
        while (sync := await self._ask("POST", f"{teacher.section}/syncs", headers, json=wanted)) is None:
            await asyncio.sleep(POLL_SECONDS)
        self.accepted[sync["id"]] = teacher.section.rpartition("/")[2]
        self.statuses[sync["id"]] = sync["status"]
        while self.statuses[sync["id"]] == "processing":
            await asyncio.sleep(POLL_SECONDS)
            shown = await self._ask("GET", sync["links"]["self"], teacher.bearer)
            self.statuses[sync["id"]] = (shown or sync)["status"]

    async def _read_section(self, teacher: Teacher) -> None:
        own = {teacher.section.rpartition("/")[2]}
        while not self.stopping.is_set():
            await self._read(f"{teacher.section}/syncs", teacher.bearer, own)

    async def _read_district(self) -> None:
        everywhere = {str(room.section.id) for room in self.here.world.classrooms}
        form = {"grant_type": "client_credentials"}
        while not self.stopping.is_set():
            token = await self._ask("POST", "/oauth/token", {}, data=form, auth=self.reader)
            await asyncio.sleep(POLL_SECONDS)
            if token is not None:
                await self._read("/syncs", {"Authorization": f"Bearer {token['access_token']}"}, everywhere)

    async def _read(self, path: str, headers: Mapping[str, str], sections: set[str]) -> None:
        """Read a list of syncs: it has all that were accepted before, and the settled ones as they were."""
        before = {id_: status for id_, status in self.statuses.items() if self.accepted[id_] in sections}
        listed = await self._ask("GET", path, headers, params={"limit": LISTED})
        if listed is not None:
            now = {each["id"]: each["status"] for each in listed["items"]}
            for id_, status in before.items():
                if now.get(id_) not in ({status} if status != "processing" else SHOWN):
                    self.wrong.append(f"{path}: {id_} was {status}, and is {now.get(id_)}")
        await asyncio.sleep(POLL_SECONDS)

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> Any:
        """Ask once; return the JSON of a success, and None where the district was refused as it may be."""
        moving = self.moving
        answer = await self.here.api.request(method, path, headers=headers, **more)
        if answer.is_success:
            self.answers[str(answer.status_code)] += 1
            return answer.json()
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        refusal = answer.status_code, problem.get("code", "")
        self.answers["{} {}".format(*refusal)] += 1
        away = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers
        if not ((moving or self.moving) and (refusal in REFUSALS or away)):
            self.wrong.append(f"{method} {path}: {refusal}")
        return None
