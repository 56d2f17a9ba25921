"""Test what a connection check finds on a OneRoster SIS that refuses the credentials, or a header."""

from dataclasses import replace

import pytest

from gradesync.core.district import SisAccess
from gradesync.core.ports import Finding
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.world import build
from harness.district import DistrictHarness
from harness.environment import Environment

CREDENTIALS, ROSTERING, GRADEBOOK = "SIS credentials", "Service rostering", "Service gradebook"


async def check(harness: DistrictHarness, sis: SisAccess) -> dict[str, Finding]:
    until = harness.context.clock().replace(year=2100)
    district = replace(harness.district, sis=sis)
    return {found.check: found for found in await harness.context.systems.check(district, until=until)}


async def test_refused_signatures_are_no_accepted_ones(environment: Environment) -> None:
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, "eschoolplus", "1.1")
    async with environment.open_district(world, oneroster=face) as harness:
        sis = harness.district.sis
        found = await check(harness, sis)
        assert [found[name].ok for name in (ROSTERING, GRADEBOOK)] == [True, True]
        found = await check(harness, replace(sis, client_secret="another"))
        assert CREDENTIALS not in found
        assert [found[name].ok for name in (ROSTERING, GRADEBOOK)] == [False, False]
        assert "client_secret" in found[ROSTERING].fix


@pytest.mark.parametrize("headers", ["", "x-vendor-authorization: another:secret"])
async def test_a_vendors_header_that_is_missing_is_named(environment: Environment, headers: str) -> None:
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, "infinite-campus")
    async with environment.open_district(world, oneroster=face) as harness:
        sis = harness.district.sis
        found = await check(harness, replace(sis, headers=headers))
        assert [found[name].ok for name in (CREDENTIALS, ROSTERING, GRADEBOOK)] == [True, True, False]
        assert "headers" in found[GRADEBOOK].fix
        assert all(one.ok for one in (await check(harness, sis)).values())
        await harness.replace_district(replace(harness.district, sis=replace(sis, headers=headers)))
        assert (await harness.sync()).error_code == "sis-credentials-refused"
