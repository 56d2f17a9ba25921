"""Test the health and metrics of a worker process."""

import asyncio

import httpx
from sqlalchemy import text

from gradesync.settings import Settings
from harness.crashes import start_process
from harness.ports import free_port
from harness.processes import wait_until_ready
from harness.servers import Urls


async def test_worker_reports_health_readiness_and_metrics(settings: Settings, servers: Urls) -> None:
    port = free_port()
    with_port = settings.model_copy(update={"metrics_port": port})
    async with (
        start_process(with_port, "worker") as worker,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        servers.owner() as owner,
    ):
        await wait_until_ready(http, worker)
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        async with asyncio.timeout(30):  # a worker that starts looks for work, which counts for a moment
            while "gradesync_syncs_running 0.0" not in (await http.get("/metrics")).text:
                pass
        await owner.execute(text("ALTER TABLE alembic_version RENAME TO away"))
        behind = await http.get("/readyz")
        while behind.status_code == 200:  # it is checked once a second
            behind = await http.get("/readyz")
        await owner.execute(text("ALTER TABLE away RENAME TO alembic_version"))
        assert (behind.status_code, behind.json()) == (503, {"status": "unavailable"})
        worker.terminate()
        async with asyncio.timeout(90):
            assert await worker.wait() == 0
