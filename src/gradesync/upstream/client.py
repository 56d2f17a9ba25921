"""Calls to one upstream system of one district: paced, signed, bounded, retried where that is safe."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias

import httpx
import stamina

from gradesync.core.reasons import Reason
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.upstream.metrics import RETRIES, WAIT_SECONDS, metered
from gradesync.upstream.response import Answer, AnswerTooLarge, Dialect, PlainDialect, retry_after

__all__ = [
    "Answer",
    "AnswerTooLarge",
    "Backoff",
    "Dialect",
    "Pace",
    "Permit",
    "PlainDialect",
    "Upstream",
    "retry_after",
]

NEVER_SENT = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    *(httpx.UnsupportedProtocol, httpx.LocalProtocolError),
)
TIMED_OUT = (TimeoutError, httpx.TimeoutException)
MEBIBYTE = 1 << 20
MAX_HOPS = 3
LONGEST_PAUSE = 3600.0

Params: TypeAlias = Mapping[str, str]


class Pace(Protocol):
    """The call budget of one upstream, shared with everybody who calls it."""

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None:
        """Wait for a place; raises `Retriable` where there is none before `until`."""
        ...

    async def pause(self, seconds: float) -> None:
        """Nobody calls for so many seconds."""
        ...

    async def report(self, ok: bool) -> None:
        """Say whether the upstream answered, for the circuit."""
        ...


class Permit(Protocol):
    """Asked immediately before sending; raises `LeaseLost` unless the lease lasts `seconds` more."""

    async def __call__(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a call is tried, and the seconds between tries: exponential, jittered, capped."""

    attempts: int = 5
    initial: float = 0.2
    longest: float = 5.0
    jitter: float = 0.3


