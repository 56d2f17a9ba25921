"""Compile the model with spin, search all of its states, and follow traces."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
BASE = ("-w", "-DMEMLIM=4000", "-DVECTORSZ=1024")
SAFETY = ("-DSAFETY", "-DNOFAIR")
FAIR = ("-DNFAIR=3",)  # of three processes; needed to look for cycles
SECONDS = 300


@dataclass(frozen=True)
class Search:
    """Hold what a search found: `error` is empty where every check holds in all states."""

    states: int
    depth: int
    seconds: float
    error: str


def missing() -> str:
    """Return which program is not installed, as a sentence; empty where all are."""
    absent = [name for name in ("spin", "gcc") if shutil.which(name) is None]
    return (
        f"The model of the protocol needs {' and '.join(absent)} (apt-get install spin gcc)."
        if absent
        else ""
    )


@contextmanager
def compiled(settings: Iterable[str], *, level: int = 0) -> Iterator[Path]:
    """Provide the program that searches the model with these settings, such as `LOSSES=2`.

    `level` is gcc's: to optimize takes longer than a short search. With `LIVE`, it looks for fair cycles in
    which a sync never ends.
    """
    settings = tuple(settings)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("sync.pml", "follow.h"):
            shutil.copy(FOLDER / name, folder)
        subprocess.run(  # noqa: S603 - the settings are ours
            [_find("spin"), "-a", *(f"-D{name}" for name in settings), "sync.pml"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        subprocess.run(  # noqa: S603 - the settings are ours
            [
                _find("gcc"),
                f"-O{level}",
                *BASE,
                *(FAIR if "LIVE" in settings else SAFETY),
                *("-o", "pan", "pan.c"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        yield Path(folder) / "pan"


def search(settings: Iterable[str], *, level: int = 0) -> Search:
    """Search the model until a check fails, or no state is left."""
    settings = tuple(settings)
    with compiled(settings, level=level) as program:
        return _run(program, ("-a", "-f") if "LIVE" in settings else ())


def is_run(program: Path, events: Iterable[int]) -> bool:
    """Return True where the model (compiled with TRACE) can follow these events to their end."""
    trace = program.with_name("trace")
    trace.write_text(" ".join(map(str, events)))
    return "followed" in _run(program, environment={"TRACE": str(trace)}).error


def _find(name: str) -> str:
    found = shutil.which(name)
    assert found, missing()
    return found


def _run(program: Path, options: Sequence[str] = (), *, environment: dict[str, str] | None = None) -> Search:
    printed = subprocess.run(  # noqa: S603 - compiled just now
        [program, "-m200000", "-w22", *options],
        cwd=program.parent,
        env=environment or {},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    ).stdout
    if "Search not completed" in printed and "errors: 0" in printed:
        raise RuntimeError(printed)
    error = re.search(r"^pan:1: (.*) \(at depth", printed, re.MULTILINE)
    return Search(
        states=int(_number(r"(\d+) states, stored", printed)),
        depth=int(_number(r"depth reached (\d+)", printed)),
        seconds=_number(r"elapsed time ([\d.]+) seconds", printed),
        error=error[1] if error else "",
    )


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(text)
    return float(found[1])
