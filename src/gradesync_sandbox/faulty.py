"""Apply the ordered faults in an ASGI layer between the server and a simulator."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradesync_sandbox.faults import (
    Body,
    Change,
    Delay,
    Done,
    Faults,
    Hold,
    Kill,
    LoseAfter,
    RefuseBefore,
    Status,
    System,
    Truncate,
)


class ConnectionCut(httpx.RemoteProtocolError):
    """Stand in for a cut connection, in process, with the error that httpx gives for one."""


@dataclass(frozen=True)
class Exchange:
    """Pass one call to the app behind the faults."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    faults: Faults

    async def go_on(self) -> None:
        """Pass the call on unchanged."""
        await self.app(self.scope, self.receive, self.send)

    async def taken(self) -> "Exchange":
        """Return the same exchange with its request read, so that it can go on when nobody waits any more."""
        messages = [await self.receive()]
        while messages[-1].get("more_body"):
            messages.append(await self.receive())

        async def again() -> Message:
            return messages.pop(0) if messages else await self.receive()

        return replace(self, receive=again)

    async def done(self) -> "BufferedResponse":
        """Run the app and return its response unsent."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(self.scope, self.receive, keep)
        start, *rest = messages
        body = b"".join(message.get("body", b"") for message in rest)
        return BufferedResponse(start["status"], list(start.get("headers", ())), body)

    async def cut(self) -> None:
        """Close the connection as it stands.

        Uvicorn's `send` is a method of the object that owns the connection; without one this is in process.
        """
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionCut("Server disconnected without sending a response.")
        transport.close()
        while (await self.receive())["type"] != "http.disconnect":
            pass


@dataclass
class BufferedResponse:
    """Hold a response that is not sent yet."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def start(self, send: Send) -> None:
        """Send status and headers."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})

    async def whole(self, send: Send) -> None:
        """Send everything."""
        await self.start(send)
        await send({"type": "http.response.body", "body": self.body})


def with_faults(
    app: ASGIApp, system: System, faults: Faults, kind_of: Callable[[str, str, str], str]
) -> ASGIApp:
    """Wrap the app in faults. `kind_of(method, path, query)` names its calls.

    It has to be the outermost layer, next to the server: only there can a connection be cut.
    """

    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        effect = faults.strike(system, _kind(scope, kind_of)) if scope["type"] == "http" else None
        exchange = Exchange(app, scope, receive, send, faults)
        await (exchange.go_on() if effect is None else _DO[type(effect)](exchange, effect))

    return faulty


def _kind(scope: Scope, kind_of: Callable[[str, str, str], str]) -> str:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return kind_of(scope["method"], path, scope["query_string"].decode("latin-1"))


async def _refuse_before(exchange: Exchange, effect: RefuseBefore) -> None:
    await exchange.cut()


async def _lose_after(exchange: Exchange, effect: LoseAfter) -> None:
    await exchange.done()
    await exchange.cut()


async def _delay(exchange: Exchange, effect: Delay) -> None:
    with exchange.faults.late():
        await _late(exchange, effect.done, lambda: asyncio.sleep(effect.seconds))


async def _hold(exchange: Exchange, effect: Hold) -> None:
    await _late(exchange, effect.done, exchange.faults.hold)


async def _late(exchange: Exchange, done: Done, wait: Callable[[], Awaitable[object]]) -> None:
    if done == "after":
        request = await exchange.taken()
        await wait()
        await request.go_on()
        return
    response = await exchange.done()
    await wait()
    await response.whole(exchange.send)


async def _status(exchange: Exchange, effect: Status) -> None:
    headers = {"content-type": "application/json", **effect.headers}
    await _buffered(effect.status, headers, effect.body.encode()).whole(exchange.send)


async def _truncate(exchange: Exchange, effect: Truncate) -> None:
    response = await exchange.done()
    if effect.honest:
        named = [(k, v) for k, v in response.headers if k.lower() != b"content-length"]
        kept = response.body[: effect.keep]
        await BufferedResponse(response.status, [*named, _length(len(kept))], kept).whole(exchange.send)
        return
    await response.start(exchange.send)
    part = {"type": "http.response.body", "body": response.body[: effect.keep], "more_body": True}
    await exchange.send(part)
    await exchange.cut()


async def _body(exchange: Exchange, effect: Body) -> None:
    if effect.done:
        await exchange.done()
    content = effect.content.encode()
    response = _buffered(effect.status, effect.headers, b"", length=len(content) * effect.repeat)
    await response.start(exchange.send)
    for _ in range(effect.repeat):
        await _send_part(exchange.send, content, effect.drip)
    await exchange.send({"type": "http.response.body", "body": b""})


async def _send_part(send: Send, content: bytes, drip: float) -> None:
    pieces = [content[i : i + 1] for i in range(len(content))] if drip else [content]
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(drip)


async def _change(exchange: Exchange, effect: Change) -> None:
    response = await exchange.done()
    body = effect.change(response.body)
    named = [(k, v) for k, v in response.headers if k.lower() != b"content-length"]
    await BufferedResponse(response.status, [*named, _length(len(body))], body).whole(exchange.send)


async def _kill(exchange: Exchange, effect: Kill) -> None:
    if effect.when == "before":
        os.kill(effect.pid, effect.signal)
        await exchange.go_on()
        return
    response = await exchange.done()
    os.kill(effect.pid, effect.signal)
    await response.whole(exchange.send)


def _buffered(
    status: int, headers: dict[str, str], body: bytes, *, length: int | None = None
) -> BufferedResponse:
    wire = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    return BufferedResponse(status, [*wire, _length(len(body) if length is None else length)], body)


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


_DO: dict[type, Callable[[Exchange, Any], Awaitable[None]]] = {
    RefuseBefore: _refuse_before,
    LoseAfter: _lose_after,
    Delay: _delay,
    Hold: _hold,
    Status: _status,
    Truncate: _truncate,
    Body: _body,
    Change: _change,
    Kill: _kill,
}
