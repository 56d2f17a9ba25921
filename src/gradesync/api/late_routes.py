"""Declare the routes of a module, and analyze them where a request first comes to them."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gradesync.api.middleware import refuse_unknown


def _operation_id(route: APIRoute) -> str:
    return route.name


class Router(APIRouter):
    """Keep the routes that a module declares with its decorators until one is asked for.

    FastAPI analyzes a route where it is declared and again where its router is included. Both would delay the
    start of a process, and the first is for nothing. Routes without a tag are not in the document.
    """

    def __init__(self, tag: str | None = None, *, prefix: str = "") -> None:
        super().__init__(
            prefix=prefix,
            tags=[] if tag is None else [tag],
            include_in_schema=tag is not None,
            dependencies=[Depends(refuse_unknown)],
            generate_unique_id_function=_operation_id,
        )
        self._declared: list[Callable[[], None]] = []

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Keep the route of a decorator."""
        self._declared.append(partial(super().add_api_route, path, endpoint, **options))

    @cached_property
    def built(self) -> list[BaseRoute]:
        """Return the routes, analyzed the first time. Raises what FastAPI raises for a wrong declaration."""
        for add in self._declared:
            add()
        return self.routes


class LateRoutes(BaseRoute):
    """Match and serve the routes of a module as an application does its own."""

    def __init__(self, router: Router) -> None:
        self.router = router

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the best match, and with it the route, which stands in the scope."""
        best: tuple[Match, Scope] = Match.NONE, {}
        for route in self.router.built:
            found = route.matches(scope)
            if found[0] is Match.FULL:
                return found
            if best[0] is Match.NONE:
                best = found
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve by the route that matched."""
        await scope["route"].handle(scope, receive, send)
