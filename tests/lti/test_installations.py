"""Test that a district is found by its own LTI installation, and that the tool's key is sealed."""

import json
from dataclasses import replace

import pytest
from joserfc.jwk import KeySet
from sqlalchemy import text

from gradesync.core.district import Lti11Registration, LtiRegistration
from gradesync.db import districts, installations
from gradesync.db.districts import InstallationTaken
from gradesync.db.installations import Platform
from harness.lti import LtiHarness

LTI = LtiRegistration(
    "https://lms.example", "42", "42-1", "https://lms.example/jwks", "https://lms.example/auth"
)
BASIC = Lti11Registration("43", "hush")


@pytest.mark.parametrize(("lti", "lti11"), [(LTI, None), (None, BASIC)])
async def test_installation_belongs_to_one_district(
    tool: LtiHarness, lti: LtiRegistration | None, lti11: Lti11Registration | None
) -> None:
    database = tool.runtime.context.database
    first = replace(tool.district, id="first", lti=LTI, lti11=BASIC)
    second = replace(tool.district, id="second", lti=lti, lti11=lti11)
    async with database.district("first") as db:
        await districts.apply(db, first)
    with pytest.raises(InstallationTaken):
        async with database.district("second") as db:
            await districts.apply(db, second)


async def test_districts_that_share_an_app_differ_by_deployment(tool: LtiHarness) -> None:
    database = tool.runtime.context.database
    for name in ("first", "second"):
        lti = replace(LTI, deployment_id=f"42-{name}")
        async with database.district(name) as db:
            await districts.apply(db, replace(tool.district, id=name, lti=lti, lti11=None))
    async with database.without_tenant() as connection:
        assert await installations.find_district(connection, LTI.issuer, "42", "42-second") == "second"
        assert await installations.find_district(connection, LTI.issuer, "42", "42-third") is None
        both = await installations.find_platform(connection, LTI.issuer, "42", None)
    assert both == Platform("42", LTI.authorization_url)


async def test_login_that_fits_two_platforms_finds_none(tool: LtiHarness) -> None:
    database = tool.runtime.context.database
    for name in ("first", "second"):
        lti = replace(LTI, deployment_id=name, authorization_url=f"https://{name}.example/auth")
        async with database.district(name) as db:
            await districts.apply(db, replace(tool.district, id=name, lti=lti, lti11=None))
    async with database.without_tenant() as connection:
        assert await installations.find_platform(connection, LTI.issuer, "42", None) is None
        second = await installations.find_platform(connection, LTI.issuer, "42", "second")
    assert second == Platform("42", "https://second.example/auth")


async def test_lti11_secret_is_sealed_and_read_back(tool: LtiHarness) -> None:
    async with tool.runtime.context.database.district(tool.district.id) as db:
        stored = (
            await db.execute(text("SELECT config::text || secrets::text AS all FROM district"))
        ).scalar_one()
        assert await districts.get(db) == tool.district
    assert tool.district.lti11 is not None
    assert tool.district.lti11.consumer_secret not in stored
    assert tool.district.lti11.consumer_secret not in repr(tool.district)


async def test_tool_key_is_made_once_and_published_without_secrets(tool: LtiHarness) -> None:
    first, second = await tool.browser.get("/lti/jwks"), await tool.browser.get("/lti/jwks")
    assert first.json() == second.json()
    (key,) = first.json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()
    assert KeySet.import_key_set(json.loads(first.text)).keys[0].kid == key["kid"]


async def test_tool_key_is_sealed_at_rest(tool: LtiHarness) -> None:
    await tool.browser.get("/lti/jwks")
    async with tool.runtime.context.database.without_tenant() as connection:
        sealed = (await connection.execute(text("SELECT sealed FROM tool_key"))).scalar_one()
    assert "PRIVATE" not in sealed
