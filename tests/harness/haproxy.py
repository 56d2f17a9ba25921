"""Run the proxy of deploy/haproxy before two cells, west and east, with a table of routes."""

import asyncio
import os
import shutil
import signal
import socket
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
installed = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed (Debian: haproxy)")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Hold a running proxy: its master process, the notices of that, its table of routes, and a client."""

    master: asyncio.subprocess.Process
    notices: socket.socket
    routes: Path
    client: httpx.AsyncClient

    async def reload(self, routes: str) -> None:
        """Write the table anew and reload; return when no process with the old table is left."""
        new = self.routes.with_suffix(".new")
        new.write_text(routes)
        new.rename(self.routes)
        ends = [_watch_end(worker) for worker in self._find_workers()]
        self.master.send_signal(signal.SIGUSR2)
        async with asyncio.timeout(START_SECONDS):
            await _wait_until_ready(self.notices)
            for ended in ends:
                await ended.wait()

    def _find_workers(self) -> list[int]:
        pid = self.master.pid
        return [int(worker) for worker in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def _wait_until_ready(notices: socket.socket) -> None:
    """Wait until a start or a reload is over: a master that is not done with it ignores SIGUSR2."""
    loop = asyncio.get_running_loop()
    while b"READY=1" not in (await loop.sock_recv(notices, 4096)).splitlines():
        pass


def _watch_end(pid: int) -> asyncio.Event:
    """Return what is set when a process has ended, which need not be our child."""
    loop, ended, process = asyncio.get_running_loop(), asyncio.Event(), os.pidfd_open(pid)

    def note() -> None:
        loop.remove_reader(process)
        os.close(process)
        ended.set()

    loop.add_reader(process, note)
    return ended


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
    limits = httpx.Limits(max_keepalive_connections=0)  # one that the proxy closes at a reload is no answer
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60, limits=limits) as client:
        with _open_notices() as notices:
            # A master with notices, as Debian's service has: it passes its listening sockets on at reloads.
            process = await asyncio.create_subprocess_exec(
                *(HAPROXY, "-Ws", "-db", "-q", "-f", str(CONFIG)),
                env={**environment, "NOTIFY_SOCKET": f"@{notices.getsockname()[1:].decode()}"},
            )
            try:
                async with asyncio.timeout(START_SECONDS):
                    await _wait_until_ready(notices)
                yield Proxy(process, notices, folder / "ROUTES.map", client)
            finally:
                process.terminate()
                await process.wait()


def _open_notices() -> socket.socket:
    """Open the socket to which a service writes what systemd wants to know; it has a name without a file."""
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    notices.bind("")
    return notices
