"""Relay to a server over a network that drops packets: both ends see an open connection, and no answer."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sqlalchemy import make_url

from harness.streams import connected, serve_streams

Direction: TypeAlias = Literal["requests", "responses", "everything"]


@dataclass
class DroppingNetwork:
    """Pass data on, and drop those of a `direction` from the moment that a client sends the `sign`.

    A connection that lost data stays open and passes nothing on any more: neither end notices a close of the
    other. `heal` lets new connections pass.
    """

    url: str
    sign: bytes
    direction: Direction
    address: str = ""
    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    _dropping: bool = False
    _over: bool = False

    def heal(self) -> None:
        """Drop nothing more, but on connections that lost data."""
        self._dropping, self._over = False, True

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        target, lost = make_url(self.url), asyncio.Event()
        async with connected(target.host, target.port) as (far_reader, far_writer):
            await asyncio.gather(
                self._pass_on(reader, far_writer, "requests", lost),
                self._pass_on(far_reader, writer, "responses", lost),
            )

    async def _pass_on(
        self, reader: StreamReader, writer: StreamWriter, data_are: Direction, lost: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if data_are == "requests" and self.sign in data and not self._over:
                self._dropping = True
            if self._dropping and self.direction in (data_are, "everything"):
                lost.set()
                self.dropped.set()
            if not lost.is_set() or (data_are != self.direction != "everything"):
                writer.write(data)
        if lost.is_set():
            await asyncio.Event().wait()  # the close of one end never reaches the other
        writer.close()


@asynccontextmanager
async def dropping_network(url: str, sign: bytes, direction: Direction) -> AsyncIterator[DroppingNetwork]:
    """Serve at another `address` what is at a URL, until the sign drops something."""
    network = DroppingNetwork(url, sign, direction)
    async with serve_streams(network.accept) as port:
        network.address = make_url(url).set(port=port).render_as_string(hide_password=False)
        yield network
