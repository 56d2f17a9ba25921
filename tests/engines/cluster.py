"""Run PostgreSQL that fails over: three etcd, two PostgreSQL of the wheel under Patroni, synchronous."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import yaml
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from engines.programs import START_SECONDS, Program, frozen, open_folder, require, running, wait_for, write
from gradesync.embedded.wheels import postgres_binaries
from harness.ports import free_port

PASSWORD = "a password of the drill"
OWNER, APP, DATABASE = "gradesync_owner", "gradesync_app", "gradesync"
PATRONI = "PATRONI_PYTHON"
"""Name the variable with the Python that Patroni is installed for: `make drill` sets it."""
TTL, LOOP, RETRY = 20, 5, 5


def patroni_python() -> str | None:
    """Return the Python of the drill's own environment."""
    return os.environ.get(PATRONI)


@dataclass
class Node:
    """Hold one PostgreSQL and the Patroni over it."""

    name: str
    port: int
    rest: int
    data: Path
    patroni: Program

    def status(self) -> dict[str, Any]:
        """Return what Patroni reports of the node; empty where it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self.rest}/patroni", timeout=2) as answer:
                status: dict[str, Any] = json.load(answer)
                return status
        except (URLError, OSError, ValueError):
            return {}

    @property
    def postmaster(self) -> int:
        """Return the process that PostgreSQL's others belong to."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """End PostgreSQL and Patroni with SIGKILL, as a machine that loses its power."""
        self.patroni.kill()
        os.kill(self.postmaster, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop PostgreSQL and Patroni while the block lasts, as a machine that hangs and comes back."""
        self.patroni.send(signal.SIGSTOP)
        try:
            with frozen(self.postmaster):
                yield
        finally:
            self.patroni.send(signal.SIGCONT)


@dataclass
class Cluster:
    """Hold the nodes and the etcd servers, and the URLs that name both nodes."""

    nodes: list[Node]
    etcd: list[Program]

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the URL of a role on whichever node can be written."""
        hosts = tuple(f"127.0.0.1:{node.port}" for node in self.nodes)
        query = {"host": hosts, "target_session_attrs": "read-write"}
        url = URL.create("postgresql+asyncpg", role, PASSWORD, database=database, query=query)
        return url.render_as_string(hide_password=False)

    def leader(self) -> Node | None:
        """Return the node that can be written."""
        return next((n for n in self.nodes if n.status().get("role") in {"primary", "master"}), None)

    def is_synchronous(self) -> bool:
        """Return whether a leader has a standby that confirms each commit."""
        leader = self.leader()
        replication = leader.status().get("replication", []) if leader else []
        return any(each.get("sync_state") == "sync" for each in replication)

    def switch_over(self) -> None:
        """Let the leader hand over, as for its maintenance."""
        leader = self.leader()
        assert leader is not None
        body = json.dumps({"leader": leader.name}).encode()
        request = Request(f"http://127.0.0.1:{leader.rest}/switchover", data=body)
        with urlopen(request, timeout=60):  # noqa: S310 - ours
            pass

    async def make_roles(self) -> None:
        """Make the roles and the database, as deploy/roles.sql does."""
        engine = create_async_engine(
            self.url("postgres", "postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        async with engine.connect() as superuser:
            for role in (OWNER, APP):
                await superuser.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"))
            await superuser.execute(text(f"CREATE DATABASE {DATABASE} OWNER {OWNER}"))
            await superuser.execute(text(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC"))
            await superuser.execute(text(f"GRANT CONNECT ON DATABASE {DATABASE} TO {APP}"))
        await self._until_replicated()

    async def _until_replicated(self) -> None:
        """Wait until the standby has the database too: a driver asks it first, and would give up there."""
        async with asyncio.timeout(START_SECONDS):
            for node in self.nodes:
                url = make_url(self.url(APP)).set(host="127.0.0.1", port=node.port, query={})
                engine = create_async_engine(url, poolclass=NullPool)
                while not await _connects(engine):
                    await asyncio.sleep(0.1)


async def _connects(engine: AsyncEngine) -> bool:
    try:
        async with engine.connect():
            return True
    except DBAPIError:
        return False


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Run the cluster while the block lasts; it begins once a standby is synchronous."""
    python = patroni_python()
    assert python is not None
    etcd, hosts = _etcd(folder)
    with running(etcd):
        nodes = [_node(folder, name, python, hosts) for name in ("p1", "p2")]
        cluster = Cluster(nodes, etcd)
        with running([node.patroni for node in nodes]):
            wait_for(cluster.is_synchronous, "a synchronous standby", 180)
            yield cluster


def _etcd(folder: Path) -> tuple[list[Program], str]:
    ports = [(f"e{number}", free_port(), free_port()) for number in range(3)]
    members = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, _, peer in ports)
    programs = []
    for name, client, peer in ports:
        ours, theirs = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        command: list[str | Path] = [
            *(require("etcd"), "--name", name, "--data-dir", open_folder(folder / name)),
            *("--listen-client-urls", ours, "--advertise-client-urls", ours),
            *("--listen-peer-urls", theirs, "--initial-advertise-peer-urls", theirs),
            *("--initial-cluster", members, "--initial-cluster-state", "new"),
        ]
        programs.append(Program(command, folder / f"{name}.log"))
    return programs, ",".join(f"127.0.0.1:{client}" for _, client, _ in ports)


def _node(folder: Path, name: str, python: str, etcd_hosts: str) -> Node:
    home, port, rest = open_folder(folder / name), free_port(), free_port()
    data = home / "data"
    user = {"password": PASSWORD}
    configuration = {
        "scope": "drill",
        "name": name,
        "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
        "etcd3": {"hosts": etcd_hosts},
        "bootstrap": {
            "dcs": {
                **{"ttl": TTL, "loop_wait": LOOP, "retry_timeout": RETRY, "synchronous_mode": True},
                "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 100}},
            },
            "initdb": [{"encoding": "UTF8"}, "data-checksums", {"auth": "scram-sha-256"}],
        },
        "postgresql": {
            "listen": f"127.0.0.1:{port}",
            "connect_address": f"127.0.0.1:{port}",
            "data_dir": str(data),
            "bin_dir": str(postgres_binaries()),
            "pgpass": str(home / "pgpass"),
            "authentication": {
                "superuser": {"username": "postgres", **user},
                "replication": {"username": "replicator", **user},
                "rewind": {"username": "rewinder", **user},
            },
            "parameters": {"unix_socket_directories": ""},
            "pg_hba": [f"host {what} all 127.0.0.1/32 scram-sha-256" for what in ("all", "replication")],
        },
    }
    file = write(home / "patroni.yml", yaml.safe_dump(configuration))
    program = Program([python, "-m", "patroni", file], folder / f"{name}.log")
    return Node(name, port, rest, data, program)
