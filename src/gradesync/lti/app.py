"""Build the tool's application, mounted at `/lti`: its errors are pages, not problem responses."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import structlog
from joserfc.jwk import KeySet, RSAKey
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gradesync.db import installations
from gradesync.errors import DatabaseAway, RequestRefused, name_cause
from gradesync.lti import assets, responses
from gradesync.lti.launch import confirm, launch
from gradesync.lti.login import login
from gradesync.lti.tool import Tool, tool_of
from gradesync.runtime import Runtime

A_YEAR, AN_HOUR = 31_536_000, 3600
HTTP_STATUS = {405: "method-not-allowed", 413: "body-too-large"}
HANDLED = (
    RequestRefused,
    HTTPException,
    RedisError,
    DatabaseAway,
    Exception,
)

log = structlog.get_logger(__name__)


def lti_app(runtime: Runtime) -> Starlette:
    """Return the application: login, launch, key set, and the page's files."""
    app = Starlette(
        routes=[
            Route("/login", login, methods=["GET", "POST"]),
            Route("/launch", launch, methods=["POST"]),
            Route("/confirm", confirm, methods=["POST"]),
            Route("/jwks", key_set),
            Route("/assets/{version}/{name:path}", asset),
        ],
        exception_handlers=dict.fromkeys(HANDLED, _handle_error),
    )
    app.router.redirect_slashes = False  # such a redirect would name the host that the caller names
    app.state.tool = Tool.of(runtime)
    return app


async def key_set(request: Request) -> Response:
    """Return the public keys of our tool, as registration forms need them."""
    tool = tool_of(request)
    await tool.count_request("keys", request)
    async with tool.database.without_tenant() as db:
        private = await installations.get_tool_keys(db, _new_key)
    published = _publish(tuple(private))
    return JSONResponse(published, headers={"cache-control": f"public, max-age={AN_HOUR}"})


@lru_cache(maxsize=2)  # to read private keys takes a quarter of a second, and anybody may ask
def _publish(private: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the key set of private keys in PEM, without what is private."""
    keys = KeySet([RSAKey.import_key(pem, {"use": "sig", "alg": "RS256"}) for pem in private])
    return keys.as_dict(private=False)


def _new_key() -> tuple[str, str]:
    key = RSAKey.generate_key(2048)
    return key.thumbprint(), key.as_pem(private=True).decode()


async def asset(request: Request) -> Response:
    """Return one of the page's files. Under another version than ours it is served, and not cached."""
    bundle, name = assets.load(), request.path_params["name"]
    if name not in bundle.files:
        raise HTTPException(404)
    current = request.path_params["version"] == bundle.version
    return Response(
        bundle.files[name],
        headers={
            "content-type": assets.TYPES[name.rpartition(".")[2]],
            "cache-control": f"public, max-age={A_YEAR}, immutable" if current else "no-store",
            "x-content-type-options": "nosniff",
        },
    )


async def _handle_error(request: Request, error: Exception) -> Response:
    code = find_code(error)
    detail = error.detail if isinstance(error, RequestRefused) else name_cause(error)
    log.info("launch.refused", code=code, detail=detail)
    is_script = request.url.path.endswith("/confirm")
    response = responses.json_refusal(code) if is_script else responses.refusal(code)
    return responses.with_headers_of(response, error)


def find_code(error: Exception) -> str:
    """Return the code of an error in the catalog of refusals."""
    match error:
        case RequestRefused():
            return error.code
        case HTTPException():
            return HTTP_STATUS.get(error.status_code, "not-found")
        case RedisError() | DatabaseAway():
            return "service-unavailable"
        case _:
            return "internal-error"
