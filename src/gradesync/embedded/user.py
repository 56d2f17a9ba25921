"""Run the servers' programs as an unprivileged user: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gradesync.embedded.locks import EmbeddedError

NAME = "nobody"
INSTEAD = "run gradesync as another user, or set GRADESYNC_DATABASE_URL and GRADESYNC_REDIS_URL."
PASS_FOLDERS = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")


def is_root() -> bool:
    return os.geteuid() == 0


def give(path: Path) -> None:
    """Make the servers' user the owner of a file or folder that this process made."""
    if is_root():
        nobody = pwd.getpwnam(NAME)
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def as_user(command: Sequence[str | Path], at_death: signal.Signals, *, data: Path) -> list[str]:
    """Wrap a command: it gets `at_death` when its parent ends, and root runs it as the servers' user.

    Where that user cannot reach the folder `data` (in a home of root), it gets the one capability to do so:
    better than opening other people's folders. Raises `EmbeddedError`.
    """
    words = [str(word) for word in command]
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if is_root():
            raise EmbeddedError(
                f"As root the embedded servers need setpriv (util-linux): install it, {INSTEAD}"
            )
        return words
    prefix = [setpriv, "--pdeathsig", at_death.name.removeprefix("SIG")]
    if is_root():
        prefix += _become_nobody()
        prefix += () if _is_open(data) else PASS_FOLDERS
    return [*prefix, *words]


def check_user(data: Path) -> None:
    """Raise `EmbeddedError` where this process cannot run a command as the servers' user."""
    done = _run(as_user(["true"], signal.SIGKILL, data=data))
    if done.returncode:
        raise EmbeddedError(
            f"Root cannot run the embedded servers as user {NAME} here ({done.stderr.decode().strip()}): "
            f"{INSTEAD}"
        )


def can_run(program: Path) -> bool:
    """Return whether the servers' user reaches a program and its libraries, without any capability."""
    if not is_root():
        return True
    command: list[str | Path] = [
        "env",
        program,
        "--version",
    ]  # setpriv itself would start it with the capabilities of root
    return _run(as_user(command, signal.SIGKILL, data=Path("/"))).returncode == 0


def _become_nobody() -> list[str]:
    try:
        nobody = pwd.getpwnam(NAME)
    except KeyError:
        raise EmbeddedError(
            f"As root the embedded servers need a user called {NAME}: make it, {INSTEAD}"
        ) from None
    return [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603  (the wheels' own programs)
        command, capture_output=True, cwd="/", env={"PATH": os.defpath}, check=False
    )


def _is_open(path: Path) -> bool:
    """Return whether everybody may pass a folder and those above it that exist."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())
