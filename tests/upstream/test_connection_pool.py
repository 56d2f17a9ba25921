"""Test which connections of the pool calls get."""

import asyncio
from asyncio import StreamReader, StreamWriter

import httpcore

from gradesync.upstream.egress import open_client
from gradesync.upstream.limits import ConnectionPool
from harness.streams import serve_streams

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
CALLS, CONNECTIONS = 12, 3


class CountingPool(ConnectionPool):
    """Count how often calls ask for a connection, or leave theirs to others."""

    asked = 0

    def _assign_requests_to_connections(self) -> list[httpcore.AsyncConnectionInterface]:
        self.asked += 1
        return super()._assign_requests_to_connections()


async def test_calls_that_begin_at_once_ask_once_each() -> None:
    network = httpcore.AsyncMockBackend([ANSWER, ANSWER])
    pool = CountingPool(network_backend=network)
    async with pool:
        for _ in range(2):
            await asyncio.gather(*(pool.request("GET", "http://upstream/") for _ in range(CONNECTIONS)))
        assert (pool.asked, len(pool.connections)) == (2 * 2 * CONNECTIONS, CONNECTIONS)


class Server:
    """Count the connections that are open, and the most that ever were."""

    def __init__(self) -> None:
        self.open = self.most = self.answered = 0

    async def answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            self.answered += 1
        self.open -= 1
        writer.close()


async def test_calls_beyond_the_connections_wait_for_one() -> None:
    server = Server()
    async with (
        serve_streams(server.answer) as port,
        open_client(allow_private_network=True, connections=CONNECTIONS) as client,
    ):
        await asyncio.gather(*(client.get(f"http://127.0.0.1:{port}/") for _ in range(CALLS)))
    assert (server.answered, server.most) == (CALLS, CONNECTIONS)


async def test_idle_connection_makes_way_for_another_system() -> None:
    first, second = Server(), Server()
    async with (
        serve_streams(first.answer) as port,
        serve_streams(second.answer) as other_port,
        open_client(allow_private_network=True, connections=1) as client,
    ):
        for each in (port, other_port, port):
            assert (await client.get(f"http://127.0.0.1:{each}/")).status_code == 204
    assert (first.answered, second.answered) == (2, 1)
