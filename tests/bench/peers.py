"""Compare gradesync with what a district would script, and with dlt, on the same simulators: `ARGS=peers`.

The script reads the same lists, and sends one PUT a score, one after another. dlt reads and merges and writes
nothing to a SIS; it runs in an environment of its own, which `make bench ARGS=peers` builds.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.calls import Call
from bench.environment import SimulatedDistrict, simulate_district
from bench.measure import Measure
from bench.whole_sync import ASSIGNMENTS, CHANGED, CHANGES, STUDENTS, Bench, Timed, recording
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

LATENCIES = (0.0, 0.1)
PYTHON = "PEERS_PYTHON"
"""Name the variable with the Python that has dlt; without it dlt is left out."""
FIRST = "first sync"
GRADESYNC, SCRIPT, DLT = "gradesync", "a script", "dlt, which writes nothing,"


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what one run took: seconds of the clock and of the processor, calls and bytes of their bodies."""

    seconds: float
    cpu: float
    calls: int
    bytes: int


async def peers(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Sync a section for the first time and after some changes, with each of the three, at each latency."""
    latencies = LATENCIES[:1] if quick else LATENCIES
    names = {latency: f"{latency * 1000:.0f} ms" for latency in latencies}
    found: dict[str, dict[float, list[Run]]] = {}
    async with (
        _school() as school,
        open_runtime(settings, name="bench") as runtime,
        recording(runtime, school) as here,
    ):
        firsts = [await _ours(here, index, latency) for index, latency in enumerate(latencies)]
    found[GRADESYNC] = {
        latency: [_run(one) for one in runs] for latency, runs in zip(latencies, firsts, strict=True)
    }
    recorded = [runs[0].calls for runs in firsts]
    commands = {SCRIPT: [sys.executable, "-m", "bench.district_script"]}
    if python := os.environ.get(PYTHON):
        commands[DLT] = [python, str(Path(__file__).with_name("dlt_merge.py"))]
    for who, command in commands.items():
        async with _school() as school:
            found[who] = {
                latency: await _theirs(school, index, latency, recorded[index], command)
                for index, latency in enumerate(latencies)
            }
    return [
        measure
        for latency, name in names.items()
        for index, kind in enumerate((FIRST, CHANGED))
        for measure in _compared(
            f"{kind} at {name}", {who: runs[latency][index] for who, runs in found.items()}
        )
    ]


def _school() -> AbstractAsyncContextManager[SimulatedDistrict]:
    """Serve the same invented district anew."""
    return simulate_district(sections=len(LATENCIES), assignments=ASSIGNMENTS, students=STUDENTS)


async def _ours(here: Bench, index: int, latency: float) -> Sequence[Timed]:
    await here.school.set_latency(latency)
    return [await here.timed(index), await here.timed(index, changes=CHANGES)]


def _run(one: Timed) -> Run:
    size = sum(len(call.request.content) + len(call.answer) for call in one.calls)
    return Run(one.look + one.mine, one.cpu, len(one.calls), size)


async def _theirs(
    school: SimulatedDistrict, index: int, latency: float, calls: Sequence[Call], command: Sequence[str]
) -> list[Run]:
    """Run another's command twice over one section: from nothing, and after the same changes."""
    await school.set_latency(latency)
    section = school.sections[index]["id"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings.json").write_text(json.dumps(await _settings(school, section, calls)))
        first = await _command(folder, command)
        await school.grade(section, 1, CHANGES)
        return [first, await _command(folder, command)]


async def _command(folder: Path, command: Sequence[str]) -> Run:
    process = await asyncio.create_subprocess_exec(
        *command, str(folder / "settings.json"), str(folder / "state"), stdout=asyncio.subprocess.PIPE
    )
    written, _ = await process.communicate()
    assert process.returncode == 0
    return Run(**json.loads(written.splitlines()[-1]))


async def _settings(school: SimulatedDistrict, section: str, calls: Sequence[Call]) -> dict[str, Any]:
    """Return what a script is given: addresses, keys, and the ids that our sync of the section found."""
    district, sis = school.district, school.described["sis_url"]
    creates = [call.request for call in calls if call.kind == "sis create"]
    lists = [call.request for call in calls if call.kind == "sis list"]
    writes = [call.request for call in calls if call.kind == "sis write"]
    bodies = [json.loads(request.content) for request in creates]
    async with httpx.AsyncClient() as client:
        form = {"grant_type": "client_credentials"}
        basic = (district.sis.client_id, district.sis.client_secret)
        token = (await client.post(f"{sis}/oauth/access_token", data=form, auth=basic)).json()["access_token"]
    return {
        "schoology_url": district.schoology.base_url,
        "sis_url": sis,
        "section": section,
        "consumer_key": district.schoology.consumer_key,
        "consumer_secret": district.schoology.consumer_secret,
        "token": token,
        "creates": {body["_assignmentsections"][0]["name"]: body for body in bodies},
        "create_params": dict(creates[0].url.params),
        "list_params": dict(lists[0].url.params),
        "score_params": dict(writes[0].url.params),
    }


def _compared(name: str, runs: Mapping[str, Run]) -> Iterator[Measure]:
    ours = runs[GRADESYNC]
    for who, run in runs.items():
        yield Measure(f"{name}: {who} s", None, run.seconds)
        yield Measure(f"{name}: {who} calls", None, run.calls)
        yield Measure(f"{name}: {who} bytes", None, run.bytes)
        yield Measure(f"{name}: {who} processor ms", None, run.cpu * 1000)
        if who != GRADESYNC:
            yield Measure(f"{name}: {who} seconds ÷ gradesync's", None, run.seconds / ours.seconds)
