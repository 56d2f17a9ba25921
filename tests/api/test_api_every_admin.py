"""Test every route with the tokens of the console: viewers, operators, and admins of another district."""

from dataclasses import replace

from gradesync.access.console import SCOPES
from harness.every_route import OWNED, RULES, TwoDistricts


async def test_a_viewer_changes_nothing(districts: TwoDistricts) -> None:
    viewer = await districts.admin("viewer")
    await districts.expect_refusals(
        viewer, [route for route in RULES if route[0] != "GET"], districts.ours, 403
    )
    before = await stored(districts)
    for route, rule in RULES.items():
        if route[0] == "GET":
            response = await districts.ask(viewer, route, districts.ours)
            expected = {200, 204, 422} if rule.scope in SCOPES["viewer"] else {403}
            assert response.status_code in expected, (route, response.text)
    assert await stored(districts) == before


async def stored(districts: TwoDistricts) -> dict[str, str]:
    """Return a checksum of every table but the audit log, where some of the reading is written down."""
    return {name: sum_ for name, sum_ in (await districts.checksums()).items() if name != "audit"}


async def test_an_operator_opens_the_routes_of_the_role(districts: TwoDistricts) -> None:
    operator = await districts.admin("operator")
    for route, rule in RULES.items():
        response = await districts.ask(operator, route, districts.ours)
        # What a teacher may do in a section is up to the district's policy, for an admin (R22).
        of_teacher = rule.scope == "syncs:write" and rule.teachers
        expected = {200, 201, 202, 204, 409, 422} | ({403} if of_teacher else set())
        assert response.status_code in expected, (route, response.text)
    entries = (await (await districts.admin("viewer")).get("/audit", limit=200)).json()["items"]
    assert "admin:5799999" in {entry["actor"] for entry in entries}


async def test_an_admin_of_another_district_sees_nothing(districts: TwoDistricts) -> None:
    """Use an operator of the neighbor, who reads the same Schoology."""
    neighbor = replace(districts.api.district, id=f"{districts.api.district.id}-2", lti11=None)
    assert neighbor.lti is not None
    neighbor = replace(neighbor, lti=replace(neighbor.lti, deployment_id="another"))
    stranger = await districts.admin("operator", neighbor)
    owned = [route for route in RULES if any(f"{{{name}}}" in route[1] for name in OWNED)]
    before = await districts.own_checksums()
    for route in owned:
        response = await districts.ask(stranger, route, districts.ours)
        assert response.status_code == 404, (route, response.text)
    for route in set(RULES) - set(owned):
        response = await districts.ask(stranger, route, districts.ours)
        assert not [districts.ours[name] for name in OWNED if districts.ours[name] in response.text], route
    assert await districts.own_checksums() == before


async def test_an_admin_with_less_than_the_token_is_refused(districts: TwoDistricts) -> None:
    operator = await districts.admin("operator")
    await districts.admin("viewer")
    await districts.expect_refusals(operator, RULES, districts.ours, 401)
