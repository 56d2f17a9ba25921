"""Drive the sandbox's control API as a test."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.faults import Faults


@dataclass
class Desk:
    """Control a district. Addresses begin at the first class unless they are absolute."""

    world: World
    faults: Faults
    http: httpx.AsyncClient
    room: Classroom = field(init=False)

    def __post_init__(self) -> None:
        self.room = self.world.classrooms[0]

    @property
    def here(self) -> str:
        return f"/sections/{self.room.section.id}"

    async def do(self, method: str, path: str, body: Any = None, expect: int = 204) -> Any:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def read(self, path: str) -> Any:
        return await self.do("GET", path, expect=200)


async def sis_assignment(desk: Desk, **fields: Any) -> dict[str, Any]:
    category = (await desk.read(f"{desk.here}/sis/categories"))[0]["id"]
    body = {"name": "Essay", "due": str(desk.room.term.firstday), "category": category, **fields}
    made: dict[str, Any] = await desk.do("POST", f"{desk.here}/sis/assignments", body, 201)
    return made
