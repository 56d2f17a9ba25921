"""Test which connections requests go on: kept for the next, never shared, never one that is out of step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from gradesync.upstream.transport import Transport
from harness.streams import serve_streams

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n%02d"


@dataclass
class CountingServer:
    """Answer each request with the number of its connection. `rest` is sent after each response."""

    rest: bytes = b""
    silent: bool = False
    url: str = ""
    connections: int = 0
    busy: int = 0
    most_busy: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.busy += 1
                self.most_busy = max(self.busy, self.most_busy)
                await asyncio.sleep(0)
                self.busy -= 1
                if not self.silent:
                    writer.write(ANSWER % number + self.rest)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()
        finally:
            writer.close()


@asynccontextmanager
async def serving(server: CountingServer) -> AsyncIterator[CountingServer]:
    async with serve_streams(server.serve) as port:
        server.url = f"http://127.0.0.1:{port}/"
        yield server


async def get(transport: Transport, server: CountingServer) -> bytes:
    response = await transport.handle_async_request(httpx.Request("GET", server.url))
    return await response.aread()


def open_transport(connections: int = 9) -> Transport:
    return Transport(httpx.create_ssl_context(verify=False), connections=connections)


async def test_connection_is_kept_for_the_next_request() -> None:
    async with serving(CountingServer()) as server, open_transport() as transport:
        assert [await get(transport, server) for _ in range(2)] == [b"01", b"01"]


@pytest.mark.parametrize("rest", [ANSWER % 99, b"\r\n"])
async def test_connection_that_has_more_is_not_used_again(rest: bytes) -> None:
    async with serving(CountingServer(rest=rest)) as server, open_transport() as transport:
        assert [await get(transport, server) for _ in range(2)] == [b"01", b"02"]


async def test_requests_wait_for_a_free_connection() -> None:
    async with serving(CountingServer()) as server, open_transport(connections=1) as transport:
        answers = await asyncio.gather(*(get(transport, server) for _ in range(3)))
    assert (answers, server.most_busy) == ([b"01"] * 3, 1)


async def test_idle_connection_gives_way_to_another_origin() -> None:
    transport = open_transport(connections=1)
    async with serving(CountingServer()) as one, serving(CountingServer()) as other, transport:
        assert [await get(transport, server) for server in (one, other, one)] == [b"01", b"01", b"02"]
        await one.ended.wait()


async def test_canceled_request_gives_its_connection_up() -> None:
    async with serving(CountingServer(silent=True)) as server, open_transport(connections=1) as transport:
        asking = asyncio.create_task(get(transport, server))
        while not server.most_busy:
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        server.silent = False
        assert await get(transport, server) == b"02"


async def test_request_is_marked_as_sent_when_it_is_written() -> None:
    refused = httpx.Request("GET", "http://127.0.0.1:1/")
    invalid = httpx.Request("GET", "http://127.0.0.1:1/", headers={"x": "a\nb"})
    async with serving(CountingServer()) as server, open_transport() as transport:
        invalid.url = httpx.URL(server.url)
        sent = httpx.Request("GET", server.url)
        await (await transport.handle_async_request(sent)).aread()
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(refused)
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(invalid)
    assert [each.extensions["sent"] for each in (sent, refused, invalid)] == [True, False, False]
