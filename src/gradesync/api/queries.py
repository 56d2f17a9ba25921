"""Refuse query parameters that a route does not declare."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


def refuse_unknown(request: Request) -> None:
    """Refuse a request with an unknown query parameter. Raises `RequestValidationError`.

    A filter with a typing error would otherwise return everything, as if it had matched.
    """
    route: APIRoute = request.scope["route"]
    unknown = set(request.query_params) - set(_declared(route.dependant))
    if unknown:
        raise RequestValidationError(
            [
                {"loc": ("query", name), "type": "extra_forbidden", "msg": "There is no such parameter"}
                for name in sorted(unknown)
            ]
        )


def _declared(dependant: Dependant) -> Iterator[str]:
    """Return the names of the query parameters of a route, with those of its dependencies."""
    for field in dependant.query_params:
        yield field.alias
    for each in dependant.dependencies:
        yield from _declared(each)
