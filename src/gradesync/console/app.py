"""Build the application of the console's sign-in, mounted at `/console`: its errors are pages."""

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gradesync.access.console import OIDC
from gradesync.console.provider import Providers
from gradesync.console.sign_in import TOOL, callback, sign_in
from gradesync.errors import RequestRefused, name_cause
from gradesync.lti import responses
from gradesync.lti.app import HANDLED, find_code
from gradesync.lti.tool import Tool
from gradesync.runtime import Runtime

log = structlog.get_logger(__name__)


def console_app(runtime: Runtime) -> Starlette:
    """Return the application: the way to a district's provider, and back."""
    app = Starlette(
        routes=[Route("/sign-in", sign_in), Route("/callback", callback)],
        exception_handlers=dict.fromkeys(HANDLED, _handle_error),
    )
    app.router.redirect_slashes = False
    app.state.tool = Tool.of(runtime)
    app.state.providers = Providers(runtime.client, runtime.platform_keys, runtime.clock)
    return app


async def _handle_error(request: Request, error: Exception) -> Response:
    code, subject = find_code(error), ""
    if isinstance(error, RequestRefused) and code == "console-not-allowed":
        subject = error.detail.removeprefix(OIDC)  # shown to the person whose it is, and in no log
    elif isinstance(error, RequestRefused):
        log.info("sign-in.refused", code=code, detail=error.detail)
    else:
        log.info("sign-in.refused", code=code, detail=name_cause(error))
    return responses.refusal(code, tool=TOOL, subject=subject)
