"""Check that no request waits for a thread: FastAPI runs dependencies that are no coroutines in one."""

import inspect
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gradesync.api.app import MODULES
from gradesync.api.middleware import refuse_unknown
from gradesync.api.routes import operations


def list_dependencies(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from list_dependencies(each)


def is_coroutine(call: object) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


def test_dependencies_of_all_routes_are_coroutines() -> None:
    routes = [
        route
        for module in (*MODULES, operations)
        for route in module.router.built
        if isinstance(route, APIRoute)
    ]
    found = {call for route in routes for call in list_dependencies(route.dependant)}
    assert len(found) > 10
    assert [call for call in (*found, refuse_unknown) if not is_coroutine(call)] == []
