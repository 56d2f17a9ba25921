"""Run a whole installation: API and worker as processes, and simulators on sockets."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from gradesync.cli import operator
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.faults import Faults
from gradesync_sandbox.server import Sandbox
from harness.ports import free_port

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
START_SECONDS = 90


@dataclass(frozen=True)
class Installation:
    """Hold gradesync on a socket, and the invented district that it serves."""

    api: httpx.AsyncClient
    district_id: str
    world: World
    front_end: tuple[str, str]
    faults: Faults

    async def teacher(self, room: Classroom) -> "Teacher":
        """Return the section's teacher, who has just launched gradesync from Schoology."""
        id_token = self.world.lti.id_token(room.teacher, room.section)
        form = {"grant_type": EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
        answer = await self.api.post("/oauth/token", data=form, auth=self.front_end)
        assert answer.status_code == 200, answer.text
        return Teacher(self.api, f"/sections/{room.section.id}", answer.json()["access_token"])

    def calls(self) -> dict[str, dict[str, int]]:
        """Count the calls to both systems since the last count, by kind, without those for tokens."""
        schoology, powerschool = self.world.schoology.log, self.world.powerschool.log
        counted = {"schoology": schoology.counts(), "powerschool": powerschool.counts()}
        schoology.clear()
        powerschool.clear()
        counted["powerschool"].pop("token", None)
        return counted


@dataclass(frozen=True)
class Teacher:
    """Call the API with a token for one section."""

    api: httpx.AsyncClient
    section: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def sync(self, **wanted: object) -> dict[str, Any]:
        """Start a sync, wait for its end, and return it settled."""
        answer = await self.api.post(f"{self.section}/syncs", json=wanted, headers=self.bearer)
        assert answer.status_code == 202, answer.text
        sync: dict[str, Any] = answer.json()
        async with self.api.stream("GET", sync["links"]["events"], headers=self.bearer) as events:
            async for line in events.aiter_lines():
                if line.startswith("data:"):
                    sync = json.loads(line.removeprefix("data:"))
        assert sync["status"] != "processing"
        return sync

    async def get(self, path: str, **query: str | int) -> Any:
        answer = await self.api.get(path, params=query, headers=self.bearer)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class Processes:
    """Hold the address of a running API and worker, and their settings."""

    settings: Settings
    api: httpx.AsyncClient

    @asynccontextmanager
    async def serve(self, world: World) -> AsyncIterator[Installation]:
        """Serve a new district while the block lasts."""
        world.schoology.switches.window_seconds = 0.1  # on a new Redis a budget begins with one empty window
        async with Sandbox(world) as sandbox:
            id_, front_end = await operator.run_with(self.settings, lambda runtime: _set_up(runtime, sandbox))
            yield Installation(self.api, id_, world, front_end, sandbox.faults)


@asynccontextmanager
async def start_processes(settings: Settings) -> AsyncIterator[Processes]:
    """Run a process each for API and worker while the block lasts."""
    async with AsyncExitStack() as stack:
        url = f"http://127.0.0.1:{free_port()}"
        environment = settings.filled(public_url=url).environment()
        port = url.rpartition(":")[2]
        await stack.enter_async_context(start_gradesync(environment, "worker"))
        serving = await stack.enter_async_context(start_gradesync(environment, "serve", "--port", port))
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        await wait_until_ready(api, serving)
        yield Processes(settings, api)


@asynccontextmanager
async def install(settings: Settings, world: World) -> AsyncIterator[Installation]:
    """Serve a district while the block lasts, with a process each for API and worker."""
    async with start_processes(settings) as processes, processes.serve(world) as installation:
        yield installation


async def _set_up(runtime: Runtime, sandbox: Sandbox) -> tuple[str, tuple[str, str]]:
    text = district_toml(sandbox, f"d-{uuid4().hex[:8]}")
    district_id, _ = await operator.apply(runtime, text)
    return district_id, await operator.create_client(runtime, district_id, ["token:exchange"])


@asynccontextmanager
async def start_gradesync(
    environment: Mapping[str, str], *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a gradesync process; at the end it is stopped, and must exit with 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gradesync", *arguments),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    errors = asyncio.create_task(_read(process))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        code = await process.wait()
        sys.stderr.write(await errors)  # pytest shows it where a test fails
    assert code == 0


@asynccontextmanager
async def serve_with_descriptors(
    settings: Settings, descriptors: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Serve the API at its public URL with so many descriptors; it must end by itself."""
    port = settings.public_url.rpartition(":")[2]
    async with start_with_descriptors(settings, descriptors, "serve", "--port", port) as process:
        yield process


@asynccontextmanager
async def start_with_descriptors(
    settings: Settings, descriptors: int, *words: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a gradesync process with so many descriptors; it must end by itself."""
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", str(descriptors)),
        *(sys.executable, "-m", "gradesync", *words),
        env={**os.environ, **settings.environment()},
        stderr=asyncio.subprocess.PIPE,
    )
    yield process
    await process.wait()


async def _read(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    return (await process.stderr.read()).decode()


async def wait_until_ready(api: httpx.AsyncClient, serving: asyncio.subprocess.Process) -> None:
    """Wait until the API can serve."""
    async with asyncio.timeout(START_SECONDS):
        while serving.returncode is None:
            try:
                if (await api.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError("the API ended before it was ready")
