"""Relay connections to a server, and cut one where a test wants."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import make_url

from harness.streams import connected, serve_streams


@dataclass
class Cut:
    """Cut a connection once, in the place of data that contain `sign`, and call `then`.

    With `after`, only once data in either direction have contained that.
    """

    sign: bytes
    then: Callable[[], object] = lambda: None
    after: bytes = b""
    done: bool = False

    def strikes(self, data: bytes) -> bool:
        """Return whether the connection is to be cut instead of passing these data on."""
        if self.done or self.after or self.sign not in data:
            return False
        self.done = True
        self.then()
        return True

    def watch(self, data: bytes) -> None:
        """Note data that go by."""
        if self.after in data:
            self.after = b""


@asynccontextmanager
async def relay(url: str, cut: Cut, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Relay to the server of a URL; yield the relay's own. With `tls`, clients must speak that."""
    target = make_url(url)

    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        async with connected(target.host, target.port) as (far_reader, far_writer):
            await asyncio.gather(_pass_on(reader, far_writer, cut), _pass_on(far_reader, writer, cut))

    async with serve_streams(accept, tls) as port:
        yield target.set(port=port).render_as_string(hide_password=False)


async def _pass_on(reader: StreamReader, writer: StreamWriter, cut: Cut) -> None:
    while (data := await reader.read(65536)) and not cut.strikes(data):
        cut.watch(data)
        writer.write(data)
    writer.close()
