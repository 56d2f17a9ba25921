"""Test the table of every route's scope with every kind of token on own and foreign ids.

A route that is missing in the table, or that the API document opens with another scope, fails the first test.
"""

from datetime import UTC, datetime, timedelta

import pytest

from gradesync.access.tokens import CLIENT_LIFETIME, Caller, Tokens
from gradesync.db import clients
from gradesync.db.codec import Secrets
from harness.api import EVERYTHING, ApiClient
from harness.api_document import api_document
from harness.every_route import OPEN, OWNED, RULES, TwoDistricts
from harness.servers import KEYS

# Totals give way to syncs that earlier routes started; nothing is there to put back or to decide about.
OTHERWISE = {
    ("POST", "/sections/{section_id}/totals"): 503,
    ("POST", "/sections/{section_id}/undo"): 422,
    ("POST", "/sections/{section_id}/drift"): 422,
}


def may_answer(route: tuple[str, str], status: int, expected: set[int]) -> bool:
    return status in expected or OTHERWISE.get(route) == status


def test_every_route_is_declared_with_its_scope() -> None:
    documented = {
        (method.upper(), path): {
            scope for way in operation.get("security", []) for scope in way.get("client", ())
        }
        for path, operations in api_document()["paths"].items()
        for method, operation in operations.items()
    }
    assert set(documented) == OPEN | set(RULES)
    assert {route: {rule.scope} for route, rule in RULES.items()} == {
        route: scopes for route, scopes in documented.items() if route not in OPEN
    }


async def test_invalid_tokens_are_refused_everywhere(districts: TwoDistricts, run_all: bool) -> None:
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
    one_in = 1 if run_all else len(bad)
    for number, (name, holder) in enumerate(bad.items()):
        # Each token begins at another route, so that together they leave out none.
        await districts.expect_refusals(holder, list(RULES)[number::one_in], districts.ours, 401)
        assert (await districts.ask(holder, ("GET", "/audit"), {})).headers["www-authenticate"], name


@pytest.mark.sample(3)
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
            expected = {200, 201, 202, 204, 409, 422}
            assert may_answer(route, response.status_code, expected), (route, response.text)


async def test_a_teacher_opens_one_section_and_no_district_route(districts: TwoDistricts) -> None:
    teacher = await districts.api.teacher()
    teachers = [route for route, rule in RULES.items() if rule.teachers]
    await districts.expect_refusals(teacher, set(RULES) - set(teachers), districts.ours, 403)
    for route in teachers:
        response = await districts.ask(teacher, route, districts.ours)
        assert may_answer(route, response.status_code, {200, 202, 204}), (route, response.text)


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
    assert len(owned) == 23
    await districts.expect_refusals(stranger, owned, districts.ours, 404)
    foreign_teacher = districts.token(neighbor, client, section=districts.api.section)
    await districts.expect_refusals(
        foreign_teacher, [route for route in owned if "{sync_id}" in route[1]], districts.ours, 404
    )


async def test_lists_show_nothing_of_another_district(districts: TwoDistricts) -> None:
    neighbor = f"{districts.api.district.id}-2"
    client, _ = await districts.api.client(*EVERYTHING, district_id=neighbor)
    stranger = districts.token(neighbor, client)
    before = await districts.own_checksums()
    for route in RULES:
        if not any(f"{{{name}}}" in route[1] for name in OWNED):
            response = await districts.ask(stranger, route, districts.ours)
            assert may_answer(route, response.status_code, set(range(500))), (route, response.text)
            assert not [districts.ours[name] for name in OWNED if districts.ours[name] in response.text], (
                route
            )
    assert await districts.own_checksums() == before
