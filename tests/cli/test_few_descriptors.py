"""Test a worker that may have few descriptors: it bounds what it opens, and finishes all that waits."""

import asyncio
import resource
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text

from gradesync.cli import connections, operator
from gradesync.cli.output import CommandError
from gradesync.db.session import Database
from gradesync.redis_client import pool as redis_client
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync.upstream import egress
from gradesync_sandbox.faults import Delay, Fault
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build
from harness.independent_oracle import expected_columns, sis_columns
from harness.known_districts import district_of, mark_budgets_known, register_district, request_as_teacher
from harness.ports import free_port
from harness.processes import start_with_descriptors, wait_until_ready
from harness.servers import Urls

FEWEST, DISTRICTS, SECTIONS, SILENT = 186, 12, 4, 600
UNSETTLED = text("SELECT count(*) FROM sync WHERE status = 'processing'")
SHORTAGES = ("Too many open files", "descriptors.used-up", "redis.away", "trying again", "failed")


@pytest.mark.long
@pytest.mark.parametrize("descriptors", [FEWEST, 256])
async def test_worker_with_few_descriptors_finishes_everything(
    settings: Settings, database: Database, servers: Urls, descriptors: int
) -> None:
    port = free_port()
    wanted = settings.model_copy(update={"max_syncs": DISTRICTS * SECTIONS, "metrics_port": port})
    async with AsyncExitStack() as stack:
        sandboxes = []
        for number in range(DISTRICTS):
            world = build(number, SECTIONS, 3, 2, ideal=True)
            world.schoology.switches.window_seconds = 0.1
            sandboxes.append(await stack.enter_async_context(Sandbox(world)))
        await operator.run_with(wanted, lambda runtime: queue_all(runtime, sandboxes))
        worker = await stack.enter_async_context(start_with_descriptors(wanted, descriptors, "worker"))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            await wait_until_ready(http, worker)
        for _ in range(SILENT):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
        async with asyncio.timeout(180):
            while not all(is_synced(sandbox) for sandbox in sandboxes):
                await asyncio.sleep(0.2)
            async with servers.owner() as owner:
                while await owner.scalar(UNSETTLED):
                    await asyncio.sleep(0.2)
        worker.terminate()
        assert worker.stderr is not None
        lines = (await worker.stderr.read()).decode().splitlines()
    shortages = [line for line in lines if any(sign in line for sign in SHORTAGES)]
    assert shortages == []
    assert len([line for line in lines if "connections.few" in line]) == 1
    assert len([line for line in lines if "sync.settled" in line]) == DISTRICTS * SECTIONS


def test_shares_of_descriptors_add_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    for allowed in range(1, 2048):
        monkeypatch.setattr(resource, "getrlimit", lambda _, allowed=allowed: (allowed, allowed))
        with suppress(CommandError):
            shares = connections.limit_connections(settings), connections.limit_backlog()
            others = settings.database_pool + redis_client.limit_connections() + egress.limit_connections()
            assert sum(shares) + others + connections.FILES <= allowed
            served.append(allowed)
    assert served == list(range(FEWEST, 2048))


async def test_process_with_too_few_descriptors_does_not_start(settings: Settings) -> None:
    words = "serve", "--port", str(free_port())
    async with start_with_descriptors(settings, 64, *words) as process:
        assert process.stderr is not None
        lines = (await process.stderr.read()).decode()
    assert process.returncode == 1
    assert "more than 64 file descriptors" in lines
    assert "1324 are enough" in lines
    assert "Traceback" not in lines


async def queue_all(runtime: Runtime, sandboxes: list[Sandbox]) -> None:
    """Queue a sync of every section, whose calls take a while."""
    await mark_budgets_known(runtime.redis)
    for sandbox in sandboxes:
        district = replace(district_of(sandbox), lti=None, lti11=None)  # an installation is of one district
        await register_district(runtime.context.database, district)
        for system in ("schoology", "powerschool"):
            sandbox.faults.add(Fault(system, "*", Delay(0.2, "before"), times=None))
        for room in sandbox.world.classrooms:
            await request_as_teacher(runtime.context, district.id, room)


def is_synced(sandbox: Sandbox) -> bool:
    return all(
        sis_columns(sandbox.world, room) == expected_columns(sandbox.world, room)
        for room in sandbox.world.classrooms
    )
