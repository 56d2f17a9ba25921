"""Lend applications to one test after another: to build one takes as long as many a test."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from gradesync.api.live import Live
from gradesync.api.routes.operations import share_readiness
from gradesync.console.provider import Providers
from gradesync.lti.tool import Tool
from gradesync.runtime import Runtime

Build = Callable[[Runtime], FastAPI]

_idle: dict[tuple[Build, str], list[FastAPI]] = defaultdict(list)


@contextmanager
def lend_app(build: Build, runtime: Runtime) -> Iterator[FastAPI]:
    """Yield an application on this runtime, built for an earlier test where one is idle.

    A test that adds a route keeps its application to itself.
    """
    idle = _idle[build, runtime.settings.public_url]
    app = idle.pop() if idle else build(runtime)
    _attach(app, runtime)
    routes = list(app.router.routes)
    yield app
    if app.router.routes == routes:
        idle.append(app)


def _attach(app: FastAPI, runtime: Runtime) -> None:
    """Set the state that the application's builders set."""
    app.state.runtime, app.state.live = runtime, Live(runtime)
    app.state.readiness = share_readiness(runtime)
    for route in app.router.routes:
        if isinstance(route, Mount) and isinstance(route.app, Starlette):
            route.app.state.tool = Tool.of(runtime)
            if hasattr(route.app.state, "providers"):
                providers = Providers(runtime.client, runtime.platform_keys, runtime.clock)
                route.app.state.providers = providers
