"""Run the proxy of deploy/haproxy before two cells, west and east, with a table of routes."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gradesync.cli.moves import render_route
from harness.ports import free_port

HAPROXY = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy" / "haproxy.cfg"
START_SECONDS = 60
POLL_SECONDS = 0.05
installed = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed (Debian: haproxy)")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Hold a running proxy: its master process, its table of routes, and a client of it."""

    master: asyncio.subprocess.Process
    routes: Path
    client: httpx.AsyncClient

    async def reload(self, routes: str) -> None:
        """Write the table anew and reload; return when no process with the old table is left."""
        before = self._find_workers()
        new = self.routes.with_suffix(".new")
        new.write_text(routes)
        new.rename(self.routes)
        self.master.send_signal(signal.SIGUSR2)
        async with asyncio.timeout(START_SECONDS):
            while not (now := self._find_workers()) or now & before:
                await asyncio.sleep(POLL_SECONDS)

    def _find_workers(self) -> set[str]:
        pid = self.master.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def render_map(entries: Mapping[str, str]) -> str:
    """Return a map as `gradesync district routes` prints it."""
    return "".join(f"{render_route(name, value)}\n" for name, value in entries.items())


@asynccontextmanager
async def run_proxy(
    folder: Path, cells: Mapping[str, str], routes: str, port: int | None = None
) -> AsyncIterator[Proxy]:
    """Run the proxy before the addresses of `west` and `east` while the block lasts."""
    assert HAPROXY is not None
    files = {
        "ROUTES": routes,
        "NUMBERS": render_map({"west": "1", "east": "2"}),
        "CELLS": render_map({"1": "west", "2": "east"}),
    }
    for name, content in files.items():
        (folder / f"{name}.map").write_text(content)
    address = f"127.0.0.1:{port or free_port()}"
    environment = {
        **os.environ,
        "PROXY_ADDRESS": address,
        "WEST": cells["west"],
        "EAST": cells["east"],
        **{name: str(folder / f"{name}.map") for name in files},
    }
    # A master, as Debian's service has one: it passes its listening sockets on at a reload.
    command = (HAPROXY, "-W", "-db", "-q", "-f", str(CONFIG))
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    # Without kept connections: one that the proxy closes at a reload is no answer.
    limits = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(base_url=f"http://{address}", timeout=60, limits=limits)
    try:
        async with client:
            async with asyncio.timeout(START_SECONDS):
                while not await _is_up(client):
                    await asyncio.sleep(POLL_SECONDS)
            yield Proxy(process, folder / "ROUTES.map", client)
    finally:
        process.terminate()
        await process.wait()


async def _is_up(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False
