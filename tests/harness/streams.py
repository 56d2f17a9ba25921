"""Serve and open raw connections that a test never leaves open."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def serve_streams(
    handle: Callable[[StreamReader, StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Handle each connection to a free port; yield the port, and end what is still open in the end.

    A connection that breaks ends its handler. A handler that is left over is canceled with the server,
    since a loop that ends first leaves its sockets to whichever test collects garbage next.
    """
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            await handle(reader, writer)

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        handlers.add(task)
        task.add_done_callback(lambda _: writer.close())
        task.add_done_callback(handlers.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


@asynccontextmanager
async def connected(host: str | None, port: int | None) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """Connect to a server, and close the connection in any case."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass on what one end sends to the other, until it closes or breaks."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
