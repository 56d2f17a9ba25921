"""Kill a worker process at its k-th call to a system, before or after the effect."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

from gradesync.db.syncs import Sync
from gradesync.settings import Settings
from gradesync_sandbox.faults import Done, Kill, System
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.fault_matrix import PHASES, Scale


@asynccontextmanager
async def start_process(settings: Settings, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a gradesync process as an operator does. It is killed at the latest with the block."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gradesync", *words),
        env=settings.environment() | {"PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.send_signal(signal.SIGCONT)
            started.kill()
        await started.wait()


def start_worker(settings: Settings) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return start_process(settings, "worker")


@dataclass(frozen=True)
class Crash:
    """Describe a crash: `by` is the signal, `when` its place before or after the call's effect."""

    phase: str
    system: System
    nth: int
    when: Done
    by: int = signal.SIGKILL

    def __str__(self) -> str:
        return f"{self.phase} / {self.system} call {self.nth} / {signal.Signals(self.by).name} {self.when}"


async def count_calls(environment: Environment, phase: str, scale: Scale) -> dict[System, int]:
    """Count the calls to each system of a sync of this phase when nothing goes wrong."""
    async with environment.open_district(scale.build()) as harness:
        await PHASES[phase](harness)
        harness.restart()
        harness.forget_calls()
        await harness.sync()
        logs = harness.world.schoology.log, harness.world.powerschool.log
        return {"schoology": len(logs[0].calls), "powerschool": len(logs[1].calls)}


async def run_crash(environment: Environment, settings: Settings, crash: Crash, scale: Scale) -> list[str]:
    """Run one crash and its takeover, and return the broken promises, as sentences."""
    async with environment.open_district(scale.build()) as harness:
        await PHASES[crash.phase](harness)
        harness.forget_calls()
        async with start_worker(settings) as carrying:
            kill = Kill(carrying.pid, crash.by, crash.when)
            harness.fault(crash.system, "*", kill, nth=crash.nth)
            sync = await harness.request()
            await carrying.wait()
        await harness.pass_time()
        found = await find_broken_promises(harness, await harness.run_to_end(sync))
    return [f"{crash}: {line}" for line in found]


async def find_broken_promises(harness: DistrictHarness, sync: Sync) -> list[str]:
    """Return the promises that a settled sync, and one more after it, broke, as sentences."""
    found = await find_false_claims(harness, sync)
    if sync.error_code is not None:
        found.append(f"it ended {sync.status} {sync.error_code}")
    found += harness.differences()
    again = harness.world.powerschool.log.effects().get("unchanged", 0)
    if again:
        found.append(f"{again} scores were sent that stood there already")
    harness.forget_calls()
    await harness.sync()
    return found + [f"another sync writes: {kind}" for kind in harness.writes]
