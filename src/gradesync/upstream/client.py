"""Call one upstream system of one district: rate limited, signed, bounded, retried where that is safe."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from time import monotonic
from typing import TypeAlias
from urllib.parse import urlencode

import httpx
import stamina

from gradesync.core.ports import Permit
from gradesync.core.reasons import Reason
from gradesync.errors import AnswerLost, CertificateRefused, Retriable, SyncStopped, find_untrusted
from gradesync.upstream.limits import SHORTAGE_PAUSE, Budget, is_shortage, limit_steps
from gradesync.upstream.response import (
    MAX_BYTES,
    MEBIBYTE,
    RETRIES,
    Dialect,
    PlainDialect,
    ResponseTooLarge,
    UpstreamResponse,
    measure_call,
    retry_after,
    wait_seconds,
)

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
TIMED_OUT = (TimeoutError, httpx.TimeoutException)
MAX_HOPS, LONGEST_PAUSE = 3, 3600.0
# Sent with every call, beside its own; the encodings are those that httpx always decodes.
HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "gradesync"}
# Names as people read them.
TITLES = {"powerschool": "PowerSchool", "schoology": "Schoology", "oneroster": "The SIS"}

Params: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Set how often a call is tried, and the seconds between tries: exponential, jittered, capped."""

    attempts: int = 5
    initial: float = 0.2
    longest: float = 5.0
    jitter: float = 0.3


@dataclass(slots=True)
class _Call:
    kind: str
    method: str
    url: httpx.URL
    content: bytes | None
    headers: Mapping[str, str] | None
    cost: int
    max_bytes: int
    repeatable: bool
    sent: bool | None = None  # None until the transport reports it: transports for tests don't

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        """Note from httpcore's events what reached the wire."""
        if event.endswith("send_request_headers.started"):
            self.sent = True
        elif event == "connection.connect_tcp.started":
            self.sent = False


