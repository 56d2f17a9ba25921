"""Run measurements on servers as durable as in production, with simulators and workers as processes."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gradesync import embedded
from gradesync.cli.district_file import parse
from gradesync.cli.servers import upgrade_database
from gradesync.core.district import District
from gradesync.core.sis import Policy
from gradesync.db import districts
from gradesync.db.syncs import Sync
from gradesync.observability import logs as telemetry
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync.sync.context import SyncContext
from gradesync.sync.request import Request, SyncOptions
from harness.known_districts import request_and_wake

PROCESSING = text("SELECT count(*) FROM sync WHERE status = 'processing'")
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 600


@contextmanager
def servers() -> Iterator[Settings]:
    """Run PostgreSQL and Valkey with a migrated database, and yield settings for them."""
    with tempfile.TemporaryDirectory(prefix="gradesync-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        started = embedded.start(folder / "data", durable=True)
        settings = Settings(
            database_url=SecretStr(started.database_url),
            migrate_database_url=SecretStr(started.migrate_database_url),
            redis_url=SecretStr(started.redis_url),
            secret_keys=(SecretStr("a key for measurements and nothing else"),),
            allow_private_network=True,
            log_level="error",
        )
        upgrade_database(settings)
        telemetry.configure_logging("error", "text")
        try:
            yield settings
        finally:
            started.stop()


@asynccontextmanager
async def owner(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Open a connection as the owner of the tables, without transactions."""
    assert settings.migrate_database_url is not None
    engine = create_async_engine(
        settings.migrate_database_url.get_secret_value(), isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@dataclass(frozen=True, slots=True)
class SimulatedDistrict:
    """Hold an invented district, served by a process of its own; `described` is its description."""

    described: dict[str, Any]
    district: District
    control: httpx.AsyncClient

    @property
    def sections(self) -> Sequence[dict[str, Any]]:
        sections: Sequence[dict[str, Any]] = self.described["sections"]
        return sections

    async def set_latency(self, seconds: float) -> None:
        """Set the delay of both systems before every response."""
        for system in ("schoology", "powerschool"):
            url = f"/systems/{system}/switches"
            (await self.control.patch(url, json={"latency": seconds})).raise_for_status()

    async def grade(self, section: str, number: int, changes: int) -> None:
        """Give so many scores of a section new points; `number` makes each call's points different.

        All others are an hour old then: a sync reads again what changed just before the one before it.
        """
        base = f"/sections/{section}"
        (await self.control.post(f"{base}/scores/age", json={"seconds": 3600})).raise_for_status()
        book = (await self.control.get(f"{base}/gradebook")).json()
        for index in range(changes):
            item = book[(number + index) % len(book)]
            uid = list(item["cells"])[index]
            points = {"points": f"{number % 90}.{index}{number // 90}1"}
            answer = await self.control.put(f"{base}/assignments/{item['id']}/scores/{uid}", json=points)
            answer.raise_for_status()


@asynccontextmanager
async def simulate_district(
    *, sections: int, assignments: int, students: int, sis: str = "powerschool"
) -> AsyncIterator[SimulatedDistrict]:
    """Serve an invented district without faults; its call budgets exceed what is measured."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "district.toml"
        sizes = ("--sections", sections, "--assignments", assignments, "--students", students)
        how = ("--json", "--ideal", "--schoology-window", "0.1", "--district-file", file, "--sis", sis)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gradesync_sandbox", *map(str, (*how, *sizes))),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # calls of workers that were stopped
            limit=1 << 26,
        )
        assert process.stdout is not None
        try:
            described = json.loads(await process.stdout.readline())
            district = parse(file.read_text(), allow_http=True)
            async with httpx.AsyncClient(base_url=described["control_url"], timeout=60) as control:
                yield SimulatedDistrict(described, district, control)
        finally:
            process.terminate()
            await process.wait()


async def register_districts(runtime: Runtime, district: District, ids: Sequence[str]) -> None:
    """Register districts of these ids on one Schoology and one SIS; their clients may start syncs."""
    for id_ in ids:
        policy = Policy(service_sync=True)
        one = replace(district, id=id_, lti=None, lti11=None, policy=policy)
        async with runtime.context.database.district(id_) as db:
            await districts.apply(db, one)


async def request(context: SyncContext, district_id: str, section: str, teacher: str, **wanted: Any) -> Sync:
    """Request a sync as the section's teacher."""
    return await request_and_wake(
        context,
        Request(
            district_id=district_id,
            section_id=section,
            requester_kind="teacher",
            requester_id=teacher,
            options=SyncOptions(**wanted),
            settles_after=3600,
        ),
    )


async def wait_until_settled(connection: AsyncConnection) -> None:
    """Wait until no sync of any district is processing."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await connection.scalar(PROCESSING):
            await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class Worker:
    """Read a worker process's figures from Linux."""

    process: subprocess.Popen[bytes]

    @property
    def peak_mebibytes(self) -> float:
        """Return the peak of resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    @property
    def cpu_seconds(self) -> float:
        """Return processor time, in the process and in the kernel for it."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Return for how long this machine's processors have worked, all together, by Linux."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def workers(settings: Settings, number: int = 1) -> AsyncIterator[Sequence[Worker]]:
    """Run worker processes, and stop them at the end."""
    command = [sys.executable, "-m", "gradesync", "worker"]
    environment = {**os.environ, **settings.environment()}
    processes = [subprocess.Popen(command, env=environment) for _ in range(number)]  # noqa: ASYNC220, S603
    try:
        yield [Worker(process) for process in processes]
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.terminate()
        await asyncio.gather(*(asyncio.to_thread(process.wait) for process in processes))
