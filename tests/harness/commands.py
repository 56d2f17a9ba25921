"""Run the `gradesync` command as a person would: in this process, or in one of its own."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from unittest import mock

from gradesync.cli import app

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
    """Run a command to its end, with `piped` as its input. An unexpected error is raised."""
    # A process of its own would import the libraries anew, for two seconds.
    return await asyncio.to_thread(_run, arguments, _environment(environment), folder, piped)


async def run_gradesync_process(*arguments: str, environment: Mapping[str, str]) -> CommandResult:
    """Run a command in a process of its own. A traceback fails the test."""
    process = await asyncio.create_subprocess_exec(
        GRADESYNC,
        *arguments,
        env=_environment(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    result = CommandResult(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in result.err, result.err
    return result


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GRADESYNC_")}
    return {**mine, "COLUMNS": "200", **more}


def _run(
    arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path | None, piped: str
) -> CommandResult:
    with ExitStack() as stack:
        # Real files: commands duplicate their descriptors.
        stdin, out, err = (stack.enter_context(TemporaryFile("w+")) for _ in range(3))
        stdin.write(piped)
        stdin.seek(0)
        stack.enter_context(mock.patch.dict(os.environ, environment, clear=True))
        stack.enter_context(mock.patch.object(sys, "stdin", stdin))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(_own_logging())
        stack.enter_context(chdir(folder or Path.cwd()))
        return CommandResult(_exit_code(arguments), _written(out), _written(err))


@contextmanager
def _own_logging() -> Iterator[None]:
    """Undo how a command configured logging: its handler writes to a file that is closed with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _exit_code(arguments: tuple[str, ...]) -> int:
    try:
        app(list(arguments), prog_name="gradesync")
    except SystemExit as exit:
        return int(exit.code or 0)
    return 0


def _written(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