# All creates of a section, and all reads of its lists, go to few addresses.
read_url = lru_cache(maxsize=1024)(httpx.URL)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Call one upstream system of one district.

    `base_url` is the prefix of every path. `permit` guards each send, None
    where no lease is involved. `gate` is held by each attempt, where the system bounds calls at once. Retries
    stop at `until`. `timeout` is the total time of one attempt in seconds, slow responses included.
    """

    name: str
    base_url: str
    auth: httpx.Auth
    transport: httpx.AsyncBaseTransport
    budget: Budget
    until: datetime
    permit: Permit | None = None
    gate: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
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
        max_bytes: int = MAX_BYTES,
    ) -> UpstreamResponse:
        """Send one request and read its whole response; every status below 500 but throttling is an answer.

        `kind` names the call in metrics. `repeatable`: a read, which may be sent again after its response was
        lost; any other call is sent again only where nothing can have happened. Raises `Retriable`,
        `AnswerLost` (never for a repeatable call), `SyncStopped("upstream-answer-unexpected")` for other
        hosts and (`ResponseTooLarge`) over `max_bytes`, and what `permit` raises.
        """
        url = self._url(f"{path_or_url}?{urlencode(params)}" if params else path_or_url)
        call = _Call(kind, method, url, content, headers, cost, max_bytes, repeatable)
        try:
            response = await self._send_with_retries(call)
        except Retriable as error:
            if error.retry_at is None:  # otherwise it is only too early
                await self.budget.report(False)
            raise
        except AnswerLost as error:
            self._note_lost(call)
            await self.budget.report(False)
            if repeatable:
                raise Retriable(error.detail) from error
            raise
        await self.budget.report(True)
        return response

    def _note_lost(self, call: _Call) -> None:
        if self.permit is not None and not call.repeatable:
            self.permit.note_lost(self.timeout)

    def _url(self, path_or_url: str) -> httpx.URL:
        if path_or_url.startswith(("https://", "http://")):
            return self._linked(path_or_url)
        return read_url(self.base_url.rstrip("/") + path_or_url)

    def _linked(self, address: str) -> httpx.URL:
        """Return an address that the upstream gave us; it may not lead to another host."""
        base = read_url(self.base_url)
        try:
            url = base.join(address)
        except httpx.InvalidURL:
            url = httpx.URL()
        if (base.scheme, base.host, base.port) != (url.scheme, url.host, url.port):
            raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"{self.name} points to another host")
        return url

    async def _send_with_retries(self, call: _Call) -> UpstreamResponse:
        try:  # most calls need no more than this, and none of what counts attempts
            return await self._attempt(call)
        except (Retriable, AnswerLost) as error:
            if (left := self._remaining()) <= 0:
                raise
            first = error
        async for attempt in stamina.retry_context(
            on=partial(self._should_retry, call),
            attempts=self.backoff.attempts,
            timeout=left,
            wait_initial=self.backoff.initial,
            wait_max=self.backoff.longest,
            wait_jitter=self.backoff.jitter,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                RETRIES.labels(self.name, call.kind).inc()
                return await self._attempt(call)
        raise AssertionError  # stamina returns the response or raises the last error

    def _remaining(self) -> float:
        return (self.until - self.clock()).total_seconds()

    def _should_retry(self, call: _Call, error: Exception) -> bool | float:
        if isinstance(error, AnswerLost):
            return call.repeatable
        if not isinstance(error, Retriable) or isinstance(error, CertificateRefused):
            return False
        if error.retry_at is None:
            return True
        wait = (error.retry_at - self.clock()).total_seconds()
        return max(wait, 0.0) if wait < self._remaining() else False

    async def _attempt(self, call: _Call) -> UpstreamResponse:
        hop = call
        for _ in range(MAX_HOPS + 1):
            hop.sent = None
            if self.permit is not None:
                await self.permit.wait_turn()
            async with self.gate:
                response = await self._send(hop)
            if not 300 <= response.status < 400:
                return await self._check(response, hop)
            hop = self._follow_redirect(hop, response)
        raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"{self.name} redirects in a circle")

    def _follow_redirect(self, hop: _Call, response: UpstreamResponse) -> _Call:
        """Return the request that a redirect asks for."""
        if not hop.repeatable:  # a redirected write doesn't show what was written
            raise AnswerLost(f"{self.name} answered a write with a redirect")
        url = self._linked(response.headers.get("location", ""))
        if response.status in (307, 308):
            return replace(hop, url=url)
        return replace(hop, url=url, method="GET", content=None)

    async def _check(self, response: UpstreamResponse, call: _Call) -> UpstreamResponse:
        throttled = self.dialect.throttled(response, call.kind)
        if throttled is None and (response.status < 500 or self.dialect.is_answer(response, call.kind)):
            return response
        wait = retry_after(response) if throttled is None else throttled
        if wait is not None:
            await self.budget.pause(min(wait, LONGEST_PAUSE))
        detail = f"{self.name} answered {response.status} to {call.kind}"
        if throttled is not None:
            raise Retriable(detail, retry_at=self.clock() + timedelta(seconds=throttled))
        raise AnswerLost(detail)

    async def _send(self, call: _Call) -> UpstreamResponse:
        with wait_seconds(self.name).time():
            await self.budget.acquire(call.cost, self.until)
        request = await self._sign(call)
        if self.permit is not None:
            await self.permit(self.timeout)
        with measure_call(self.name, call.kind) as result:
            try:
                response = await self._read(request, call)
            except (httpx.RequestError, TimeoutError) as error:
                title = TITLES.get(self.name, self.name)
                detail = f"{title} did not answer {call.kind} ({type(error).__name__})"
                if (untrusted := find_untrusted(error)) is not None:
                    result.status = "unsent"
                    detail = f"the certificate of {title} is not trusted: {untrusted.verify_message}"
                    raise CertificateRefused(detail) from error
                if is_shortage(error):  # which shows nothing of the upstream
                    result.status = "unsent"
                    raise Retriable(detail, retry_at=self.clock() + SHORTAGE_PAUSE) from error
                if call.sent is False or isinstance(error, NEVER_SENT):
                    result.status = "unsent"
                    raise Retriable(detail) from error
                timed_out = isinstance(error, TIMED_OUT)
                result.status = "timeout" if timed_out else "lost"
                raise AnswerLost(detail, lands=monotonic() + self.timeout if timed_out else 0.0) from error
            except asyncio.CancelledError:
                self._note_lost(call)
                raise
            except (ResponseTooLarge, AnswerLost):
                result.status = "too-large"
                raise
            result.record_status(response.status)
        return response

    async def _sign(self, call: _Call) -> httpx.Request:
        """Sign a call, before its permit: fetching a token never uses up the lease."""
        request = httpx.Request(
            call.method,
            call.url,
            headers={**HEADERS, **(call.headers or {})},
            content=call.content,
            extensions={"trace": call.trace, "timeout": limit_steps(self.timeout)},
        )
        flow = self.auth.async_auth_flow(request)
        try:
            return await anext(flow)
        finally:
            await flow.aclose()

    async def _read(self, request: httpx.Request, call: _Call) -> UpstreamResponse:
        async with asyncio.timeout(self.timeout):
            response = await self.transport.handle_async_request(request)
            try:
                body = await self._read_body(response, call)
            finally:
                await response.aclose()
        return UpstreamResponse(response.status_code, response.headers, body)

    async def _read_body(self, response: httpx.Response, call: _Call) -> bytes:
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
        body.clear()  # an error keeps this frame for a while, and a body is large
        detail = f"{self.name} sent more than {limit} bytes to {call.kind}"
        if not call.repeatable:
            raise AnswerLost(detail)
        raise ResponseTooLarge(Reason.UPSTREAM_ANSWER_UNEXPECTED, detail)
