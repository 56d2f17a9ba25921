"""Build the simulator as an ASGI app."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradesync_sandbox.powerschool import assignments, auth, categories, schema, scores, v1
from gradesync_sandbox.powerschool.kinds import kind_of
from gradesync_sandbox.powerschool.log import Call
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import Refused, json_response

Handler = Callable[[PowerSchool, Request, bytes, Call], Response]


def _reading(handler: Callable[[PowerSchool, Request], Response]) -> Handler:
    return lambda sis, request, raw, call: handler(sis, request)


HANDLERS: dict[tuple[str, str], Handler] = {
    ("POST", "/oauth/access_token"): lambda sis, request, raw, call: auth.issue_token(sis, request, raw),
    ("GET", "/ws/v1/metadata"): _reading(v1.metadata),
    ("GET", "/ws/v1/section/{dcid}"): _reading(v1.read_section),
    ("GET", "/ws/v1/section/{dcid}/section_enrollment"): _reading(v1.read_enrollments),
    ("GET", "/ws/schema/table/{table}"): _reading(schema.read_table),
    ("GET", "/ws/schema/table/{table}/count"): _reading(schema.count_table),
    ("GET", "/ws/schema/table/{table}/metadata"): _reading(schema.describe_table),
    ("GET", "/ws/schema/table/{table}/{key:int}"): _reading(schema.read_record),
    ("GET", "/ws/v1/section/{dcid}/section_enrollment/count"): _reading(v1.count_enrollments),
    ("GET", "/ws/v1/district/school"): _reading(v1.list_schools),
    ("GET", "/ws/v1/school/{dcid}/section"): _reading(v1.list_sections),
    ("GET", "/ws/v1/school/{dcid}/section/count"): _reading(v1.count_sections),
    ("GET", "/ws/xte/teacher_category"): _reading(categories.list_categories),
    ("GET", "/ws/xte/section/assignment"): _reading(assignments.list_assignments),
    ("POST", "/ws/xte/section/assignment"): assignments.create_assignment,
    ("GET", "/ws/xte/section/assignment/{assignmentid}"): _reading(assignments.read_assignment),
    ("PUT", "/ws/xte/section/assignment/{assignmentid}"): assignments.update_assignment,
    ("DELETE", "/ws/xte/section/assignment/{assignmentid}"): (
        lambda sis, request, raw, call: assignments.delete_assignment(sis, request, call)
    ),
    ("PUT", "/ws/xte/score"): scores.write_scores,
}


def create_app(sis: PowerSchool) -> ASGIApp:
    """Return a server of this district. Its state may be changed while it serves, in the same event loop."""
    by_path: dict[str, dict[str, Handler]] = {}
    for (method, path), handler in HANDLERS.items():
        by_path.setdefault(path, {})[method] = handler
    routes = [
        Route(path + slash, _endpoint(sis, handlers), methods=list(handlers))
        for path, handlers in by_path.items()
        for slash in ("", "/")
    ]
    for route in routes:
        route.methods = {method for method in route.methods or () if method != "HEAD"}
    inner = Starlette(routes=routes)
    inner.router.redirect_slashes = False
    return _logged(sis, inner)


def _endpoint(sis: PowerSchool, handlers: dict[str, Handler]) -> Callable[[Request], object]:
    async def respond(request: Request) -> Response:
        call: Call = request.scope["call"]
        raw = await request.body()
        try:
            if call.kind != "token":
                auth.check_token(sis, request)
                auth.check_interval(sis, call.at)
            return handlers[request.method](sis, request, raw, call)
        except Refused as refused:
            return json_response(refused.body, refused.status, refused.headers)

    return respond


def _logged(sis: PowerSchool, inner: ASGIApp) -> ASGIApp:
    """Note each call on arrival, let the latency pass, note how it was answered, and date the answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        call = _call(scope)
        sis.log.arrive(call)
        try:
            await asyncio.sleep(sis.switches.latency)
            await inner({**scope, "call": call}, receive, _noting(sis, call, send))
        finally:
            sis.log.leave()

    return app


def _call(scope: Scope) -> Call:
    method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
    inside = path.removeprefix(scope.get("root_path", ""))
    return Call(time.monotonic(), kind_of(method, inside, query), method, inside, query)


def _noting(sis: PowerSchool, call: Call, send: Send) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
            MutableHeaders(scope=message)["date"] = formatdate(sis.now(), usegmt=True)
        await send(message)

    return noting
