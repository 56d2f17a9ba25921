"""Run an upstream on a real socket that responds with the very bytes of a test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from gradesync.upstream.client import Backoff, Upstream
from gradesync.upstream.egress import GuardedClient, open_client
from harness.streams import serve_streams

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]

AT_ONCE = Backoff(attempts=3, initial=0, longest=0, jitter=0)


def respond(status: int, body: bytes = b"", **headers: str) -> Act:
    """Send a whole response; underscores in names of headers are dashes."""
    fields = {"content-length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(head.encode() + b"\r\n" + body)


def raw(content: bytes) -> Act:
    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return act


async def cut(writer: asyncio.StreamWriter) -> None:
    """Close without a response."""
    writer.close()


def drip(seconds: float) -> Act:
    """Send a body that never ends, one byte at a time."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(seconds)

    return act


def flood(status: int) -> Act:
    """Send a body without end, as fast as it is read."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\nconnection: close\r\n\r\n".encode())
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    return act


@dataclass
class ReceivedRequest:
    """Hold a request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Respond by the acts, in order; the last one repeats."""

    acts: Sequence[Act] = ()
    url: str = ""
    seen: list[ReceivedRequest] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                self.seen.append(await _read(reader))
                self.events.append("sent")
                await self.acts[min(len(self.seen), len(self.acts)) - 1](writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> ReceivedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *fields = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return ReceivedRequest(line, headers, body)


@dataclass
class RecordingBudget:
    """Record the calls of a call budget without limits, among the server's events."""

    server: ScriptedServer
    pauses: list[float] = field(default_factory=list)
    reports: list[bool] = field(default_factory=list)

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None:
        self.server.events.append(f"acquire {cost}")

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def report(self, ok: bool) -> None:
        self.reports.append(ok)


@dataclass
class RecordingPermit:
    """Permit every call, and record that among the server's events. `lost`: seconds of writes given up."""

    server: ScriptedServer
    lost: list[float] = field(default_factory=list)

    async def wait_turn(self) -> None:
        self.server.events.append("turn")

    async def __call__(self, seconds: float) -> None:
        self.server.events.append(f"permit {seconds:g}")

    def note_lost(self, seconds: float) -> None:
        self.lost.append(seconds)


class NumberedAuth(httpx.Auth):
    """Sign each request with another number."""

    def __init__(self) -> None:
        self.number = 0

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]  # the generator of httpx
        self.number += 1
        request.headers["authorization"] = f"signature {self.number}"
        yield request


@dataclass
class Rig:
    server: ScriptedServer
    budget: RecordingBudget
    client: GuardedClient
    permit: RecordingPermit

    def upstream(self, *acts: Act, seconds: float = 60, timeout: float = 5) -> Upstream:
        self.server.acts = acts
        return Upstream(
            "school",
            f"{self.server.url}/v1",
            NumberedAuth(),
            self.client.transport,
            self.budget,
            until=datetime.now(UTC) + timedelta(seconds=seconds),
            permit=self.permit,
            timeout=timeout,
            backoff=AT_ONCE,
        )


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    server = ScriptedServer()
    async with serve_streams(server.serve) as port, open_client(allow_private_network=True) as client:
        server.url = f"http://127.0.0.1:{port}"
        yield Rig(server, RecordingBudget(server), client, RecordingPermit(server))
