"""The docs page: Swagger UI out of a wheel, nothing from another host, nothing inline."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

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
OF_THE_WHEEL = ("swagger-ui.css", "swagger-ui-bundle.js")


@router.get("/docs")
async def show_docs() -> Response:
    return Response(PAGE, media_type="text/html; charset=utf-8", headers={"content-security-policy": POLICY})


@router.get("/docs/{name}")
async def docs_asset(name: str) -> Response:
    if name not in (*OF_THE_WHEEL, "start.js"):
        raise HTTPException(404)
    return Response(
        _asset(name),
        headers={
            "content-type": TYPES[name.rpartition(".")[2]],
            "cache-control": f"public, max-age={A_DAY}",
        },
    )


@cache
def _asset(name: str) -> bytes:
    if name == "start.js":
        return START.encode()
    return files("fastapi_offline").joinpath("static", name).read_bytes()
