"""Every route with every kind of token, on one's own and on others' ids."""

from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from installed import EVERYTHING, Door, Place, problem

from gradesync.access.tokens import Scope

UNGUARDED = {"/oauth/token", "/healthz", "/readyz", "/problems/{code}"}


class Route(NamedTuple):
    """A guarded route. `district`: for the district's clients alone."""

    method: str
    path: str
    scope: str
    body: Any = None
    district: bool = False

    def at(self, section: str, sync: str) -> str:
        return self.path.format(section_id=section, sync_id=sync, assignment_id="5001")


SECTION = "/sections/{section_id}"
SYNC = f"{SECTION}/syncs/{{sync_id}}"
ROUTES = (
    Route("POST", f"{SECTION}/syncs", Scope.SYNCS_WRITE, {"dry_run": True}),
    Route("GET", f"{SECTION}/syncs", Scope.SYNCS_READ),
    Route("GET", SYNC, Scope.SYNCS_READ),
    Route("GET", f"{SYNC}/outcomes", Scope.SYNCS_READ),
    Route("GET", f"{SYNC}/events", Scope.SYNCS_READ),
    Route("GET", SECTION, Scope.SECTIONS_READ),
    Route("PUT", SECTION, Scope.SECTIONS_WRITE, {}, district=True),
    Route("GET", f"{SECTION}/assignments", Scope.SECTIONS_READ),
    Route("PATCH", f"{SECTION}/assignments/{{assignment_id}}", Scope.SYNCS_WRITE, {"sync_to_sis": True}),
    Route("GET", f"{SECTION}/categories", Scope.SECTIONS_READ),
    Route("PUT", f"{SECTION}/categories", Scope.SECTIONS_WRITE, {"pairs": []}, district=True),
    Route("GET", "/syncs", Scope.SYNCS_READ, district=True),
    Route("GET", "/sections", Scope.SECTIONS_READ, district=True),
    Route("POST", "/connections/check", Scope.CONNECTIONS_CHECK, district=True),
    Route("GET", "/audit", Scope.AUDIT_READ, district=True),
)
IN_SECTIONS = [route for route in ROUTES if "{section_id}" in route.path]

each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
each_section_route = pytest.mark.parametrize(
    "route", IN_SECTIONS, ids=lambda route: f"{route.method} {route.path}"
)


async def ask(door: Door, route: Route, section: str, sync: str) -> Any:
    return await door.ask(route.method, route.at(section, sync), json=route.body)


async def test_no_route_is_forgotten_here(place: Place) -> None:
    document = place.app.openapi()
    routes = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    known = {(route.method, route.path) for route in ROUTES}
    assert {route for route in routes if route[1] not in UNGUARDED} == known


@each_route
async def test_without_a_good_token_nothing_is_answered(place: Place, route: Route) -> None:
    before = await place.rows()
    answer = await ask(place.nobody, route, place.section, str(uuid4()))
    problem(answer, 401, "token-missing")
    answer = await ask(Door(place.api, "nonsense"), route, place.section, str(uuid4()))
    problem(answer, 401, "token-not-accepted")
    assert await place.rows() == before


@each_route
async def test_every_other_scope_is_not_enough(place: Place, route: Route) -> None:
    office = await place.office(*(scope for scope in EVERYTHING if scope != route.scope))
    before = await place.rows()
    answer = await ask(office, route, place.section, str(uuid4()))
    told = problem(answer, 403, "scope-missing")
    assert told["scope"] == route.scope
    assert f'scope="{route.scope}"' in answer.headers["www-authenticate"]
    assert await place.rows() == before


@each_route
async def test_the_scope_alone_is_enough(place: Place, route: Route) -> None:
    sync = (await (await place.office()).post(f"{place.path}/syncs", {"dry_run": True})).json()["id"]
    await place.carry()
    office = await place.office(route.scope)
    answer = await ask(office, route, place.section, sync)
    assert answer.status_code in {200, 202} or answer.json()["code"] == "assignment-not-found", answer.text


@each_section_route
async def test_a_teacher_reaches_no_other_section(place: Place, route: Route) -> None:
    other = str(place.world.classrooms[1].section.id)
    sync = (await (await place.office()).post(f"/sections/{other}/syncs")).json()["id"]
    teacher = await place.teacher()
    before = await place.rows()
    answer = await ask(teacher, route, other, sync)
    assert answer.status_code == (403 if route.district else 404)
    assert await place.rows() == before


@each_route
async def test_what_is_the_districts_is_no_teachers(place: Place, route: Route) -> None:
    sync = (await (await place.office()).post(f"{place.path}/syncs", {"dry_run": True})).json()["id"]
    await place.carry()
    teacher = await place.teacher()
    answer = await ask(teacher, route, place.section, sync)
    if route.district:
        assert answer.status_code == 403
    else:
        assert answer.status_code in {200, 202} or answer.json()["code"] == "assignment-not-found"


@each_section_route
async def test_another_districts_things_do_not_exist(place: Place, route: Route) -> None:
    """The neighbour reads the same Schoology, so that only what we store can tell."""
    office = await place.office()
    sync = await place.synced(office)
    other = await place.neighbour()
    stranger = await place.office(district_id=other.id)
    if "{sync_id}" in route.path:
        problem(await ask(stranger, route, place.section, sync["id"]), 404, "sync-not-found")
    if route.method == "GET" and route.path == SECTION:
        told = (await ask(stranger, route, place.section, sync["id"])).json()
        assert told["sis_section"] is None
    assert (await stranger.get("/syncs")).json()["items"] == []
    assert (await stranger.get("/sections")).json()["items"] == []
    assert (await stranger.get(f"{place.path}/syncs")).json()["items"] == []


async def test_a_teacher_who_may_only_read_changes_nothing(place: Place) -> None:
    admin = place.world.lti.id_token(place.world.admin, place.room.section)
    reader = Door(place.api, (await place.exchange(admin)).json()["access_token"])
    before = await place.rows()
    for route in ROUTES:
        if route.method != "GET":
            assert (await ask(reader, route, place.section, str(uuid4()))).status_code == 403
    assert await place.rows() == before
    for path in ("", "/syncs", "/assignments", "/categories"):
        assert (await reader.get(place.path + path)).status_code == 200, path
