"""Run two cells as processes, an API and a worker each, behind the proxy of deploy/haproxy."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from redis.asyncio import Redis
from sqlalchemy import make_url

from gradesync.settings import Settings
from harness.cells import Cells
from harness.commands import run_gradesync_process
from harness.exposition import scrape
from harness.haproxy import Proxy, run_proxy
from harness.ports import free_port
from harness.processes import Processes, start_gradesync, wait_until_ready
from harness.runtimes import settings_on
from harness.servers import Urls

REDIS_NUMBERS = 8  # of the west; the east's is so many higher
OFTEN = 10**6  # a load may ask more often than people


@dataclass(frozen=True, slots=True)
class RunningCell:
    """Hold a cell's settings, and clients of its two processes past the proxy."""

    settings: Settings
    api: httpx.AsyncClient
    worker: httpx.AsyncClient

    async def count_settled(self) -> int:
        """Return how many syncs both processes have settled."""
        series = [await scrape(self.api), await scrape(self.worker)]
        return sum(
            int(value)
            for each in series
            for (name, _), value in each.items()
            if name == "gradesync_syncs_total"
        )


@dataclass(frozen=True, slots=True)
class TwoCells:
    """Hold both cells and the proxy before them."""

    cells: Cells
    west: RunningCell
    east: RunningCell
    proxy: Proxy

    def of(self, name: str) -> Processes:
        """Return a cell, with the proxy as its API."""
        running = self.west if name == "west" else self.east
        return Processes(running.settings, self.proxy.client)

    async def route(self) -> None:
        """Let the proxy read the table that `gradesync district routes` prints now."""
        named = {"west": self.cells.west, "east": self.cells.east}
        options = [f"--cell={name}={urls.migrate_database_url}" for name, urls in named.items()]
        await self.proxy.reload(await self._run("routes", *options))

    async def move(self, district: str) -> list[str]:
        """Run `gradesync district move` from west to east, and return the steps that it printed."""
        printed = await self._run("move", district, "--to", self.cells.east.migrate_database_url)
        return [line.removeprefix("✓ ") for line in printed.splitlines()]

    async def _run(self, *arguments: str) -> str:
        environment = self.west.settings.environment()
        result = await run_gradesync_process("district", *arguments, environment=environment)
        assert (result.code, result.err) == (0, "")
        return result.out


@asynccontextmanager
async def run_two_cells(cells: Cells, folder: Path) -> AsyncIterator[TwoCells]:
    """Run both cells and the proxy while the block lasts; each cell has a Redis number of its own."""
    proxy_port, ports = free_port(), [(free_port(), free_port()) for _ in range(2)]
    async with AsyncExitStack() as stack:
        running = []
        for urls, number, (port, metrics_port) in zip(
            (cells.west, cells.east), (0, REDIS_NUMBERS), ports, strict=True
        ):
            settings = (await _settings(urls, number)).filled(
                public_url=f"http://127.0.0.1:{proxy_port}",
                requests_per_minute=OFTEN,
                token_requests_per_minute=OFTEN,
                metrics_port=metrics_port,
            )
            environment = settings.environment()
            await stack.enter_async_context(start_gradesync(environment, "worker"))
            serve = start_gradesync(environment, "serve", "--port", str(port))
            serving = await stack.enter_async_context(serve)
            api, worker = [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=f"http://127.0.0.1:{each}", timeout=30)
                )
                for each in (port, metrics_port)
            ]
            running.append((RunningCell(settings, api, worker), serving))
        for cell, serving in running:
            await wait_until_ready(cell.api, serving)
        addresses = {
            name: f"127.0.0.1:{port}" for name, (port, _) in zip(("west", "east"), ports, strict=True)
        }
        proxy = await stack.enter_async_context(run_proxy(folder, addresses, "", proxy_port))
        yield TwoCells(cells, running[0][0], running[1][0], proxy)


async def _settings(urls: Urls, higher: int) -> Settings:
    """Return settings of a cell whose Redis number is empty."""
    given = make_url(urls.redis_url)
    number = int(given.database or 0) + higher
    url = given.set(database=str(number)).render_as_string(hide_password=False)
    async with Redis.from_url(url) as redis:
        await redis.flushdb()
    return settings_on(Urls(urls.database_url, urls.migrate_database_url, url))
