"""Send HTTP/1.1 requests over kept connections: h11 has the protocol, asyncio the sockets.

httpx's own transport takes three times the processor time. It also looks twice for each request at all idle
connections, those of other districts too.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import h11
import httpx

CONNECTIONS = 100
CONNECT_SECONDS = 10.0
# A server may close an idle connection just as the next request is sent.
KEPT_SECONDS = 5.0
CHUNK_BYTES = 65_536
HEAD_BYTES = 102_400
PORTS = {"http": 80, "https": 443}

# Returns the addresses to connect to, in their order.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system knows it."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in infos))


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: httpx.URL) -> "_Origin":
        return cls(url.scheme, url.raw_host.decode("ascii"), url.port or PORTS.get(url.scheme, 0))


class _Reader(asyncio.StreamReader):
    """Note what arrives: a server that speaks without being asked is not asked again."""

    has_received = False

    def feed_data(self, data: Any) -> None:
        self.has_received = True
        super().feed_data(data)


@dataclass(slots=True, eq=False)
class _Connection:
    """Hold one connection, with the state of the protocol on it. `expiry` ends it while it is idle."""

    origin: _Origin
    reader: _Reader
    writer: asyncio.StreamWriter
    protocol: h11.Connection = field(
        default_factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    )
    expiry: asyncio.TimerHandle | None = None
    silence: float | None = None  # seconds that each read may take

    @property
    def is_alive(self) -> bool:
        """Return True where an idle connection seems to be open still."""
        closing = self.writer.transport.is_closing()
        return not (closing or self.reader.has_received or self.reader.at_eof())

    async def send(self, request: httpx.Request) -> h11.Response:
        """Send a request, and return the head of its response."""
        self.silence = request.extensions.get("timeout", {}).get("read")
        body = await request.aread()
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        events = [head, h11.Data(data=body), h11.EndOfMessage()] if body else [head, h11.EndOfMessage()]
        content = b"".join(self.protocol.send(event) or b"" for event in events)
        request.extensions["sent"] = True
        self.writer.write(content)
        with suppress(OSError):  # a server may refuse before it has read everything
            async with asyncio.timeout(self.silence):
                await self.writer.drain()
        while isinstance(event := await self.receive(), h11.InformationalResponse):
            pass
        response: h11.Response = event
        return response

    async def receive(self) -> Any:
        """Return the next event of the protocol."""
        try:
            while (event := self.protocol.next_event()) is h11.NEED_DATA:
                async with asyncio.timeout(self.silence):
                    self.protocol.receive_data(await self.reader.read(CHUNK_BYTES))
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("no response in time") from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        return event

    def renew(self) -> bool:
        """Prepare for the next request; False where none can follow."""
        if not self.protocol.our_state is self.protocol.their_state is h11.DONE:
            return False
        self.protocol.start_next_cycle()
        self.reader.has_received = bool(self.protocol.trailing_data[0])
        return self.is_alive


class _Body(httpx.AsyncByteStream):
    """Read the body of a response, and give its connection back."""

    def __init__(self, connection: _Connection, give_back: Callable[[_Connection], None]) -> None:
        self._connection, self._give_back = connection, give_back
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._connection.receive(), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            self._give_back(self._connection)


class Transport(httpx.AsyncBaseTransport):
    """Send each request on a connection of its own; idle ones are kept for the next to the same origin.

    `resolve` returns the addresses of a host. `sent` among a request's extensions becomes True when it is
    written: before, nothing of it can have arrived.
    """

    def __init__(
        self, tls: ssl.SSLContext, *, resolve: Resolve = resolve, connections: int = CONNECTIONS
    ) -> None:
        self._tls, self._resolve, self._limit = tls, resolve, connections
        self._slots = asyncio.Semaphore(connections)
        self._idle: dict[_Origin, list[_Connection]] = {}
        self._open = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sent"] = False
        origin = _Origin.of(request.url)
        if origin.scheme not in PORTS:
            raise httpx.UnsupportedProtocol("the address is neither http nor https")
        await self._wait_for_slot()
        try:
            return await self._send(self._take_idle(origin) or await self._connect(origin), request)
        except BaseException:
            self._slots.release()
            raise

    async def _wait_for_slot(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS) if self._slots.locked() else nullcontext():
                await self._slots.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are in use") from error

    async def aclose(self) -> None:
        for idle in [*self._idle.values()]:
            for connection in [*idle]:
                self._drop(connection)
        await asyncio.sleep(0)  # the loop closes their sockets

    async def _send(self, connection: _Connection, request: httpx.Request) -> httpx.Response:
        try:
            head = await connection.send(request)
        except h11.LocalProtocolError as error:
            self._close(connection)
            raise httpx.LocalProtocolError(str(error)) from error
        except BaseException:
            self._close(connection)
            raise
        extensions = {"http_version": b"HTTP/" + head.http_version, "reason_phrase": bytes(head.reason)}
        body = _Body(connection, self._give_back)
        return httpx.Response(
            head.status_code, headers=head.headers.raw_items(), stream=body, extensions=extensions
        )

    def _take_idle(self, origin: _Origin) -> _Connection | None:
        while idle := self._idle.get(origin):
            connection = idle[-1]
            self._forget(connection)
            if connection.is_alive:
                return connection
            self._close(connection)
        return None

    def _give_back(self, connection: _Connection) -> None:
        self._slots.release()
        if not connection.renew():
            self._close(connection)
            return
        self._idle.setdefault(connection.origin, []).append(connection)
        loop = asyncio.get_running_loop()
        connection.expiry = loop.call_later(KEPT_SECONDS, self._drop, connection)

    def _forget(self, connection: _Connection) -> None:
        """Take a connection off the idle ones."""
        if connection.expiry is not None:
            connection.expiry.cancel()
        idle = self._idle[connection.origin]
        idle.remove(connection)
        if not idle:
            del self._idle[connection.origin]

    def _drop(self, connection: _Connection) -> None:
        """Close an idle connection."""
        self._forget(connection)
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        self._open -= 1
        connection.writer.transport.abort()

    async def _connect(self, origin: _Origin) -> _Connection:
        if self._open >= self._limit:  # some of them idle, of other origins
            self._drop(next(iter(self._idle.values()))[0])
        self._open += 1
        try:
            return await self._dial_any(origin)
        except BaseException as error:
            self._open -= 1
            if isinstance(error, TimeoutError):
                raise httpx.ConnectTimeout("no connection in time") from error
            if isinstance(error, OSError):
                raise httpx.ConnectError(str(error)) from error
            raise

    async def _dial_any(self, origin: _Origin) -> _Connection:
        """Connect to the first address that takes it; each has its share of the time."""
        addresses = await self._resolve(origin.host, origin.port)
        failure = OSError("no address")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_SECONDS / len(addresses)):
                    return await self._dial(address, origin)
            except OSError as error:
                failure = error
        raise failure

    async def _dial(self, address: str, origin: _Origin) -> _Connection:
        loop = asyncio.get_running_loop()
        reader = _Reader(limit=CHUNK_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        secure = origin.scheme == "https"
        transport, _ = await loop.create_connection(
            lambda: protocol,
            address,
            origin.port,
            ssl=self._tls if secure else None,
            server_hostname=origin.host if secure else None,
        )
        return _Connection(origin, reader, asyncio.StreamWriter(transport, protocol, reader, loop))
