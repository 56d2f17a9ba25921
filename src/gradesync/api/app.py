"""Build the HTTP API as an ASGI application."""

from collections import Counter
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from gradesync.access.signing_key import read_signing_key
from gradesync.api import openapi, problems
from gradesync.api.error_handlers import install_handlers
from gradesync.api.live import Live
from gradesync.api.middleware import BodyLimit, HeadRequests, LateRoutes, RequestIds, SafeHeaders
from gradesync.api.routes import (
    assignments,
    categories,
    clients,
    comparisons,
    district,
    district_categories,
    district_file,
    docs,
    drift,
    events,
    gradebook,
    history,
    imports,
    mapping,
    oauth,
    operations,
    outcomes,
    overview,
    pauses,
    policy,
    preflight,
    preflight_sections,
    reasons,
    runs,
    schedules,
    sections,
    statements,
    students,
    syncs,
    totals,
    undo,
    webhooks,
)
from gradesync.runtime import Runtime

BODY_MAX = 1_048_576
# FastAPI's own telemetry would record paths, queries and the texts of exceptions.
NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
MODULES = (
    *(syncs, outcomes, reasons, gradebook, comparisons, drift, history, students, events, assignments),
    *(imports, mapping, categories, sections, totals, statements),
    undo,
    *(pauses, runs, schedules, preflight, district, policy, webhooks),
    *(overview, district_categories, preflight_sections),
    *(clients, district_file, docs),
    oauth,
)
# A new process is asked for the probes first: they stand first, and last in the document.
ROUTES = (*operations.router.built, *(LateRoutes(module.router) for module in MODULES))


def create_app(runtime: Runtime) -> FastAPI:
    """Build the API on a runtime, which outlives the application.

    Raises `KeyUnreadable`: a key that cannot sign is found when it is set, and not with the first statement.
    """
    read_signing_key(runtime.settings.report_key)
    app = FastAPI(
        title=openapi.TITLE,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect would name the host that the caller names
        telemetry=NO_TELEMETRY,
    )
    app.router.routes += ROUTES
    app.openapi = cache(openapi_document)  # type: ignore[method-assign]  # FastAPI's own way
    app.state.runtime, app.state.live = runtime, Live(runtime)
    app.state.open_streams = Counter[str]()  # by caller
    app.state.readiness = operations.share_readiness(runtime)
    public_url = runtime.settings.public_url
    install_handlers(app, public_url)
    # Outermost: a middleware inside the application would miss unexpected errors.
    refusal = problems.problem_response("body-too-large", public_url)
    bounded = BodyLimit(HeadRequests(app.build_middleware_stack()), BODY_MAX, refusal)
    app.middleware_stack = SafeHeaders(RequestIds(bounded))
    return app


def openapi_document() -> dict[str, Any]:
    """Return the API's description, the same on every machine. Raises what a route's declaration does."""
    return openapi.describe([route for module in (*MODULES, operations) for route in module.router.built])
