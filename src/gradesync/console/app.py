"""Build the application mounted at `/console`, sign-in and setup: errors are pages, or JSON for scripts."""

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gradesync.console import setup
from gradesync.console.provider import Providers
from gradesync.console.settings import Parse, SettingsRefused
from gradesync.console.sign_in import TOOL, callback, sign_in
from gradesync.core.district import OIDC
from gradesync.errors import RequestRefused, name_cause
from gradesync.lti import responses
from gradesync.lti.app import HANDLED, find_code
from gradesync.lti.tool import Tool
from gradesync.runtime import Runtime

log = structlog.get_logger(__name__)


SETUP = "/setup/"


def console_app(runtime: Runtime, parse: Parse) -> Starlette:
    """Return the application: the way to a district's provider and back, and setup by invitation."""
    app = Starlette(
        routes=[
            Route("/sign-in", sign_in),
            # One level deep: the page finds the API and its files from its own address.
            Route("/callback-{district}", callback),
            Route("/setup", setup.page),
            Route(f"{SETUP}session", setup.open_session, methods=["POST"]),
            Route(f"{SETUP}district", setup.show_or_save, methods=["GET", "PUT"]),
            Route(f"{SETUP}check", setup.check, methods=["POST"]),
            Route(f"{SETUP}sync", setup.show_newest_sync, methods=["GET"]),
        ],
        exception_handlers=dict.fromkeys((SettingsRefused, *HANDLED), _handle_error),
    )
    app.state.parse = parse
    app.router.redirect_slashes = False
    app.state.tool = Tool.of(runtime)
    app.state.providers = Providers(runtime.client, runtime.platform_keys, runtime.clock)
    return app


async def _handle_error(request: Request, error: Exception) -> Response:
    if isinstance(error, SettingsRefused):
        return setup.render_mistakes(error)
    code, subject = find_code(error), ""
    if isinstance(error, RequestRefused) and code == "console-not-allowed":
        subject = error.detail.removeprefix(OIDC)  # shown to the person whose it is, and in no log
    elif isinstance(error, RequestRefused):
        log.info("sign-in.refused", code=code, detail=error.detail)
    else:
        log.info("sign-in.refused", code=code, detail=name_cause(error))
    is_script = SETUP in request.url.path
    response = (
        responses.json_refusal(code) if is_script else responses.refusal(code, tool=TOOL, subject=subject)
    )
    return responses.with_headers_of(response, error)
