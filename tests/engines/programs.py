"""Find and run the programs of existing engines: those of the system, and those of wheels."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gradesync.embedded.user import as_user, give

SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
PACKAGES = {"pgbouncer": "pgbouncer", "etcd": "etcd-server"}
START_SECONDS = 90.0
# Where the programs were unpacked instead of installed, so are their libraries.
LIBRARIES = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}


def find(program: str) -> Path | None:
    """Return an installed program, also one that only root has in its path."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM])
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def missing(*programs: str) -> str:
    """Return a sentence that names what is not installed; empty where everything is."""
    absent = [program for program in programs if find(program) is None]
    packages = " ".join(PACKAGES[program] for program in absent)
    return f"not installed: {', '.join(absent)} (Debian: apt-get install {packages})" if absent else ""


def require(program: str) -> Path:
    """Return an installed program. Raises `LookupError`."""
    found = find(program)
    if found is None:
        raise LookupError(missing(program))
    return found


@contextmanager
def new_folder() -> Iterator[Path]:
    """Make a folder that every user may pass, and remove it after the block."""
    with tempfile.TemporaryDirectory(prefix="gradesync-engines-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def open_folder(path: Path) -> Path:
    """Make a folder that belongs to the servers' own user."""
    path.mkdir(mode=0o700, parents=True)
    give(path)
    return path


def write(path: Path, text: str) -> Path:
    """Write a file that belongs to the servers' own user."""
    path.write_text(text)
    path.chmod(0o600)
    give(path)
    return path


@dataclass
class Program:
    """Run one program as an unprivileged user. It can be killed and started again."""

    command: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it; its output is added to its log."""
        # A Python below root's home is out of that user's reach, unless it may pass closed folders.
        words = as_user(self.command, signal.SIGKILL, data=Path(self.command[0]).resolve())
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"PATH": os.defpath, "TZ": "UTC", **LIBRARIES, **self.environment},
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal where it runs."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.process = None

    def stop(self) -> None:
        """End it with SIGTERM, and after a while with SIGKILL."""
        self.send(signal.SIGTERM)
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        self.kill()


def wait_for(done: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Poll until `done`. Raises `TimeoutError` naming `what`."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen in {seconds:.0f} s")
        time.sleep(0.05)


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """Stop a PostgreSQL and all its processes (SIGSTOP) while the block lasts."""
    os.kill(postmaster, signal.SIGSTOP)  # first: it would replace the others
    asked = "ps", "-o", "pid=", "--ppid", str(postmaster)
    listed = subprocess.run(asked, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    others = [int(process) for process in listed.stdout.split()]
    for process in others:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in (*others, postmaster):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def accepts(port: int) -> bool:
    """Return whether something listens at a port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def running(programs: Sequence[Program]) -> Iterator[None]:
    """Run programs while the block lasts."""
    try:
        for program in programs:
            program.start()
        yield
    finally:
        for program in programs:
            program.stop()
