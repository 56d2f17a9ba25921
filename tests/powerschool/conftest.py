"""Provide the classroom that these tests sync into."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gradesync.upstream.egress import GuardedClient, open_client
from gradesync_sandbox.serving import Served
from harness.powerschool_target import Classroom, Switchboard, classroom


@pytest.fixture(scope="session")
async def socket() -> AsyncIterator[tuple[Switchboard, GuardedClient, str]]:
    board = Switchboard()
    served = Served(board, "127.0.0.1")
    await served.start()
    async with open_client(allow_private_network=True) as client:
        yield board, client, served.url
    await served.stop()


@pytest.fixture
def room(socket: tuple[Switchboard, GuardedClient, str]) -> Iterator[Classroom]:
    room = classroom(*socket)
    yield room
    room.faults.clear()
