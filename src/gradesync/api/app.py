"""The HTTP API as an ASGI application."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig

from gradesync.api import openapi, problems
from gradesync.api.guards import BodyLimit, SafeHeaders
from gradesync.api.identified import Identified
from gradesync.api.routes import (
    assignments,
    categories,
    district,
    docs,
    events,
    imports,
    mapping,
    oauth,
    operations,
    outcomes,
    policy,
    preflight,
    sections,
    syncs,
    webhooks,
)
from gradesync.api.service import Service
from gradesync.runtime import Runtime

BODY_MAX = 1_048_576
NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would tell paths, queries and what exceptions say."""
ROUTERS = (
    *(syncs, outcomes, events, assignments),
    *(imports, mapping, categories, sections),
    *(preflight, district, policy, webhooks),
    *(oauth, operations, docs),
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
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
        generate_unique_id_function=_name,
    )
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app, public_url)
    app.openapi = cache(lambda: openapi.describe(app))  # type: ignore[method-assign]  # FastAPI's own way
    # Outermost, where a middleware of the application would miss what nobody foresaw.
    bounded = BodyLimit(
        app.build_middleware_stack(), BODY_MAX, problems.response("body-too-large", public_url)
    )
    app.middleware_stack = SafeHeaders(Identified(bounded))
    return app


def _name(route: APIRoute) -> str:
    return route.name
