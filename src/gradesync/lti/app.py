"""The tool as an application of its own, mounted at `/lti`: its errors are pages, not problem responses."""

import structlog
from joserfc.jwk import KeySet, RSAKey
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gradesync.db import installations
from gradesync.errors import RequestRefused
from gradesync.lti import assets
from gradesync.lti import responses as answers
from gradesync.lti.launch import confirm, launch, told
from gradesync.lti.login import login
from gradesync.lti.tool import Tool, tool_of
from gradesync.runtime import Runtime

A_YEAR, AN_HOUR = 31_536_000, 3600
TOLD = (
    RequestRefused,
    HTTPException,
    RedisError,
    OperationalError,
    InterfaceError,
    OSError,
    Exception,
)

log = structlog.get_logger(__name__)


def lti_app(runtime: Runtime) -> Starlette:
    """Login, launch, key set, and the page's files."""
    app = Starlette(
        routes=[
            Route("/login", login, methods=["GET", "POST"]),
            Route("/launch", launch, methods=["POST"]),
            Route("/confirm", confirm, methods=["POST"]),
            Route("/jwks", key_set),
            Route("/assets/{version}/{name}", asset),
        ],
        exception_handlers=dict.fromkeys(TOLD, _say),
    )
    app.state.tool = Tool.of(runtime)
    return app


async def key_set(request: Request) -> Response:
    """The public keys of our tool, as registration forms want them."""
    tool = tool_of(request)
    async with tool.database.without_tenant() as door:
        private = await installations.tool_keys(door, _new_key)
    keys = KeySet([RSAKey.import_key(pem, {"use": "sig", "alg": "RS256"}) for pem in private])
    return JSONResponse(keys.as_dict(private=False), headers={"cache-control": f"public, max-age={AN_HOUR}"})


def _new_key() -> tuple[str, str]:
    key = RSAKey.generate_key(2048)
    return key.thumbprint(), key.as_pem(private=True).decode()


async def asset(request: Request) -> Response:
    """One of the page's files. An address with another version than ours is answered, and not kept."""
    found, name = assets.load(), request.path_params["name"]
    if name not in found.files:
        raise HTTPException(404)
    current = request.path_params["version"] == found.version
    return Response(
        found.files[name],
        headers={
            "content-type": assets.TYPES[name.rpartition(".")[2]],
            "cache-control": f"public, max-age={A_YEAR}, immutable" if current else "no-store",
            "x-content-type-options": "nosniff",
        },
    )


async def _say(request: Request, error: Exception) -> Response:
    code = _code(error)
    why = error.detail if isinstance(error, RequestRefused) else type(error).__name__
    log.info("launch.refused", code=code, why=why)
    return told(code) if request.url.path.endswith("/confirm") else answers.refusal(code)


def _code(error: Exception) -> str:
    """What an error is called among the refusals."""
    match error:
        case RequestRefused():
            return error.code
        case HTTPException(status_code=405):
            return "method-not-allowed"
        case HTTPException():
            return "not-found"
        case RedisError() | OperationalError() | InterfaceError() | OSError():
            return "service-unavailable"
        case _:
            return "internal-error"
