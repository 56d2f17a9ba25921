"""Build the simulator as an ASGI app."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradesync_sandbox.oneroster import auth, reads, writes
from gradesync_sandbox.oneroster.kinds import kind_of
from gradesync_sandbox.oneroster.objects import Shown
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.oneroster.wire import Refused, refuse
from gradesync_sandbox.powerschool.log import Call

TOKEN_PATH = "/oauth/token"
ROSTERING, GRADEBOOK, OLD = (
    "/ims/oneroster/rostering/v1p2",
    "/ims/oneroster/gradebook/v1p2",
    "/ims/oneroster/v1p1",
)
Read = Callable[[OneRoster, Request, Shown], Response]
Write = Callable[[OneRoster, Request, bytes, Shown, Call], Response]
ROSTER_READS: dict[str, Read] = {
    "/classes": reads.list_classes,
    "/classes/{id}": reads.read_class,
    "/classes/{id}/students": reads.list_students,
    "/teachers": reads.list_teachers,
    "/teachers/{id}/classes": reads.list_taught,
    "/users": reads.list_users,
    "/classes/{id}/teachers": reads.list_class_teachers,
    "/academicSessions": reads.list_terms,
    "/academicSessions/{id}": reads.read_term,
    "/terms/{id}": reads.read_term,
    "/terms/{id}/gradingPeriods": reads.list_grading_periods,
}
GRADEBOOK_READS: dict[str, Read] = {
    "/categories": reads.list_categories,
    "/classes/{id}/categories": reads.list_class_categories,
    "/lineItems": reads.list_line_items,
    "/classes/{id}/lineItems": reads.list_line_items,
    "/classes/{id}/lineitems": reads.list_line_items,
    "/classes/{id}/results": reads.list_results,
    "/classes/{id}/lineItems/{line_item}/results": reads.list_results,
    "/classes/{id}/lineitems/{line_item}/results": reads.list_results,
    "/classes/{id}/students/{student}/results": reads.list_results,
    "/lineItems/{id}": reads.read_line_item,
    "/results/{id}": reads.read_result,
}
WRITES: dict[tuple[str, str], Write] = {
    ("PUT", "/lineItems/{id}"): writes.put_line_item,
    ("PUT", "/lineitems/{id}"): writes.put_line_item,
    ("DELETE", "/lineItems/{id}"): writes.delete_line_item,
    ("DELETE", "/lineitems/{id}"): writes.delete_line_item,
    ("PUT", "/results/{id}"): writes.put_result,
    ("POST", "/lineItems/{id}/results"): writes.post_results,
    ("POST", "/lineitems/{id}/results"): writes.post_results,
    ("DELETE", "/results/{id}"): writes.delete_result,
}
SCOPES = {"PUT": "gradebook.createput", "POST": "gradebook.createpost", "DELETE": "gradebook.delete"}
TOO_MANY = Refused(429, "server_busy", "Too many calls")
Endpoint = Callable[[Request], object]


def create_app(face: OneRoster) -> ASGIApp:
    """Return a server of this face. Its state may be changed while it serves, in the same event loop."""
    old = face.demands.old
    rostering, gradebook = (OLD, OLD) if old else (ROSTERING, GRADEBOOK)
    writing = [(gradebook + path, method, _writing(face, write)) for (method, path), write in WRITES.items()]
    reading = [
        *(
            (rostering + path, "GET", _reading(face, read, "roster.readonly"))
            for path, read in ROSTER_READS.items()
        ),
        *(
            (gradebook + path, "GET", _reading(face, read, "gradebook.readonly"))
            for path, read in GRADEBOOK_READS.items()
        ),
    ]
    routes = [Route(path, endpoint, methods=[method]) for path, method, endpoint in [*writing, *reading]]
    routes.append(Route(TOKEN_PATH, _issuing(face), methods=["POST"]))
    inner = Starlette(routes=routes, exception_handlers={404: _unserved(face), 405: _unserved(face)})
    inner.router.redirect_slashes = False
    return _logged(face, inner)


def _unserved(face: OneRoster) -> Callable[[Request, Exception], Response]:
    """Refuse what this server doesn't have as it refuses all else."""

    def respond(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return refuse(Refused(status, "unknownobject", "There is no such path"), face.demands)

    return respond


def _issuing(face: OneRoster) -> Endpoint:
    async def respond(request: Request) -> Response:
        return auth.issue_token(face, request, await request.body())

    return respond


def _reading(face: OneRoster, read: Read, scope: str) -> Endpoint:
    async def respond(request: Request) -> Response:
        try:
            auth.check_access(face, request, scope)
            return read(face, request, _shown(face, request))
        except Refused as refused:
            return refuse(refused, face.demands)

    return respond


def _writing(face: OneRoster, write: Write) -> Endpoint:
    async def respond(request: Request) -> Response:
        raw = await request.body()
        try:
            auth.check_access(face, request, SCOPES[request.method])
            return write(face, request, raw, _shown(face, request), request.scope["call"])
        except Refused as refused:
            response = refuse(refused, face.demands)
            return answer_ok(response) if face.switches.ok_failures else response

    return respond


def answer_ok(response: Response) -> Response:
    """Return a refusal as servers send it that answer 200 to everything."""
    return Response(bytes(response.body), 200, {"content-type": "application/json"})


def _shown(face: OneRoster, request: Request) -> Shown:
    base = OLD if face.demands.old else GRADEBOOK
    return Shown(face, f"{request.url.scheme}://{request.url.netloc}{base}")


def _logged(face: OneRoster, inner: ASGIApp) -> ASGIApp:
    """Note each call on arrival, let the latency pass, note how it was answered, and date the answer."""
    log, switches = face.sis.log, face.sis.switches

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        call = Call(time.monotonic(), kind_of(method, path, query), method, path, query)
        log.arrive(call)
        try:
            await asyncio.sleep(switches.latency)
            noting = _noting(face, call, send)
            if _is_too_many(face):
                await refuse(TOO_MANY, face.demands)(scope, receive, noting)
            else:
                await inner({**scope, "call": call}, receive, noting)
        finally:
            log.leave()

    return app


def _is_too_many(face: OneRoster) -> bool:
    """Return whether this call is one more than the server takes, at once or within a minute."""
    log, demands = face.sis.log, face.demands
    if demands.at_once is not None and log.in_flight > demands.at_once:
        return True
    if demands.per_minute is None:
        return False
    since = time.monotonic() - 60
    return sum(call.at > since for call in log.calls) > demands.per_minute


def _noting(face: OneRoster, call: Call, send: Send) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
            MutableHeaders(scope=message)["date"] = formatdate(face.sis.now(), usegmt=True)
        await send(message)

    return noting