@dataclass(slots=True)
class _Call:
    kind: str
    method: str
    url: httpx.URL
    params: Params | None
    content: bytes | None
    headers: Mapping[str, str] | None
    cost: int
    max_bytes: int
    repeatable: bool
    sent: bool | None = None
    """None until the transport tells: transports for tests do not."""

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        """httpcore's account of what reached the wire."""
        if event.endswith("send_request_headers.started"):
            self.sent = True
        elif event == "connection.connect_tcp.started":
            self.sent = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream system of one district.

    `base_url` is the prefix of every path. `client` follows no redirects. `permit` guards each send, None
    where no lease is involved. Retries stop at `until`. `timeout` is the total time of one attempt in
    seconds, slow answers included.
    """

    name: str
    base_url: str
    auth: httpx.Auth
    client: httpx.AsyncClient
    pace: Pace
    until: datetime
    permit: Permit | None = None
    timeout: float = 30.0
    dialect: Dialect = field(default_factory=PlainDialect)
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def call(
        self,
        kind: str,
        method: str,
        path_or_url: str,
        *,
        params: Params | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool,
        cost: int = 1,
        max_bytes: int = 32 * MEBIBYTE,
    ) -> Answer:
        """Send one request and read its whole answer; every status below 500 but throttling is an answer.

        `kind` names the call in metrics. `repeatable`: a read, which may be sent again after its answer was
        lost; what is not repeatable is sent again only where nothing can have happened. Raises `Retriable`,
        `AnswerLost` (never for what is repeatable), `SyncStopped("upstream-answer-unexpected")` for other
        hosts and (`AnswerTooLarge`) over `max_bytes`, and what `permit` raises.
        """
        url = self._url(path_or_url)
        call = _Call(kind, method, url, params, content, headers, cost, max_bytes, repeatable)
        try:
            answer = await self._tried(call)
        except Retriable as error:
            if error.retry_at is None:  # else it is only too early
                await self.pace.report(False)
            raise
        except AnswerLost as error:
            await self.pace.report(False)
            if repeatable:
                raise Retriable(error.detail) from error
            raise
        await self.pace.report(True)
        return answer

    def _url(self, path_or_url: str) -> httpx.URL:
        if path_or_url.startswith(("https://", "http://")):
            return self._pointed(path_or_url)
        return httpx.URL(self.base_url.rstrip("/") + path_or_url)

    def _pointed(self, address: str) -> httpx.URL:
        """An address that the upstream gave us; it may not lead elsewhere."""
        base = httpx.URL(self.base_url)
        try:
            url = base.join(address)
        except httpx.InvalidURL:
            url = httpx.URL()
        if (base.scheme, base.host, base.port) != (url.scheme, url.host, url.port):
            raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"{self.name} points to another host")
        return url

    async def _tried(self, call: _Call) -> Answer:
        async for attempt in stamina.retry_context(
            on=partial(self._again, call),
            attempts=self.backoff.attempts,
            timeout=max(self._left(), 0.001),
            wait_initial=self.backoff.initial,
            wait_max=self.backoff.longest,
            wait_jitter=self.backoff.jitter,
        ):
            if attempt.num > 1:
                RETRIES.labels(self.name, call.kind).inc()
            with attempt:
                return await self._attempt(call)
        raise AssertionError  # stamina returns the answer or raises the last error

    def _left(self) -> float:
        return (self.until - self.clock()).total_seconds()

    def _again(self, call: _Call, error: Exception) -> bool | float:
        if isinstance(error, AnswerLost):
            return call.repeatable
        if not isinstance(error, Retriable):
            return False
        if error.retry_at is None:
            return True
        wait = (error.retry_at - self.clock()).total_seconds()
        return max(wait, 0.0) if wait < self._left() else False

    async def _attempt(self, call: _Call) -> Answer:
        hop = call
        for _ in range(MAX_HOPS + 1):
            hop.sent = None
            answer = await self._sent(hop)
            if not 300 <= answer.status < 400:
                return await self._judged(answer, hop)
            hop = self._redirected(hop, answer)
        raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"{self.name} redirects in a circle")

    def _redirected(self, hop: _Call, answer: Answer) -> _Call:
        """The request that a redirect asks for. A redirected write says nothing about what was written."""
        if not hop.repeatable:
            raise AnswerLost(f"{self.name} answered a write with a redirect")
        url = self._pointed(answer.headers.get("location", ""))
        if answer.status in (307, 308):
            return replace(hop, url=url, params=None)
        return replace(hop, url=url, params=None, method="GET", content=None)

    async def _judged(self, answer: Answer, call: _Call) -> Answer:
        throttled = self.dialect.throttled(answer)
        if throttled is None and (answer.status < 500 or self.dialect.meant(answer)):
            return answer
        wait = retry_after(answer) if throttled is None else throttled
        if wait is not None:
            await self.pace.pause(min(wait, LONGEST_PAUSE))
        detail = f"{self.name} answered {answer.status} to {call.kind}"
        if throttled is not None:
            raise Retriable(detail, retry_at=self.clock() + timedelta(seconds=throttled))
        raise AnswerLost(detail)

    async def _sent(self, call: _Call) -> Answer:
        with WAIT_SECONDS.labels(self.name).time():
            await self.pace.acquire(call.cost, self.until)
        request = await self._signed(call)
        if self.permit is not None:
            await self.permit(self.timeout)
        with metered(self.name, call.kind) as told:
            try:
                answer = await self._read(request, call)
            except (httpx.RequestError, TimeoutError) as error:
                detail = f"{self.name} did not answer {call.kind} ({type(error).__name__})"
                if _never_sent(error, call.sent):
                    told.status = "unsent"
                    raise Retriable(detail) from error
                told.status = "timeout" if isinstance(error, TIMED_OUT) else "lost"
                raise AnswerLost(detail) from error
            except (AnswerTooLarge, AnswerLost):
                told.status = "too-large"
                raise
            told.answered(answer.status)
        return answer

    async def _signed(self, call: _Call) -> httpx.Request:
        """Sign before the permit is asked, so that fetching a token never eats into a lease."""
        request = self.client.build_request(
            call.method, call.url, params=call.params, content=call.content, headers=call.headers
        )
        flow = self.auth.async_auth_flow(request)
        try:
            request = await anext(flow)
        finally:
            await flow.aclose()
        request.extensions["trace"] = call.trace
        return request

    async def _read(self, request: httpx.Request, call: _Call) -> Answer:
        async with asyncio.timeout(self.timeout):
            response = await self.client.send(request, stream=True, auth=None, follow_redirects=False)
            try:
                body = await self._body(response, call)
            finally:
                await response.aclose()
        return Answer(response.status_code, response.headers, body)

    async def _body(self, response: httpx.Response, call: _Call) -> bytes:
        refused = response.status_code >= 400
        limit = min(call.max_bytes, MEBIBYTE) if refused else call.max_bytes
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > limit:
                break
        else:
            return bytes(body)
        if refused:
            return bytes(body[:limit])
        detail = f"{self.name} sent more than {limit} bytes to {call.kind}"
        if not call.repeatable:
            raise AnswerLost(detail)
        raise AnswerTooLarge(Reason.UPSTREAM_ANSWER_UNEXPECTED, detail)


def _never_sent(error: Exception, sent: bool | None) -> bool:
    return sent is False or isinstance(error, NEVER_SENT)
