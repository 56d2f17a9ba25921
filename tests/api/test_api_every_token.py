"""Who may do what, declared route by route, and tried with every kind of token on own and foreign ids.

The declaration stands here by hand: a route that is not declared, or that the API document opens to somebody
else, fails the first test.
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
from gradesync.db.crypto import Secrets
from harness.api import EVERYTHING, ApiClient, ApiHarness
from harness.every_table import NAMES
from harness.servers import KEYS

HOOK = {"url": "https://hooks.example.org/"}


class Rule(NamedTuple):
    """The scope that opens a route, and whether a teacher's token can be opened with it."""

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
HOOKS = "/webhooks/{webhook_id}"
RULES: dict[tuple[str, str], Rule] = {
    ("POST", f"{SECTION}/syncs"): Rule("syncs:write", True, {"dry_run": True}),
    ("GET", f"{SECTION}/syncs"): Rule("syncs:read", True),
    ("GET", SYNC): Rule("syncs:read", True),
    ("GET", f"{SYNC}/outcomes"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/events"): Rule("syncs:read", True),
    ("GET", f"{SECTION}/assignments"): Rule("sections:read", True),
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
OWNED = ("sync_id", "webhook_id", "delivery_id", "preflight_id")
"""Ids of things that belong to a district. A section's id is Schoology's: two districts may both know it."""


def test_every_route_is_declared_here_with_the_scope_that_the_document_names() -> None:
    found = {
        (method.upper(), path): {
            scope for way in operation.get("security", []) for scope in way.get("client", ())
        }
        for path, operations in openapi_document()["paths"].items()
        for method, operation in operations.items()
    }
    assert set(found) == OPEN | set(RULES)
    assert {route: {rule.scope} for route, rule in RULES.items()} == {
        route: scopes for route, scopes in found.items() if route not in OPEN
    }


@dataclass
class Town:
    """Two districts that read the same Schoology, each with something of everything."""

    api: ApiHarness
    ours: dict[str, str]
    theirs: dict[str, str]

    def token(self, district: str, client: str, *scopes: str, section: str | None = None) -> ApiClient:
        subject = "5790000" if section else client
        caller = Caller(district, client, subject, frozenset(scopes or EVERYTHING), section)
        life = TEACHER_LIFETIME if section else CLIENT_LIFETIME
        return ApiClient(self.api.http, self.api.runtime.tokens.issue(caller, life))

    async def ask(self, door: ApiClient, route: tuple[str, str], ids: dict[str, str]) -> httpx.Response:
        method, path = route
        return await door.ask(method, path.format(**ids), json=RULES[route].body)

    async def everything(self) -> dict[str, str]:
        """What every table holds."""
        async with self.api.urls.owner() as owner:
            return {
                name: await owner.scalar(
                    text(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t")  # noqa: S608
                )
                for name in NAMES
            }

    async def refused(
        self, door: ApiClient, routes: Iterable[tuple[str, str]], ids: dict[str, str], status: int
    ) -> None:
        """Each of the requests gets the status, shows nothing of anybody and writes nothing."""
        before = await self.everything()
        for route in routes:
            answer = await self.ask(door, route, ids)
            assert answer.status_code == status, (route, answer.text)
            assert answer.json().keys() <= {"type", "title", "status", "code", "fix", "detail", "scope"}, (
                route
            )
            assert not [one for one in (*self.ours.values(), *self.theirs.values()) if one in answer.text]
        assert await self.everything() == before


async def furnish(api: ApiHarness, office: ApiClient, section: str) -> dict[str, str]:
    hook = (await office.post("/webhooks", HOOK)).json()["id"]
    sync = await api.sync(office, section)
    (delivery,) = (await office.get(f"/webhooks/{hook}/deliveries")).json()["items"]
    return {
        "section_id": section,
        "sync_id": sync["id"],
        "webhook_id": hook,
        "delivery_id": delivery["id"],
        "preflight_id": (await office.post("/preflight")).json()["id"],
        "assignment_id": (await office.get(f"/sections/{section}/assignments")).json()["items"][0]["id"],
    }


@pytest.fixture
async def town(api: ApiHarness) -> Town:
    mine, other = api.district, await api.add_neighbor()
    ours = await furnish(api, await api.office(), api.section)
    api.district = other
    theirs = await furnish(api, await api.office(), str(api.world.classrooms[1].section.id))
    api.district = mine
    return Town(api, ours, theirs)


async def test_a_token_that_is_not_good_opens_nothing(town: Town) -> None:
    api, district = town.api, town.api.district.id
    revoked, _ = await api.client(*EVERYTHING)
    client, _ = await api.client(*EVERYTHING)
    async with api.runtime.database.district(district) as db:
        await clients.revoke(db, revoked)
    caller = Caller(district, client, client, frozenset(EVERYTHING))
    ended = Tokens.of(Secrets(KEYS).signing_keys(), lambda: datetime.now(UTC) - timedelta(hours=2))
    foreign = Tokens.of([b"a key of somebody else's service, long"], api.runtime.clock)
    bad = {
        "none": api.anonymous,
        "garbage": ApiClient(api.http, "garbage"),
        "expired": ApiClient(api.http, ended.issue(caller, CLIENT_LIFETIME)),
        "somebody else's": ApiClient(api.http, foreign.issue(caller, CLIENT_LIFETIME)),
        "a revoked client's": town.token(district, revoked),
        "a revoked front-end's teacher's": town.token(district, revoked, section=api.section),
        "a client's in another district": town.token(f"{district}-2", client),
    }
    for name, door in bad.items():
        await town.refused(door, RULES, town.ours, 401)
        assert (await town.ask(door, ("GET", "/audit"), {})).headers["www-authenticate"], name


@pytest.mark.parametrize("scope", EVERYTHING)
async def test_a_single_scope_opens_its_routes_and_no_other(town: Town, scope: str) -> None:
    client, _ = await town.api.client(scope)
    door = town.token(town.api.district.id, client, scope)
    await town.refused(door, [route for route, rule in RULES.items() if rule.scope != scope], town.ours, 403)
    for route, rule in RULES.items():
        if rule.scope == scope:
            answer = await town.ask(door, route, town.ours)
            assert answer.status_code in {200, 201, 202, 204, 409, 422}, (route, answer.text)


async def test_a_teacher_opens_one_section_and_nothing_of_the_district(town: Town) -> None:
    teacher = await town.api.teacher()
    teachers = [route for route, rule in RULES.items() if rule.teachers]
    await town.refused(teacher, set(RULES) - set(teachers), town.ours, 403)
    for route in teachers:
        answer = await town.ask(teacher, route, town.ours)
        assert answer.status_code in {200, 202, 204}, (route, answer.text)


async def test_to_a_teacher_of_another_section_it_does_not_exist(town: Town) -> None:
    colleague = await town.api.teacher(town.api.world.classrooms[1])
    teachers = [route for route, rule in RULES.items() if rule.teachers]
    await town.refused(colleague, teachers, town.ours, 404)
    mixed = town.ours | {"section_id": str(town.api.world.classrooms[1].section.id)}
    await town.refused(colleague, [route for route in teachers if "{sync_id}" in route[1]], mixed, 404)


async def test_a_teacher_who_may_only_read_writes_nothing(town: Town) -> None:
    reader = town.token(town.api.district.id, "page", "syncs:read", section=town.api.section)
    await town.refused(reader, [route for route in RULES if route[0] != "GET"], town.ours, 403)


async def test_what_belongs_to_another_district_does_not_exist(town: Town) -> None:
    """For its client with every scope, and for its teacher of the very same section."""
    neighbour = f"{town.api.district.id}-2"
    client, _ = await town.api.client(*EVERYTHING, district_id=neighbour)
    stranger = town.token(neighbour, client)
    owned = [route for route in RULES if any(f"{{{name}}}" in route[1] for name in OWNED)]
    assert len(owned) == 9
    await town.refused(stranger, owned, town.ours, 404)
    foreign_teacher = town.token(neighbour, client, section=town.api.section)
    await town.refused(foreign_teacher, [route for route in owned if "{sync_id}" in route[1]], town.ours, 404)


async def test_no_list_or_section_shows_anything_of_another_district(town: Town) -> None:
    neighbour = f"{town.api.district.id}-2"
    client, _ = await town.api.client(*EVERYTHING, district_id=neighbour)
    stranger = town.token(neighbour, client)
    before = await mine(town)
    for route in RULES:
        if not any(f"{{{name}}}" in route[1] for name in OWNED):
            answer = await town.ask(stranger, route, town.ours)
            assert answer.status_code < 500, (route, answer.text)
            assert not [town.ours[name] for name in OWNED if town.ours[name] in answer.text], route
    assert await mine(town) == before


async def mine(town: Town) -> dict[str, Any]:
    """What our district holds, whatever the neighbour does."""
    async with town.api.urls.owner() as owner:
        return {
            name: await owner.scalar(
                text(
                    f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t "  # noqa: S608
                    f"WHERE {'id' if name == 'district' else 'district_id'} = :mine"
                ),
                {"mine": town.api.district.id},
            )
            for name in NAMES
        }
