"""Check that routes are analyzed where a request first comes to them, and serve as an application's own."""

import httpx
import pytest
from fastapi import FastAPI

from gradesync.api.middleware import LateRoutes, Router

first, wrong = Router("First"), Router("Wrong")


@first.get("/first/{number}")
async def get_first(number: int) -> int:
    return number


@wrong.get("/wrong", status_code=204)
async def get_wrong() -> int:
    return 1


async def send(method: str, path: str, *others: Router) -> httpx.Response:
    app = FastAPI()
    app.router.routes += [LateRoutes(each) for each in (first, *others)]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as http:
        return await http.request(method, path)


async def test_request_analyzes_no_routes_behind_its_own() -> None:
    assert (await send("GET", "/first/5", wrong)).json() == 5
    with pytest.raises(AssertionError, match="204 must not have a response body"):
        await send("GET", "/wrong", wrong)


def test_routes_that_fail_half_way_are_added_once() -> None:
    router = Router("Half")
    router.add_api_route("/first/{number}", get_first, methods=["GET"])
    router.add_api_route("/wrong", get_wrong, methods=["GET"], status_code=204)
    for _ in range(2):
        with pytest.raises(AssertionError, match="204 must not have a response body"):
            _ = router.built
    assert [getattr(route, "path", "") for route in router.routes] == ["/first/{number}"]


async def test_every_route_refuses_unknown_parameters() -> None:
    assert (await send("GET", "/first/5?more=1")).status_code == 422


async def test_another_router_may_serve_the_method() -> None:
    other = Router("Other")
    other.add_api_route("/first/{number}", get_first, methods=["POST"])
    statuses = [(await send(method, "/first/1", other)).status_code for method in ("GET", "POST", "PUT")]
    assert statuses == [200, 200, 405]
