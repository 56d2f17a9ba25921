"""Gives every request an id, by which its log lines are found, and a span, by which what it set going is."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from gradesync.observability.tracing import Span, begun

HEADER = "x-request-id"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds is no beginning of a trace."""


class Identified:
    """Binds `request_id` to all that is logged for a request, and answers it as `X-Request-Id`.

    A well-formed one of the caller is taken over, and so is a W3C `traceparent`. A span has the method, the
    template of the route and the status, never the address: addresses hold ids, and queries hold more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        request_id = given if WELL_FORMED.fullmatch(given) else uuid4().hex
        # Stays bound when the request is over: the server logs in the same context what nobody caught.
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        if scope["path"] in QUIET:
            return await self._app(scope, receive, _naming(send, request_id))
        method = str(scope["method"])
        facts = {"http.request.method": method, "gradesync.request.id": request_id}
        parent = headers.get("traceparent")
        with begun(method, facts, kind="server", parent=parent) as span:
            await self._app(scope, receive, _telling(_naming(send, request_id), span, scope))


def _naming(send: Send, request_id: str) -> Send:
    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[HEADER] = request_id
        await send(message)

    return named


def _telling(send: Send, span: Span, scope: Scope) -> Send:
    """Tell the span the route that was found and the status that it answers."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            route = getattr(scope.get("route"), "path", None) or scope.get("root_path", "")
            span.rename(f"{scope['method']} {route}".rstrip())
            span.tell({"http.route": route, "http.response.status_code": message["status"]})
            if message["status"] >= 500:
                span.fail()
        await send(message)

    return told
