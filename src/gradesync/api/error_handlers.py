"""Turn every error into a problem of the catalog."""

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_problem.error import Problem, StatusProblem
from fastapi_problem.handler import ExceptionHandler, add_exception_handler, new_exception_handler
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match

from gradesync.api.middleware import answers_head
from gradesync.api.problems import CATALOG, CHALLENGE, problem, type_template
from gradesync.api.schemas.render import sync_path
from gradesync.core.catalog import CATALOG as REASONS
from gradesync.core.catalog import read_detail
from gradesync.core.reasons import Reason
from gradesync.errors import DatabaseAway, RequestRefused, Retriable, SyncStopped

log = structlog.get_logger()

RETRY_AFTER = {"retry-after": "5"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HTTP_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


def install_handlers(app: FastAPI, public_url: str) -> None:
    """Turn every error of `app` into a problem of the catalog that shows no internals."""
    handler = new_exception_handler(
        handlers={
            RequestRefused: _handle_refused,
            SyncStopped: _handle_stopped,
            Retriable: _handle_unavailable,
            DatabaseAway: _handle_no_database,
        },
        unhandled_wrappers={"default": _Unexpected},
        http_exception_handler=_handle_http,
        request_validation_handler=_handle_invalid,
        documentation_uri_template=type_template(public_url),
    )
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    for error in (RequestRefused, SyncStopped, Retriable, DatabaseAway):
        app.add_exception_handler(error, handler)


def _handle_refused(_: ExceptionHandler, __: Request, error: RequestRefused) -> Problem:
    headers = dict(error.headers)
    if error.code == "token-not-accepted":
        headers[CHALLENGE] = 'Bearer error="invalid_token"'
    if error.code == "sync-in-progress":
        running = error.extensions
        headers["location"] = sync_path(str(running["section_id"]), str(running["sync_id"]))
    if error.code == "run-in-progress":
        headers["location"] = f"/runs/{error.extensions['run_id']}"
    return problem(error.code, error.detail, headers=headers, extensions=error.extensions)


def _handle_stopped(_: ExceptionHandler, __: Request, error: SyncStopped) -> Problem:
    """Describe the refusal of a live read with the texts of the reason catalog."""
    if error.reason == Reason.SECTION_NOT_FOUND:
        return problem("section-not-found")
    reason = REASONS[Reason(error.reason)]
    return problem("upstream-refused", reason.title, extensions={"reason": error.reason, "fix": reason.fix})


def _handle_unavailable(_: ExceptionHandler, __: Request, error: Retriable) -> Problem:
    """Name the system that didn't respond, where it is known."""
    facts = read_detail(error.detail)
    detail = REASONS[Reason.UPSTREAM_UNAVAILABLE].describe(facts) if facts else None
    return problem("upstream-unavailable", detail, headers=RETRY_AFTER)


def _handle_no_database(_: ExceptionHandler, __: Request, error: DatabaseAway) -> Problem:
    log.warning("database.unreachable", error=error.cause)
    return problem("service-unavailable", headers=RETRY_AFTER)


class _Unexpected(StatusProblem):
    """Report an unexpected error without its text, which may contain anything."""

    title = CATALOG["internal-error"].title
    type_ = "internal-error"

    def __init__(self, _: str) -> None:
        # The server closes the connection after it: unannounced, a client may send its next request there.
        headers = {"connection": "close"}
        super().__init__(headers=headers, code=self.type_, fix=CATALOG["internal-error"].fix)


def _handle_http(_: ExceptionHandler, request: Request, error: HTTPException) -> Problem:
    headers = {"allow": _allowed(request)} if error.status_code == 405 else error.headers
    return problem(HTTP_STATUS.get(error.status_code, "request-not-readable"), headers=headers)


def _allowed(request: Request) -> str:
    """Return every method of the address. A route knows only its own, and an address may have several."""
    found = []
    for method in METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found += ["GET", "HEAD"] if method == "GET" and answers_head(scope["path"]) else [method]
    return ", ".join(found)


def _handle_invalid(_: ExceptionHandler, __: Request, error: RequestValidationError) -> Problem:
    """List where and what is wrong, never the input itself: it may contain what must not be repeated."""
    errors = [
        {"at": [_short(part) for part in entry["loc"]], "type": entry["type"], "message": entry["msg"]}
        for entry in error.errors()
    ]
    return problem("request-not-valid", extensions={"errors": errors})


def _short(part: str | int) -> str | int:
    return part if isinstance(part, int) else part[:64]
