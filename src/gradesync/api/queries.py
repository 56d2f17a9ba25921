"""Read query parameters into objects."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


def read_query(kind: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """Return a dependency that makes an object of a class from the query parameters that it declares."""

    async def read(**values: Any) -> T:
        return kind(**values)

    # FastAPI would make objects of the class itself in a thread.
    read.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]  # what `inspect` looks at
    return read
