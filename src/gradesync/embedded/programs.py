"""Runs the servers' programs: as a user of their own, in the data folder, no longer than the keeper."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradesync.embedded.locks import EmbeddedError, wait
from gradesync.embedded.user import as_user, give
from gradesync.embedded.wheels import postgres_binaries, valkey_binary

OWNER = "gradesync_owner"
APP = "gradesync_app"
DATABASE = "gradesync"


@dataclass(frozen=True, slots=True)
class Programs:
    """The data folder, and how processes run in it: each holds `lock` as long as it or its children live."""

    data: Path
    lock: int
    durable: bool

    @property
    def speed(self) -> Sequence[str]:
        """What PostgreSQL leaves out where a power cut may cost data."""
        left_out = () if self.durable else ("fsync", "synchronous_commit", "full_page_writes")
        return [f"-c{name}=off" for name in left_out]

    def own(self, path: Path) -> None:
        """Make a folder that only the servers' user enters."""
        path.mkdir(mode=0o700, exist_ok=True)
        give(path)

    def run(self, command: Sequence[str | Path], text: str = "") -> None:
        done = subprocess.run(  # noqa: S603  (the wheels' own programs)
            as_user(command, signal.SIGKILL, data=self.data),
            input=text.encode(),
            capture_output=True,
            cwd="/",
            env={"TZ": "UTC"},
            pass_fds=[self.lock],
            check=False,
        )
        if done.returncode:
            raise EmbeddedError(f"{Path(command[0]).name} failed: {done.stderr.decode().strip()}")

    @contextmanager
    def running(
        self, command: Sequence[str | Path], log: Path, stop: signal.Signals
    ) -> Iterator[Callable[[], bool]]:
        """Run a server; yields a check that raises `EmbeddedError` once it ended by itself."""
        with log.open("ab") as output:
            server = subprocess.Popen(  # noqa: S603  (the wheels' own programs)
                as_user(command, stop, data=self.data),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"TZ": "UTC"},
                pass_fds=[self.lock],
            )

        def alive() -> bool:
            if server.poll() is not None:
                raise EmbeddedError(f"{Path(command[0]).name} ended: {log} says why.")
            return True

        try:
            yield alive
        finally:
            server.send_signal(stop)
            server.wait()


@contextmanager
def postgres(programs: Programs, passwords: Mapping[str, str]) -> Iterator[int]:
    """Run PostgreSQL, made at the first start; yields its port."""
    cluster, log = programs.data / "postgres", programs.data / "postgres.log"
    if not cluster.exists():
        _make_cluster(programs, passwords).rename(cluster)
    pid = cluster / "postmaster.pid"
    pid.unlink(missing_ok=True)  # stale for certain: we hold the lock that its processes held
    port = _free_port()
    address = ["-clisten_addresses=127.0.0.1", f"-cport={port}", "-cunix_socket_directories="]
    command: list[str | Path] = [postgres_binaries() / "postgres", "-D", cluster, *address, *programs.speed]
    with programs.running(command, log, signal.SIGINT) as alive:
        wait(
            lambda: alive() and pid.exists() and "ready" in pid.read_text(),
            f"PostgreSQL did not start: {log}",
        )
        yield port


def _make_cluster(programs: Programs, passwords: Mapping[str, str]) -> Path:
    """Initialise a cluster with our two roles and the database; its superuser cannot log in."""
    cluster = programs.data / "postgres.new"
    shutil.rmtree(cluster, ignore_errors=True)
    programs.own(cluster)
    options = ["-U", "postgres", "-A", "reject", "-E", "UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [] if programs.durable else ["--no-sync"]
    programs.run([postgres_binaries() / "initdb", "-D", cluster, *options])
    (cluster / "pg_hba.conf").write_text(f"host all {OWNER},{APP} 127.0.0.1/32 scram-sha-256\n")
    programs.run(
        [postgres_binaries() / "postgres", "--single", "-D", cluster, *programs.speed, "postgres"],
        f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{passwords[OWNER]}'\n"
        f"CREATE ROLE {APP} LOGIN PASSWORD '{passwords[APP]}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}\n",
    )
    return cluster


@contextmanager
def valkey(programs: Programs, passwords: Mapping[str, str]) -> Iterator[int]:
    """Run Valkey; yields its port. Its configuration is a file, for arguments are seen by everybody."""
    home, log, port = programs.data / "valkey", programs.data / "valkey.log", _free_port()
    programs.own(home)
    config = home / "valkey.conf"
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{home}"\nrequirepass {passwords["valkey"]}\nsave ""\n'
        f"appendonly {'yes' if programs.durable else 'no'}\n"
    )
    give(config)
    binary = valkey_binary()
    with programs.running([binary, config], log, signal.SIGTERM) as alive:
        wait(lambda: alive() and _pongs(port, passwords["valkey"]), f"Valkey did not start: {log}")
        yield port


def _pongs(port: int, password: str) -> bool:
    """Ask Valkey whether it answers; it does not while it loads its data."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in connection.makefile("rb").read()
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
