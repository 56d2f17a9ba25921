"""The HTTP API as an ASGI application."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradesync.api import (
    assignments,
    categories,
    district,
    events,
    oauth,
    openapi,
    operations,
    outcomes,
    problems,
    sections,
    syncs,
)
from gradesync.api.service import Service
from gradesync.runtime import Runtime

BODY_MAX = 65_536
ROUTERS = (syncs, outcomes, events, assignments, categories, sections, district, oauth, operations)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}
DOCS_POLICY = (
    "default-src 'none'; frame-ancestors 'none'; connect-src 'self'; img-src data: https:; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net; style-src 'unsafe-inline' https://cdn.jsdelivr.net"
)


def create_app(runtime: Runtime) -> FastAPI:
    """The API on what a process holds open. The runtime outlives the application."""
    app = _routes(runtime.settings.public_url)
    app.state.service = Service.of(runtime)
    return app


def openapi_document() -> dict[str, Any]:
    """The API's description, the same on every machine."""
    return _routes("").openapi()


def _routes(public_url: str) -> FastAPI:
    app = FastAPI(
        title=openapi.TITLE,
        max_body_size=BODY_MAX,
        redoc_url=None,
        generate_unique_id_function=_name,
        swagger_ui_parameters={"persistAuthorization": True},
    )
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app, public_url)
    app.openapi = cache(lambda: openapi.describe(app))  # type: ignore[method-assign]  # FastAPI's own way
    app.add_middleware(SafeHeaders)
    return app


def _name(route: APIRoute) -> str:
    return route.name


class SafeHeaders:
    """Adds headers that keep browsers from doing more with an answer than it says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"] == "/docs":
                    headers["content-security-policy"] = DOCS_POLICY
            await send(message)

        await self._app(scope, receive, guarded)
