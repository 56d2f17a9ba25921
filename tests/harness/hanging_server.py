"""Relay to a PostgreSQL, and let it hang: it accepts connections, and answers nothing."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import make_url

from harness.streams import connected, serve_streams

STATEMENTS = b"QPB"  # the first bytes of what a client asks once it is logged in


@dataclass
class HangingServer:
    """Pass data on while `known` is set; for connections that come while `new` is not, never a byte.

    It hangs by itself once a client sends data with the `sign`.
    """

    url: str
    address: str = ""
    sign: bytes | None = None
    accepted: int = 0
    known: asyncio.Event = field(default_factory=asyncio.Event)
    new: asyncio.Event = field(default_factory=asyncio.Event)
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    answers_logins: bool = False

    def hang(self) -> None:
        """Behave as a process that was stopped, whose kernel still accepts connections for it."""
        self.known.clear()
        self.new.clear()

    def hang_behind_pooler(self) -> None:
        """Behave as a pooler before a process that was stopped: it answers logins, and nothing else."""
        self.answers_logins = True
        self.known.clear()

    def forget_known(self) -> None:
        """Pass on no more of the connections that there are, as a firewall that forgot them."""
        self.known.clear()
        self.known = asyncio.Event()
        self.known.set()

    def go_on(self) -> None:
        self.answers_logins = False
        self.known.set()
        self.new.set()

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        await self.new.wait()
        target = make_url(self.url)
        async with connected(target.host, target.port) as (far_reader, far_writer):
            known = self.known
            await asyncio.gather(
                self._pass_on(reader, far_writer, known), self._pass_on(far_reader, writer, known)
            )

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter, known: asyncio.Event) -> None:
        while data := await reader.read(65536):
            if self.sign is not None and self.sign in data:
                self.hang()
            if not known.is_set() and not (self.answers_logins and data[:1] not in STATEMENTS):
                self.holding.set()
                await known.wait()
            writer.write(data)
        writer.close()


@asynccontextmanager
async def hanging_server(url: str) -> AsyncIterator[HangingServer]:
    """Serve at another `address` a database that works until a test hangs it."""
    server = HangingServer(url)
    server.go_on()
    async with serve_streams(server.accept) as port:
        server.address = make_url(url).set(port=port).render_as_string(hide_password=False)
        yield server
