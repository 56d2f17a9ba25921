"""Wrap every request and response: request id, trace, body limit, headers for browsers, and its route.

Each route refuses query parameters that it does not declare, and is analyzed where a request first comes by.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from gradesync.observability.tracing import Span, start_span

REQUEST_ID = "x-request-id"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Machines call these every few seconds: they start no trace.
UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
SAFE_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-content-type-options", b"nosniff"),
)


class RequestIds:
    """Bind `request_id` to every log line of a request, and return it as `X-Request-Id`.

    Takes over a well-formed id of the caller, and a W3C `traceparent`. The request's span has the method, the
    template of the route and the status, never the address: addresses contain ids, and queries contain more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        given_id = headers.get(REQUEST_ID, "")
        request_id = given_id if WELL_FORMED.fullmatch(given_id) else uuid4().hex
        # Stays bound when the request is over: the server logs uncaught errors in the same context.
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        if scope["path"] in UNTRACED:
            return await self._app(scope, receive, _add_request_id(send, request_id))
        method = str(scope["method"])
        attributes = {"http.request.method": method, "gradesync.request.id": request_id}
        parent = headers.get("traceparent")
        with start_span(method, attributes, kind="server", parent=parent) as span:
            await self._app(scope, receive, _trace_response(_add_request_id(send, request_id), span, scope))


def _add_request_id(send: Send, request_id: str) -> Send:
    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[REQUEST_ID] = request_id
        await send(message)

    return send_with_id


def _trace_response(send: Send, span: Span, scope: Scope) -> Send:
    """Record on the span the matched route and the status of the response."""

    async def send_traced(message: Message) -> None:
        if message["type"] == "http.response.start":
            route = getattr(scope.get("route"), "path", None) or scope.get("root_path", "")
            span.rename(f"{scope['method']} {route}".rstrip())
            span.set_attributes({"http.route": route, "http.response.status_code": message["status"]})
            if message["status"] >= 500:
                span.fail()
        await send(message)

    return send_traced


class SafeHeaders:
    """Add headers that keep browsers from doing more with a response than it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                more = (header for header in SAFE_HEADERS if header[0] not in given)
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, send_guarded)


def answers_head(path: str) -> bool:
    """Return whether HEAD is answered as GET is: not at a stream, which it would hold open."""
    return not path.endswith("/events")


class HeadRequests:
    """Answer HEAD as GET, without the body (RFC 9110 section 9.3.2): monitors and proxies send it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or not answers_head(scope["path"]):
            return await self._app(scope, receive, send)
        # The server must go on seeing HEAD: it expects no body then.
        inner = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["route"] = inner.get("route")
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app(inner, receive, send_head)


class BodyLimit:
    """Refuse bodies of more than `max_bytes`: unread where they declare it, else as soon as it shows."""

    def __init__(self, app: ASGIApp, max_bytes: int, refusal: Response) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            return await self._refusal(scope, receive, send)
        remaining = self._max_bytes

        async def receive_bounded() -> Message:
            nonlocal remaining
            message = await receive()
            remaining -= len(message.get("body", b""))
            if remaining < 0:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_bounded, send)


async def refuse_unknown(request: Request) -> None:
    """Refuse a request with an unknown query parameter, or a repeated one. Raises `RequestValidationError`.

    A filter with a typing error would otherwise return everything, as if it had matched, and one that is
    given twice what matches its last value alone.
    """
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    given = Counter(name for name, _ in request.query_params.multi_items())
    unknown = given.keys() - set(_declared(route.dependant))
    refused = dict.fromkeys(unknown, ("extra_forbidden", "There is no such parameter"))
    for name in [name for name, times in given.items() if times > 1 and name not in unknown]:
        refused[name] = "repeated", "Give this parameter once"
    if refused:
        raise RequestValidationError(
            [
                {"loc": ("query", name), "type": kind, "msg": words}
                for name, (kind, words) in sorted(refused.items())
            ]
        )


def _declared(dependant: Dependant) -> Iterator[str]:
    """Return the names of the query parameters of a route, with those of its dependencies."""
    for field in dependant.query_params:
        yield field.alias
    for each in dependant.dependencies:
        yield from _declared(each)


def _operation_id(route: APIRoute) -> str:
    return route.name


class Router(APIRouter):
    """Keep the routes that a module declares with its decorators until one is asked for.

    FastAPI analyzes a route where it is declared and again where its router is included. Both would delay the
    start of a process, and the first is for nothing. Routes without a tag are not in the document.
    """

    def __init__(self, tag: str | None = None, *, prefix: str = "") -> None:
        super().__init__(
            prefix=prefix,
            tags=[] if tag is None else [tag],
            include_in_schema=tag is not None,
            dependencies=[Depends(refuse_unknown)],
            generate_unique_id_function=_operation_id,
        )
        self._declared: list[Callable[[], None]] = []

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Keep the route of a decorator."""
        self._declared.append(partial(super().add_api_route, path, endpoint, **options))

    @cached_property
    def built(self) -> list[BaseRoute]:
        """Return the routes, analyzed the first time. Raises what FastAPI raises for a wrong declaration."""
        while self._declared:
            self._declared[0]()  # a wrong one stays, and raises again where the routes are asked for again
            del self._declared[0]
        return self.routes


class LateRoutes(BaseRoute):
    """Match and serve the routes of a module as an application does its own."""

    def __init__(self, router: Router) -> None:
        self.router = router

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the best match, and with it the route, which stands in the scope."""
        best: tuple[Match, Scope] = Match.NONE, {}
        for route in self.router.built:
            found = route.matches(scope)
            if found[0] is Match.FULL:
                return found
            if best[0] is Match.NONE:
                best = found
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve by the route that matched."""
        await scope["route"].handle(scope, receive, send)
