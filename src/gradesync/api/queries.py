"""Read query parameters, and refuse those that a route does not declare."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

T = TypeVar("T")


def read_query(kind: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """Return a dependency that makes an object of a class from the query parameters that it declares."""

    async def read(**values: Any) -> T:
        return kind(**values)

    # FastAPI would make objects of the class itself in a thread.
    read.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]  # what `inspect` looks at
    return read


async def refuse_unknown(request: Request) -> None:
    """Refuse a request with an unknown query parameter. Raises `RequestValidationError`.

    A filter with a typing error would otherwise return everything, as if it had matched.
    """
    if not request.query_params:
        return
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
