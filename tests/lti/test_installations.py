"""Districts are found by their LTI installation, which is theirs alone; the tool's key is kept sealed."""

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
async def test_an_installation_is_one_districts_alone(
    tool: LtiHarness, lti: LtiRegistration | None, lti11: Lti11Registration | None
) -> None:
    database = tool.runtime.database
    first = replace(tool.district, id="first", lti=LTI, lti11=BASIC)
    second = replace(tool.district, id="second", lti=lti, lti11=lti11)
    async with database.district("first") as db:
        await districts.apply(db, first)
    with pytest.raises(InstallationTaken):
        async with database.district("second") as db:
            await districts.apply(db, second)


async def test_districts_that_share_an_app_are_told_apart_by_the_deployment(tool: LtiHarness) -> None:
    database = tool.runtime.database
    for name in ("first", "second"):
        lti = replace(LTI, deployment_id=f"42-{name}")
        async with database.district(name) as db:
            await districts.apply(db, replace(tool.district, id=name, lti=lti, lti11=None))
    async with database.without_tenant() as door:
        assert await installations.district_of(door, LTI.issuer, "42", "42-second") == "second"
        assert await installations.district_of(door, LTI.issuer, "42", "42-third") is None
        both = await installations.platform(door, LTI.issuer, "42", None)
    assert both == Platform("42", LTI.authorization_url)


async def test_a_login_that_could_mean_two_platforms_means_none(tool: LtiHarness) -> None:
    database = tool.runtime.database
    for name in ("first", "second"):
        lti = replace(LTI, deployment_id=name, authorization_url=f"https://{name}.example/auth")
        async with database.district(name) as db:
            await districts.apply(db, replace(tool.district, id=name, lti=lti, lti11=None))
    async with database.without_tenant() as door:
        assert await installations.platform(door, LTI.issuer, "42", None) is None
        second = await installations.platform(door, LTI.issuer, "42", "second")
    assert second == Platform("42", "https://second.example/auth")


async def test_the_secret_of_lti_1_1_is_sealed_and_comes_back(tool: LtiHarness) -> None:
    async with tool.runtime.database.district(tool.district.id) as db:
        stored = (
            await db.execute(text("SELECT config::text || secrets::text AS all FROM district"))
        ).scalar_one()
        assert await districts.get(db) == tool.district
    assert tool.district.lti11 is not None
    assert tool.district.lti11.consumer_secret not in stored
    assert tool.district.lti11.consumer_secret not in repr(tool.district)


async def test_the_tools_key_is_made_once_and_published_without_its_private_part(tool: LtiHarness) -> None:
    first, second = await tool.browser.get("/lti/jwks"), await tool.browser.get("/lti/jwks")
    assert first.json() == second.json()
    (key,) = first.json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()
    assert KeySet.import_key_set(json.loads(first.text)).keys[0].kid == key["kid"]


async def test_the_tools_key_is_sealed_at_rest(tool: LtiHarness) -> None:
    await tool.browser.get("/lti/jwks")
    async with tool.runtime.database.without_tenant() as door:
        sealed = (await door.execute(text("SELECT sealed FROM tool_key"))).scalar_one()
    assert "PRIVATE" not in sealed
