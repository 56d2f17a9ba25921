"""Supervise the servers in a process of its own: start them, and stop them when no process uses them."""

import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from gradesync.embedded.locks import EmbeddedError, has_writer, locked
from gradesync.embedded.programs import APP, DATABASE, OWNER, Programs, postgres, valkey


def supervise(data: Path, reader: int, *, durable: bool) -> None:
    """Start the servers, report it, and stop them when the last user of `reader`'s FIFO is gone."""
    with locked(data / "servers.lock") as lock, ExitStack() as servers:
        programs = Programs(data, lock, durable)
        passwords = _passwords(data)
        postgres_port = servers.enter_context(postgres(programs, passwords))
        valkey_port = servers.enter_context(valkey(programs, passwords))
        _write_private(data / "running.json", _addresses(passwords, postgres_port, valkey_port))
        servers.callback(os.close, reader)  # before the servers end, so that no process joins them
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGCHLD, _end_with_a_server)
        _report("up")
        with _unused(data, reader):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            servers.close()


def _end_with_a_server(*_: object) -> None:
    """End where a server has ended, which takes the other with it. One that is stopped may go on."""
    if os.waitpid(-1, os.WNOHANG) != (0, 0):
        _end()


def _end(*_: object) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.exit()


@contextmanager
def _unused(data: Path, reader: int) -> Iterator[None]:
    """Wait until the last user is gone, then keep new ones from joining during the block."""
    while True:
        os.set_blocking(reader, True)
        os.read(reader, 1)
        os.set_blocking(reader, False)
        with locked(data / "start.lock"):
            if not has_writer(reader):
                yield
                return


def _report(word: str) -> None:
    """Report to the starter, which reads until our output ends."""
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


def main() -> None:
    data, reader, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if os.fork():
        os._exit(0)
    os.setsid()
    try:
        supervise(data, reader, durable=mode == "durable")
    except EmbeddedError as error:
        _report(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
