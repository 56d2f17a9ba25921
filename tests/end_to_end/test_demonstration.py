"""Run the demonstration, and check what a data folder keeps."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from harness.killable_servers import kill

GRADESYNC = str(Path(sys.executable).parent / "gradesync")
STARTS_ONE = """
import sys, time
from pathlib import Path
from gradesync.cli.demo.process import start
with start("server", ["http.server", "--bind", "127.0.0.1", "0"], Path(sys.argv[1]), {}) as process:
    print(process.running.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.long
@pytest.mark.parametrize(("sis", "seed"), [("powerschool", "7"), ("oneroster", "7"), ("powerschool", "9")])
def test_demonstration_ends_well(sis: str, seed: str) -> None:
    """Reach the end with seed 9 too, where a mended assignment has a score that needs mending in turn."""
    command = [GRADESYNC, "demo", "--once", "--sis", sis, "--seed", seed]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Calls that reached the two systems" in done.stdout
    assert done.stdout.count("Complete. Everything is in ") == 3
    assert "All is well." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.long
async def test_data_outlives_up(folder: Path) -> None:
    environment = {**os.environ, "GRADESYNC_DATA_DIR": str(folder / "data")}
    up = await asyncio.create_subprocess_exec(
        *(GRADESYNC, "up", "--port", "0"), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert up.stdout is not None
    assert b"is up at" in await up.stdout.readline()
    district = folder / "district.toml"
    sandbox = await asyncio.create_subprocess_exec(
        *(GRADESYNC, "sandbox", "--district-file", str(district)), stdout=asyncio.subprocess.PIPE
    )
    assert sandbox.stdout is not None
    await sandbox.stdout.readline()
    environment["GRADESYNC_ALLOW_PRIVATE_NETWORK"] = "true"
    for arguments in (("apply", str(district)), ("list", "--json")):
        command = await asyncio.create_subprocess_exec(*(GRADESYNC, "district", *arguments), env=environment)
        assert await command.wait() == 0
    for process in (sandbox, up):
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    listed = subprocess.run(  # noqa: ASYNC221, S603
        [GRADESYNC, "district", "list", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    assert '"riverside"' in listed.stdout


@pytest.mark.long
async def test_up_ends_with_its_servers_and_reports_it(folder: Path) -> None:
    environment = {**os.environ, "GRADESYNC_DATA_DIR": str(folder / "data")}
    up = await asyncio.create_subprocess_exec(
        *(GRADESYNC, "up", "--port", "0"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert up.stdout is not None
    url = (await up.stdout.readline()).split()[-1].decode()
    async with httpx.AsyncClient(timeout=30) as client:
        assert (await client.get(url)).status_code == 200
    kill(folder / "data" / "postgres" / "postmaster.pid")
    _, errors = await up.communicate()
    assert up.returncode == 1
    assert b"have ended" in errors
    assert b"Traceback" not in errors


def test_child_processes_end_with_their_parent(tmp_path: Path) -> None:
    starter = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", STARTS_ONE, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    wait_for_end_of_group(pid)


def wait_for_end_of_group(pid: int) -> None:
    """Wait until every process of the group has ended. Raises `TimeoutExpired`."""
    script = f"while kill -0 -- -{pid} 2>/dev/null; do sleep 0.05; done"
    subprocess.run(["/bin/sh", "-c", script], check=True, timeout=20)  # noqa: S603
