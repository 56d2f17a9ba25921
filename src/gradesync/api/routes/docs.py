"""Serve the docs page: Swagger UI out of a wheel, nothing from another host, nothing inline."""

from functools import cache
from importlib.resources import files

from fastapi import Response
from starlette.exceptions import HTTPException

from gradesync.api.middleware import Router

router = Router()

A_DAY = 86_400
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gradesync: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
START = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
WHEEL_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js")


@router.get("/docs")
async def show_docs() -> Response:
    """Return the page."""
    return Response(PAGE, media_type="text/html; charset=utf-8", headers={"content-security-policy": POLICY})


@router.get("/docs/{name}")
async def get_docs_asset(name: str) -> Response:
    """Return a script or a style sheet of the page."""
    if name not in (*WHEEL_ASSETS, "start.js"):
        raise HTTPException(404)
    return Response(
        _load_asset(name),
        headers={
            "content-type": TYPES[name.rpartition(".")[2]],
            "cache-control": f"public, max-age={A_DAY}",
        },
    )


@cache
def _load_asset(name: str) -> bytes:
    if name == "start.js":
        return START.encode()
    return files("fastapi_offline").joinpath("static", name).read_bytes()
