"""Every route of the API document with every kind of token, on one's own and on others' ids."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from gradesync.api.app import openapi_document
from harness.api import EVERYTHING, Door, Place, problem

OPEN = {"/oauth/token", "/healthz", "/readyz", "/metrics", "/problems/{code}"}
SECTION = "/sections/{section_id}"
BODIES: dict[tuple[str, str], Any] = {
    ("POST", f"{SECTION}/syncs"): {"dry_run": True},
    ("PUT", SECTION): {},
    ("PUT", f"{SECTION}/categories"): {"pairs": []},
    ("PATCH", f"{SECTION}/assignments/{{assignment_id}}"): {"sync_to_sis": True},
}
TEACHERS = {"syncs:read", "syncs:write", "sections:read"}
"""What a teacher's token can open, in its own section."""


class Route(NamedTuple):
    """A guarded route, and the one scope that opens it."""

    method: str
    path: str
    scope: str

    @property
    def in_section(self) -> bool:
        return self.path.startswith(SECTION)

    @property
    def is_teachers(self) -> bool:
        return self.in_section and self.scope in TEACHERS

    async def ask(self, door: Door, section: str, sync: str) -> Any:
        filled = self.path.replace("{section_id}", section).replace("{sync_id}", sync)
        path = filled.replace("{assignment_id}", "5001")
        for name in ("preflight_id", "webhook_id", "delivery_id"):
            path = path.replace(f"{{{name}}}", str(uuid4()))
        body = BODIES.get((self.method, self.path), {} if self.method in {"POST", "PUT", "PATCH"} else None)
        return await door.ask(self.method, path, json=body)


def guarded() -> Iterator[Route]:
    for path, operations in openapi_document()["paths"].items():
        for method, operation in operations.items():
            if path not in OPEN:
                (scope,) = next(one["client"] for one in operation["security"] if "client" in one)
                yield Route(method.upper(), path, scope)


ROUTES = list(guarded())


def each(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[f"{one.method} {one.path}" for one in routes])


each_route = each(ROUTES)
each_section_route = each([route for route in ROUTES if route.in_section])
each_teachers_route = each([route for route in ROUTES if route.is_teachers])
each_route_of_the_district = each([route for route in ROUTES if not route.is_teachers])


def unlike(answer: Any, *statuses: int) -> None:
    assert answer.status_code not in {*statuses, 500}, answer.text


@each_route
async def test_without_a_good_token_nothing_is_answered(place: Place, route: Route) -> None:
    before = await place.rows()
    problem(await route.ask(place.nobody, place.section, str(uuid4())), 401, "token-missing")
    stranger = Door(place.api, "nonsense")
    problem(await route.ask(stranger, place.section, str(uuid4())), 401, "token-not-accepted")
    assert await place.rows() == before


@each_route
async def test_every_other_scope_is_not_enough(place: Place, route: Route) -> None:
    office = await place.office(*(scope for scope in EVERYTHING if scope != route.scope))
    before = await place.rows()
    answer = await route.ask(office, place.section, str(uuid4()))
    told = problem(answer, 403, "scope-missing")
    assert told["scope"] == route.scope
    assert f'scope="{route.scope}"' in answer.headers["www-authenticate"]
    assert await place.rows() == before


@each_route
async def test_the_scope_alone_is_enough(place: Place, route: Route) -> None:
    sync = (await (await place.office()).post(f"{place.path}/syncs", {"dry_run": True})).json()["id"]
    await place.carry()
    office = await place.office(route.scope)
    unlike(await route.ask(office, place.section, sync), 401, 403)


@each_teachers_route
async def test_a_teacher_is_at_home_in_one_section(place: Place, route: Route) -> None:
    sync = (await (await place.office()).post(f"{place.path}/syncs", {"dry_run": True})).json()["id"]
    await place.carry()
    unlike(await route.ask(await place.teacher(), place.section, sync), 401, 403)


@each_teachers_route
async def test_a_teacher_reaches_no_other_section(place: Place, route: Route) -> None:
    other = str(place.world.classrooms[1].section.id)
    sync = (await (await place.office()).post(f"/sections/{other}/syncs")).json()["id"]
    teacher = await place.teacher()
    before = await place.rows()
    problem(await route.ask(teacher, other, sync), 404, "section-not-found")
    assert await place.rows() == before


@each_route_of_the_district
async def test_what_is_the_districts_is_no_teachers(place: Place, route: Route) -> None:
    teacher = await place.teacher()
    before = await place.rows()
    answer = await route.ask(teacher, place.section, str(uuid4()))
    assert (answer.status_code, answer.json()["status"]) == (403, 403)
    assert await place.rows() == before


@each_section_route
async def test_another_districts_things_do_not_exist(place: Place, route: Route) -> None:
    """The neighbour reads the same Schoology, so that only what we store can tell."""
    sync = await place.synced(await place.office(), dry_run=True)
    stranger = await place.office(district_id=(await place.neighbour()).id)
    answer = await route.ask(stranger, place.section, sync["id"])
    if "{sync_id}" in route.path:
        problem(answer, 404, "sync-not-found")
    assert sync["id"] not in answer.text


async def test_another_districts_lists_are_empty(place: Place) -> None:
    await place.synced(await place.office())
    stranger = await place.office(district_id=(await place.neighbour()).id)
    for path in ("/syncs", "/sections", "/audit", f"{place.path}/syncs"):
        assert (await stranger.get(path)).json()["items"] == [], path
    assert (await stranger.get(place.path)).json()["sis_section"] is None


async def test_who_may_only_read_changes_nothing(place: Place) -> None:
    admin = place.world.lti.id_token(place.world.admin, place.room.section)
    reader = Door(place.api, (await place.exchange(admin)).json()["access_token"])
    before = await place.rows()
    for route in ROUTES:
        if route.method != "GET":
            assert (await route.ask(reader, place.section, str(uuid4()))).status_code == 403, route
    assert await place.rows() == before
    for path in ("", "/syncs", "/assignments", "/categories"):
        assert (await reader.get(place.path + path)).status_code == 200, path
