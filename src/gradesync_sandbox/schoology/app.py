"""Serve the simulated Schoology: signature, limit, log, and then the response."""

import asyncio
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import msgspec
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gradesync_sandbox.schoology.api import ApiRequest, ApiResponse
from gradesync_sandbox.schoology.log import Call
from gradesync_sandbox.schoology.model import Credential, Role, User
from gradesync_sandbox.schoology.oauth import UnauthorizedError, Verifier
from gradesync_sandbox.schoology.routes import PREFIX, find, kind_of, multiget, respond
from gradesync_sandbox.schoology.state import Schoology
from gradesync_sandbox.schoology.throttle import Throttle

REAL_HOST = "api.schoology.com"
TEXT = "text/plain; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
XML = '<?xml version="1.0" encoding="utf-8" ?>\n<result></result>\n'
encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass
class SchoologyApp:
    """Serve Schoology's API over one `Schoology`; its addresses begin with `/v1`."""

    state: Schoology
    verify: Verifier = field(init=False)
    throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self.verify = Verifier(self.state.credentials)
        self.throttle = Throttle(self.state.switches)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = self._arrived(request)
        response = await self._respond(request, call)
        await asyncio.sleep(self.state.switches.latency)
        call.status = response.status
        await self._response(request, response)(scope, receive, send)

    def _arrived(self, request: Request) -> Call:
        path = request.url.path
        kind = kind_of(request.method, path)
        call = Call(time.monotonic(), kind, request.method, path, request.url.query)
        if kind == "multiget":
            call.cost = self.state.switches.multiget_cost
        self.state.log.arrive(call)
        return call

    async def _respond(self, request: Request, call: Call) -> ApiResponse:
        try:
            header = request.headers.get("authorization")
            credential = self.verify(request.method, str(request.url), header)
        except UnauthorizedError as refusal:
            return ApiResponse(401, str(refusal))
        call.key = credential.key
        if not credential.allowed:
            return ApiResponse(401)
        wait = self.throttle.wait(credential.key, call.cost, call.at)
        if wait is not None:
            headers = {"retry-after": str(wait)} if self.state.switches.retry_after else {}
            return ApiResponse(429, "Rate limit exceeded", headers)
        caller = self._acting(request, credential)
        return ApiResponse(403) if caller is None else await self._dispatch(request, call, caller)

    def _acting(self, request: Request, credential: Credential) -> User | None:
        """Return the user whose rights count.

        None where acting as another is not allowed, or the other is unknown.
        """
        owner = self.state.users[credential.uid]
        other = request.headers.get("x-schoology-run-as")
        if other is None:
            return owner
        may = owner.role is Role.SYSTEM_ADMIN and self.state.switches.impersonation
        return self.state.users.get(int(other)) if may and other.isdecimal() else None

    async def _dispatch(self, request: Request, call: Call, caller: User) -> ApiResponse:
        path = request.url.path.removeprefix(PREFIX)
        if path == request.url.path:
            return ApiResponse(404)
        if request.method == "GET" and call.kind != "multiget":
            return respond(
                ApiRequest(self.state, caller, self._base(request), path, dict(request.query_params))
            )
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return ApiResponse(415 if request.method != "GET" else 405)
        if request.method == "POST" and call.kind == "multiget":
            return await self._multiget(request, call, caller)
        return ApiResponse(405 if call.kind == "multiget" or find(path) else 404)

    async def _multiget(self, request: Request, call: Call, caller: User) -> ApiResponse:
        try:
            body: Any = msgspec.json.decode(await request.body())
        except msgspec.DecodeError:
            return ApiResponse(400, "Invalid JSON")
        response = multiget(self.state, caller, self._base(request), body)
        if response.status == 200:
            call.inner = list(body["request"])
        return response

    def _base(self, request: Request) -> str:
        scheme = self.state.switches.links_scheme
        called = _called(request)
        return f"{called.scheme if scheme == 'as_called' else scheme}://{called.netloc}{PREFIX}"

    def _response(self, request: Request, response: ApiResponse) -> Response:
        headers = {
            "x-schoology": "API",
            "cache-control": "no-cache, must-revalidate, post-check=0, pre-check=0",
            "date": formatdate(self.state.now(), usegmt=True),
            **response.headers,
        }
        if response.body is None:
            return Response(status_code=response.status, headers=headers)
        if isinstance(response.body, str):
            return Response(response.body, response.status, headers, TEXT)
        if not _reads_json(request):
            return Response(XML, response.status, headers, "text/xml; charset=UTF-8")
        return Response(encode(response.body), response.status, headers, JSON)


def _called(request: Request) -> URL:
    """Return the URL that was called. Some clients send the real host's name wherever they call."""
    if request.headers.get("host") != REAL_HOST:
        return request.url
    host, port = request.scope["server"]
    return request.url.replace(hostname=host, port=port)


def _reads_json(request: Request) -> bool:
    """Return whether the client asked for JSON; a client that accepts anything may get XML."""
    asked = (request.headers.get("accept", ""), request.headers.get("content-type", ""))
    return any("application/json" in header for header in asked)
