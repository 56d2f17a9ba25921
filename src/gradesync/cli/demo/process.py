"""Run processes that never outlive the one that started them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from gradesync.cli.output import CommandError

TIMEOUT_SECONDS = 30.0
# Runs a command and ends it at the end of standard input, which comes with the end of our process.
TETHER = """
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
trap 'kill "$child" 2>/dev/null' TERM
{ cat <&3 >/dev/null; kill "$child" 2>/dev/null; } 2>/dev/null &
exec 3<&-
wait "$child"
"""


@dataclass(frozen=True, slots=True)
class Process:
    """Hold a running Python module of ours, which logs to a file."""

    name: str
    running: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until the process is `ready`. Raises `CommandError` where it ends first, or takes too long."""
        deadline = monotonic() + TIMEOUT_SECONDS
        while not ready():
            if self.running.poll() is not None or monotonic() > deadline:
                raise CommandError(f"The {self.name} did not start.", last_lines(self.log))
            sleep(0.05)

    def output(self) -> str:
        """Return what the process has printed so far."""
        return self.log.with_suffix(".out").read_text()


def last_lines(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n  ".join(log.read_text(errors="replace").splitlines()[-5:])


@contextmanager
def start(
    name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[Process]:
    """Run `python -m …` during the block."""
    log = folder / f"{name}.log"
    command = ["/bin/sh", "-c", TETHER, "sh", sys.executable, "-m", *arguments]
    with log.open("wb") as errors, log.with_suffix(".out").open("wb") as output:
        running = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is for the demonstration, which ends its processes in order
        )
    try:
        yield Process(name, running, log)
    finally:
        if running.stdin is not None:
            running.stdin.close()
        _end(running)


def _end(running: subprocess.Popen[bytes]) -> None:
    try:
        running.wait(TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, 9)
        running.wait()
