"""Record the calls of a sync, and send them again by bare httpx."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import httpx

from gradesync.upstream.auth import OAuth1

# A simulator closes idle connections after five seconds: a call must not begin on one just then.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=2)


@dataclass(frozen=True, slots=True)
class Call:
    """Hold a call as it was sent, with its response, its start and its end."""

    request: httpx.Request
    status: int
    headers: httpx.Headers
    answer: bytes
    began: float
    ended: float

    @property
    def kind(self) -> str:
        path, method = self.request.url.path, self.request.method
        if path.startswith("/v1"):
            return "schoology"
        if path.startswith("/ws/xte/score"):
            return "sis write"
        if path.startswith("/ws/xte/section/assignment"):
            return "sis create" if method == "POST" else "sis list"
        return "sis other"


@dataclass(slots=True)
class Recorder(httpx.AsyncBaseTransport):
    """Forward calls and record them, without those for tokens: these count as cached."""

    inner: httpx.AsyncBaseTransport = field(default_factory=lambda: httpx.AsyncHTTPTransport(limits=LIMITS))
    calls: list[Call] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began = perf_counter()
        answer = await self.inner.handle_async_request(request)
        body = await answer.aread()
        if not request.url.path.endswith(("access_token", "/oauth/token")):
            ended = perf_counter()
            self.calls.append(Call(request, answer.status_code, answer.headers, body, began, ended))
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def send_in_order(calls: Sequence[Call], send: Callable[[Call], Awaitable[None]]) -> None:
    """Send calls, each when those that had ended before it began have ended again."""
    done = [asyncio.Event() for _ in calls]

    async def send_one(index: int) -> None:
        for earlier, ended in zip(calls, done, strict=True):
            if earlier.ended <= calls[index].began:
                await ended.wait()
        await send(calls[index])
        done[index].set()

    await asyncio.gather(*(send_one(index) for index in range(len(calls))))


async def send(client: httpx.AsyncClient, signature: OAuth1, call: Call) -> None:
    """Send a call with a client, signed anew."""
    signed = signature if call.kind == "schoology" else None
    headers = {k: v for k, v in call.request.headers.items() if signed is None or k != "authorization"}
    request = client.build_request(
        call.request.method, call.request.url, headers=headers, content=call.request.content
    )
    await client.send(request, auth=signed)
