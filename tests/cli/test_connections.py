"""Test that connections are bounded, in number and in the time that a request takes to arrive."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gradesync.cli import connections
from gradesync.cli.connections import BoundedProtocol
from gradesync.settings import Settings
from harness.ports import free_port
from harness.processes import serve_with_descriptors, wait_until_ready

LIMIT = 4  # with one connection fewer
REQUEST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n"
Connect = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]


@pytest.fixture
async def connect(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Serve bodies as they come, and connect."""

    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    app = Starlette(routes=[Route("/", echo, methods=["POST"])])
    config = uvicorn.Config(
        app, port=free_port(), http=BoundedProtocol, limit_concurrency=LIMIT, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    async with AsyncExitStack() as stack:

        async def open_connection() -> tuple[StreamReader, StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", config.port)
            stack.callback(writer.close)
            return reader, writer

        yield open_connection
    server.should_exit = True
    await serving


async def respond(reader: StreamReader) -> bytes:
    """Return the status line of a response, and read it to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(5)
    return head.partition(b"\r\n")[0]


async def test_connections_beyond_the_limit_are_refused(connect: Connect) -> None:
    silent = [await connect() for _ in range(LIMIT - 1)]
    reader, _ = await connect()
    refused = await reader.read()
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5" in refused
    for _, writer in silent:
        writer.write(REQUEST + b"hello")
    assert [await respond(reader) for reader, _ in silent] == [b"HTTP/1.1 200 OK"] * (LIMIT - 1)
    silent[0][1].close()
    await silent[0][1].wait_closed()
    reader, writer = await connect()
    writer.write(REQUEST + b"hello")
    assert await respond(reader) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("before", [0, 1])
async def test_nothing_follows_a_body_of_two_lengths(connect: Connect, before: int) -> None:
    reader, writer = await connect()
    both = REQUEST.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
    writer.write((REQUEST + b"hello") * before + both + REQUEST + b"12345")
    assert (await reader.read()).count(b"HTTP/1.1 200") == before + 1


async def test_body_that_does_not_arrive_behind_a_request_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.05)
    reader, writer = await connect()
    writer.write(REQUEST + b"hello" + REQUEST)
    await respond(reader)
    async with asyncio.timeout(20):
        assert await read_to_end(reader) == b""


@pytest.mark.parametrize("sent", [b"", b"P", REQUEST[:-2], REQUEST, REQUEST + b"hell"])
async def test_request_that_does_not_arrive_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.05)
    reader, writer = await connect()
    writer.write(sent)
    assert await read_to_end(reader) == b""


async def test_second_request_that_does_not_arrive_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = await connect()
    writer.write(REQUEST + b"hello")
    await respond(reader)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    writer.write(b"P")
    assert await read_to_end(reader) == b""


async def read_to_end(reader: StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.long
@pytest.mark.parametrize("descriptors", [186, 256])
async def test_half_open_connections_leave_the_api_alive(settings: Settings, descriptors: int) -> None:
    port, many = free_port(), 600
    address = f"http://127.0.0.1:{port}"
    async with (
        serve_with_descriptors(settings.filled(public_url=address), descriptors) as api,
        httpx.AsyncClient(base_url=address) as http,
    ):
        await wait_until_ready(http, api)
        async with AsyncExitStack() as stack:
            for _ in range(many):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                stack.callback(writer.close)
            assert (await http.get("/healthz", headers={"connection": "close"})).status_code in (200, 503)
        while (await http.get("/healthz", headers={"connection": "close"})).status_code == 503:
            await asyncio.sleep(0.05)
        api.terminate()
        assert api.stderr is not None
        lines = (await api.stderr.read()).decode().splitlines()
    assert [line for line in lines if "out of system resource" in line] == []
    assert 1 <= len([line for line in lines if "connections.full" in line]) <= 2
