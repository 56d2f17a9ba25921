"""Test a hand-written table of every route's scope with every kind of token on own and foreign ids.

A route that is missing in the table, or that the API document opens with another scope, fails the first test.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import text

from gradesync.access.tokens import CLIENT_LIFETIME, TEACHER_LIFETIME, Caller, Tokens
from gradesync.api.app import openapi_document
from gradesync.db import clients
from gradesync.db.codec import Secrets
from harness.api import EVERYTHING, ApiClient, ApiHarness
from harness.every_table import NAMES
from harness.servers import KEYS

HOOK = {"url": "https://hooks.example.org/"}
PAUSE = {"reason": "An upgrade.", "section": "7"}


class Rule(NamedTuple):
    """Declare the scope that opens a route; `teachers` if a teacher's token can open it."""

    scope: str
    teachers: bool = False
    body: Any = None


OPEN = {
    ("POST", "/oauth/token"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/problems/{code}"),
}
SECTION = "/sections/{section_id}"
SYNC = f"{SECTION}/syncs/{{sync_id}}"
COMPARISONS = f"{SECTION}/comparisons"
HOOKS = "/webhooks/{webhook_id}"
RULES: dict[tuple[str, str], Rule] = {
    ("POST", f"{SECTION}/syncs"): Rule("syncs:write", True, {"dry_run": True}),
    ("GET", f"{SECTION}/syncs"): Rule("syncs:read", True),
    ("GET", SYNC): Rule("syncs:read", True),
    ("GET", f"{SYNC}/outcomes"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/assignments"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/gradebook"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/events"): Rule("syncs:read", True),
    ("POST", COMPARISONS): Rule("syncs:read", True),
    ("GET", COMPARISONS): Rule("syncs:read", True),
    ("GET", f"{COMPARISONS}/{{comparison_id}}"): Rule("syncs:read", True),
    ("GET", f"{COMPARISONS}/{{comparison_id}}/cells"): Rule("syncs:read", True),
    ("GET", f"{SECTION}/assignments"): Rule("sections:read", True),
    ("GET", f"{SECTION}/waiting"): Rule("sections:read", True),
    ("PATCH", f"{SECTION}/assignments"): Rule("syncs:write", True, {"ids": [], "sync_to_sis": True}),
    ("PATCH", f"{SECTION}/assignments/{{assignment_id}}"): Rule("syncs:write", True, {"sync_to_sis": True}),
    ("GET", SECTION): Rule("sections:read", True),
    ("PUT", SECTION): Rule("sections:write", body={}),
    ("GET", f"{SECTION}/categories"): Rule("sections:read", True),
    ("PUT", f"{SECTION}/categories"): Rule("sections:write", body={"pairs": []}),
    ("POST", f"{SECTION}/categories/copy"): Rule("sections:write", body={"sections": ["7"]}),
    ("GET", "/categories/titles"): Rule("sections:read"),
    ("PUT", "/categories/titles"): Rule("sections:write", body={"titles": {}}),
    ("POST", "/categories/import"): Rule("sections:write", body={"rows": []}),
    ("GET", "/sections"): Rule("sections:read"),
    ("POST", "/sections/import"): Rule("sections:write", body={"rows": []}),
    ("GET", "/syncs"): Rule("syncs:read"),
    ("POST", "/connections/check"): Rule("connections:check"),
    ("GET", "/audit"): Rule("audit:read"),
    ("GET", "/policy"): Rule("district:read"),
    ("PATCH", "/policy"): Rule("district:write", body={}),
    ("GET", "/pause"): Rule("district:read"),
    ("POST", "/pause"): Rule("district:write", body=PAUSE),
    ("DELETE", "/pause/{pause_id}"): Rule("district:write"),
    ("POST", "/preflight"): Rule("sections:read"),
    ("GET", "/preflight"): Rule("sections:read"),
    ("GET", "/preflight/{preflight_id}"): Rule("sections:read"),
    ("GET", "/preflight/{preflight_id}/findings"): Rule("sections:read"),
    ("GET", "/webhooks"): Rule("district:read"),
    ("POST", "/webhooks"): Rule("district:write", body=HOOK),
    ("POST", f"{HOOKS}/rotate"): Rule("district:write"),
    ("GET", f"{HOOKS}/deliveries"): Rule("district:read"),
    ("POST", f"{HOOKS}/deliveries/{{delivery_id}}/replay"): Rule("district:write"),
    ("DELETE", HOOKS): Rule("district:write"),
}
# Ids that belong to one district. A section's id is Schoology's: two districts may both have it.
OWNED = ("sync_id", "webhook_id", "delivery_id", "preflight_id", "pause_id", "comparison_id")


def test_every_route_is_declared_with_its_scope() -> None:
    documented = {
        (method.upper(), path): {
            scope for way in operation.get("security", []) for scope in way.get("client", ())
        }
        for path, operations in openapi_document()["paths"].items()
        for method, operation in operations.items()
    }
    assert set(documented) == OPEN | set(RULES)
    assert {route: {rule.scope} for route, rule in RULES.items()} == {
        route: scopes for route, scopes in documented.items() if route not in OPEN
    }


@dataclass
class TwoDistricts:
    """Hold two districts that read the same Schoology, each with rows of every kind."""

    api: ApiHarness
    ours: dict[str, str]
    theirs: dict[str, str]

    def token(self, district: str, client: str, *scopes: str, section: str | None = None) -> ApiClient:
        subject = "5790000" if section else client
        caller = Caller(district, client, subject, frozenset(scopes or EVERYTHING), section)
        life = TEACHER_LIFETIME if section else CLIENT_LIFETIME
        return ApiClient(self.api.http, self.api.runtime.tokens.issue(caller, life))

    async def ask(self, client: ApiClient, route: tuple[str, str], ids: dict[str, str]) -> httpx.Response:
        method, path = route
        body = RULES[route].body
        if isinstance(body, dict) and "ids" in body:
            body = {**body, "ids": [ids["assignment_id"]] if ids else []}
        return await client.ask(method, path.format(**ids), json=body)

    async def checksums(self) -> dict[str, str]:
        """Return a checksum of every table."""
        async with self.api.urls.owner() as owner:
            return {
                name: await owner.scalar(
                    text(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t")  # noqa: S608
                )
                for name in NAMES
            }

    async def expect_refusals(
        self, client: ApiClient, routes: Iterable[tuple[str, str]], ids: dict[str, str], status: int
    ) -> None:
        """Expect each request to get the status, to show no id, and to write nothing."""
        before = await self.checksums()
        for route in routes:
            response = await self.ask(client, route, ids)
            assert response.status_code == status, (route, response.text)
            assert response.json().keys() <= {"type", "title", "status", "code", "fix", "detail", "scope"}, (
                route
            )
            assert not [id_ for id_ in (*self.ours.values(), *self.theirs.values()) if id_ in response.text]
        assert await self.checksums() == before


async def create_rows(api: ApiHarness, office: ApiClient, section: str) -> dict[str, str]:
    hook = (await office.post("/webhooks", HOOK)).json()["id"]
    sync = await api.sync(office, section)
    (delivery,) = (await office.get(f"/webhooks/{hook}/deliveries")).json()["items"]
    return {
        "section_id": section,
        "sync_id": sync["id"],
        "webhook_id": hook,
        "delivery_id": delivery["id"],
        "preflight_id": (await office.post("/preflight")).json()["id"],
        "pause_id": (await office.post("/pause", PAUSE)).json()["id"],
        "comparison_id": (await office.post(f"/sections/{section}/comparisons")).json()["id"],
        "assignment_id": (await office.get(f"/sections/{section}/assignments")).json()["items"][0]["id"],
    }


@pytest.fixture
async def districts(api: ApiHarness) -> TwoDistricts:
    own, neighbor = api.district, await api.add_neighbor()
    ours = await create_rows(api, await api.office(), api.section)
    api.district = neighbor
    theirs = await create_rows(api, await api.office(), str(api.world.classrooms[1].section.id))
    api.district = own
    return TwoDistricts(api, ours, theirs)


async def test_invalid_tokens_are_refused_everywhere(districts: TwoDistricts) -> None:
    api, district = districts.api, districts.api.district.id
    revoked, _ = await api.client(*EVERYTHING)
    client, _ = await api.client(*EVERYTHING)
    async with api.runtime.context.database.district(district) as db:
        await clients.revoke(db, revoked)
    caller = Caller(district, client, client, frozenset(EVERYTHING))
    ended = Tokens.of(Secrets(KEYS).signing_keys(), lambda: datetime.now(UTC) - timedelta(hours=2))
    foreign = Tokens.of([b"a key of somebody else's service, long"], api.runtime.clock)
    bad = {
        "none": api.anonymous,
        "garbage": ApiClient(api.http, "garbage"),
        "expired": ApiClient(api.http, ended.issue(caller, CLIENT_LIFETIME)),
        "somebody else's": ApiClient(api.http, foreign.issue(caller, CLIENT_LIFETIME)),
        "a revoked client's": districts.token(district, revoked),
        "a revoked front-end's teacher's": districts.token(district, revoked, section=api.section),
        "a client's in another district": districts.token(f"{district}-2", client),
    }
    for name, holder in bad.items():
        await districts.expect_refusals(holder, RULES, districts.ours, 401)
        assert (await districts.ask(holder, ("GET", "/audit"), {})).headers["www-authenticate"], name


@pytest.mark.parametrize("scope", EVERYTHING)
async def test_a_scope_opens_only_its_routes(districts: TwoDistricts, scope: str) -> None:
    client, _ = await districts.api.client(scope)
    holder = districts.token(districts.api.district.id, client, scope)
    await districts.expect_refusals(
        holder, [route for route, rule in RULES.items() if rule.scope != scope], districts.ours, 403
    )
    for route, rule in RULES.items():
        if rule.scope == scope:
            response = await districts.ask(holder, route, districts.ours)
            assert response.status_code in {200, 201, 202, 204, 409, 422}, (route, response.text)


async def test_a_teacher_opens_one_section_and_no_district_route(districts: TwoDistricts) -> None:
    teacher = await districts.api.teacher()
    teachers = [route for route, rule in RULES.items() if rule.teachers]
    await districts.expect_refusals(teacher, set(RULES) - set(teachers), districts.ours, 403)
    for route in teachers:
        response = await districts.ask(teacher, route, districts.ours)
        assert response.status_code in {200, 202, 204}, (route, response.text)


async def test_a_section_does_not_exist_for_another_teacher(districts: TwoDistricts) -> None:
    colleague = await districts.api.teacher(districts.api.world.classrooms[1])
    teachers = [route for route, rule in RULES.items() if rule.teachers]
    await districts.expect_refusals(colleague, teachers, districts.ours, 404)
    mixed = districts.ours | {"section_id": str(districts.api.world.classrooms[1].section.id)}
    await districts.expect_refusals(
        colleague, [route for route in teachers if "{sync_id}" in route[1]], mixed, 404
    )


async def test_a_read_only_teacher_writes_nothing(districts: TwoDistricts) -> None:
    reader = districts.token(districts.api.district.id, "page", "syncs:read", section=districts.api.section)
    await districts.expect_refusals(
        reader, [route for route in RULES if route[0] != "GET"], districts.ours, 403
    )


async def test_ids_of_another_district_do_not_exist(districts: TwoDistricts) -> None:
    """Use the neighbor's client with every scope, and its teacher of the same section."""
    neighbor = f"{districts.api.district.id}-2"
    client, _ = await districts.api.client(*EVERYTHING, district_id=neighbor)
    stranger = districts.token(neighbor, client)
    owned = [route for route in RULES if any(f"{{{name}}}" in route[1] for name in OWNED)]
    assert len(owned) == 14
    await districts.expect_refusals(stranger, owned, districts.ours, 404)
    foreign_teacher = districts.token(neighbor, client, section=districts.api.section)
    await districts.expect_refusals(
        foreign_teacher, [route for route in owned if "{sync_id}" in route[1]], districts.ours, 404
    )


async def test_lists_show_nothing_of_another_district(districts: TwoDistricts) -> None:
    neighbor = f"{districts.api.district.id}-2"
    client, _ = await districts.api.client(*EVERYTHING, district_id=neighbor)
    stranger = districts.token(neighbor, client)
    before = await own_checksums(districts)
    for route in RULES:
        if not any(f"{{{name}}}" in route[1] for name in OWNED):
            response = await districts.ask(stranger, route, districts.ours)
            assert response.status_code < 500, (route, response.text)
            assert not [districts.ours[name] for name in OWNED if districts.ours[name] in response.text], (
                route
            )
    assert await own_checksums(districts) == before


async def own_checksums(districts: TwoDistricts) -> dict[str, Any]:
    """Return a checksum of our district's rows in every table."""
    async with districts.api.urls.owner() as owner:
        return {
            name: await owner.scalar(
                text(
                    f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t "  # noqa: S608
                    f"WHERE {'id' if name == 'district' else 'district_id'} = :mine"
                ),
                {"mine": districts.api.district.id},
            )
            for name in NAMES
        }
