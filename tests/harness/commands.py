"""Runs the `run_gradesync` command as a person would: in a process, with an environment."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GRADESYNC = Path(sys.executable).parent / "gradesync"


@dataclass(frozen=True)
class CommandResult:
    """Hold the exit code and the output of a command. Lines are never wrapped."""

    code: int
    out: str
    err: str


async def run_gradesync(
    *arguments: str, environment: Mapping[str, str], folder: Path | None = None, piped: str = ""
) -> CommandResult:
    """Run a command to its end, with `piped` as its input. A traceback fails the test."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GRADESYNC_")}
    process = await asyncio.create_subprocess_exec(
        GRADESYNC,
        *arguments,
        env={**mine, "COLUMNS": "200", **environment},
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(piped.encode())
    assert process.returncode is not None
    said = CommandResult(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in said.err, said.err
    return said
