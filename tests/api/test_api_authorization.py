"""Test every route of the API document with every kind of token, on own and foreign ids."""

from collections.abc import Iterator
from functools import cache
from itertools import filterfalse
from typing import Any, NamedTuple
from uuid import uuid4

from harness.api import EVERYTHING, ApiClient, ApiHarness, expect_problem
from harness.api_document import api_document

OPEN = {"/oauth/token", "/healthz", "/readyz", "/metrics", "/problems/{code}"}
SECTION = "/sections/{section_id}"
BODIES: dict[tuple[str, str], Any] = {
    ("POST", f"{SECTION}/syncs"): {"dry_run": True},
    ("PUT", SECTION): {},
    ("PUT", f"{SECTION}/categories"): {"pairs": []},
    ("PATCH", f"{SECTION}/assignments/{{assignment_id}}"): {"sync_to_sis": True},
}
# Scopes that a teacher's token can have in its own section.
TEACHERS = {"syncs:read", "syncs:write", "sections:read"}


class Route(NamedTuple):
    """Name a guarded route, and the one scope that opens it."""

    method: str
    path: str
    scope: str

    def in_section(self) -> bool:
        return self.path.startswith(SECTION)

    def is_teachers(self) -> bool:
        return self.in_section() and self.scope in TEACHERS

    async def ask(self, client: ApiClient, section: str, sync: str) -> Any:
        filled = self.path.replace("{section_id}", section).replace("{sync_id}", sync)
        path = filled.replace("{assignment_id}", "5001")
        for name in (
            *("preflight_id", "webhook_id", "delivery_id"),
            *("pause_id", "comparison_id", "run_id", "schedule_id"),
        ):
            path = path.replace(f"{{{name}}}", str(uuid4()))
        body = BODIES.get((self.method, self.path), {} if self.method in {"POST", "PUT", "PATCH"} else None)
        return await client.ask(self.method, path, json=body)


@cache
def guarded() -> list[Route]:
    """List the guarded routes when a test asks: to describe the API takes a second of each process."""
    return list(_guarded())


def _guarded() -> Iterator[Route]:
    for path, operations in api_document()["paths"].items():
        for method, operation in operations.items():
            if path not in OPEN:
                (scope,) = next(scheme["client"] for scheme in operation["security"] if "client" in scheme)
                yield Route(method.upper(), path, scope)


def unlike(route: Route, response: Any, *statuses: int) -> None:
    assert response.status_code not in {*statuses, 500}, (route, response.text)


async def test_requests_without_a_valid_token_are_refused(api: ApiHarness) -> None:
    before, stranger = await api.rows(), ApiClient(api.http, "nonsense")
    for route in guarded():
        expect_problem(await route.ask(api.anonymous, api.section, str(uuid4())), 401, "token-missing")
        expect_problem(await route.ask(stranger, api.section, str(uuid4())), 401, "token-not-accepted")
    assert await api.rows() == before


async def test_all_other_scopes_together_are_not_enough(api: ApiHarness) -> None:
    offices = {
        scope: await api.office(*(other for other in EVERYTHING if other != scope))
        for scope in {route.scope for route in guarded()}
    }
    before = await api.rows()
    for route in guarded():
        response = await route.ask(offices[route.scope], api.section, str(uuid4()))
        body = expect_problem(response, 403, "scope-missing")
        assert body["scope"] == route.scope
        assert f'scope="{route.scope}"' in response.headers["www-authenticate"]
    assert await api.rows() == before


async def test_the_scope_alone_is_enough(api: ApiHarness) -> None:
    await api.change_policy(service_sync=True, runs=True, schedules=True)
    sync = await api.sync(await api.office(), dry_run=True)
    offices = {scope: await api.office(scope) for scope in {route.scope for route in guarded()}}
    for route in guarded():
        unlike(route, await route.ask(offices[route.scope], api.section, sync["id"]), 401, 403, 429)


async def test_a_teacher_may_use_their_own_section(api: ApiHarness) -> None:
    sync = await api.sync(await api.office(), dry_run=True)
    teacher = await api.teacher()
    for route in filter(Route.is_teachers, guarded()):
        unlike(route, await route.ask(teacher, api.section, sync["id"]), 401, 403, 429)


async def test_a_teacher_reaches_no_other_section(api: ApiHarness) -> None:
    other_section = str(api.world.classrooms[1].section.id)
    sync = (await (await api.office()).post(f"/sections/{other_section}/syncs")).json()["id"]
    teacher = await api.teacher()
    before = await api.rows()
    for route in filter(Route.is_teachers, guarded()):
        expect_problem(await route.ask(teacher, other_section, sync), 404, "section-not-found")
    assert await api.rows() == before


async def test_a_teacher_may_not_use_district_routes(api: ApiHarness) -> None:
    teacher = await api.teacher()
    before = await api.rows()
    for route in filterfalse(Route.is_teachers, guarded()):
        response = await route.ask(teacher, api.section, str(uuid4()))
        assert (response.status_code, response.json()["status"]) == (403, 403), route
    assert await api.rows() == before


async def test_resources_of_another_district_do_not_exist(api: ApiHarness) -> None:
    """Use a neighbor that reads the same Schoology, so that only our rows differ."""
    sync = await api.sync(await api.office(), dry_run=True)
    stranger = await api.office(district_id=(await api.add_neighbor()).id)
    for route in filter(Route.in_section, guarded()):
        response = await route.ask(stranger, api.section, sync["id"])
        if "{sync_id}" in route.path:
            expect_problem(response, 404, "sync-not-found")
        assert sync["id"] not in response.text, route


async def test_another_districts_lists_are_empty(api: ApiHarness) -> None:
    await api.sync(await api.office())
    stranger = await api.office(district_id=(await api.add_neighbor()).id)
    for path in ("/syncs", "/sections", "/audit", f"{api.path}/syncs"):
        assert (await stranger.get(path)).json()["items"] == [], path
    assert (await stranger.get(api.path)).json()["sis_section"] is None


async def test_a_read_only_token_changes_nothing(api: ApiHarness) -> None:
    admin = api.world.lti.id_token(api.world.admin, api.room.section)
    reader = ApiClient(api.http, (await api.exchange(admin)).json()["access_token"])
    before = await api.rows()
    for route in guarded():
        if route.method != "GET":
            assert (await route.ask(reader, api.section, str(uuid4()))).status_code == 403, route
    assert await api.rows() == before
    for path in ("", "/syncs", "/assignments", "/categories"):
        assert (await reader.get(api.path + path)).status_code == 200, path
