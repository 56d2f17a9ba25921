"""Type the README's first sync as it stands, on free ports."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.ports import free_port

README = Path(__file__).parents[2] / "README.md"
PORTS = 4
END = """
kill $(jobs -p)
wait
"""


def commands() -> str:
    section = re.search(r"## A first sync, by hand\n(.*?)\n## ", README.read_text(), re.DOTALL)
    assert section is not None
    blocks = re.findall(r"```sh\n(.*?)```", section[1], re.DOTALL)
    return "".join(blocks).replace("make venv && . .venv/bin/activate", "")


def find_free_ports() -> int:
    """Return the first of `PORTS` consecutive ports that are free."""
    for first in range(21_000, 31_000, PORTS):
        with ExitStack() as stack:
            try:
                for port in range(first, first + PORTS):
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no ports are free")


@pytest.mark.long
def test_first_sync_of_the_readme_works_as_written(folder: Path) -> None:
    sandbox = find_free_ports()
    script = commands().replace("8000", str(free_port()))
    for number in range(PORTS):
        script = script.replace(str(9100 + number), str(sandbox + number))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - as the README shows
        ["/bin/bash", "-eu", "-o", "pipefail", "-c", script + END],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=210,  # of the test's 240: a busy machine takes long to start so many processes
    )
    assert "Traceback" not in done.stderr
    settled = [json.loads(data) for data in re.findall(r"^data: (.+)$", done.stdout, re.MULTILINE)][-1]
    assert settled["assignments"]["created"] > 0
    assert settled["scores"]["written"] > 0
    assert '"code":"student-not-in-sis-section"' in done.stdout
    assert '"assignment id","assignment","student id","student"' in done.stdout
