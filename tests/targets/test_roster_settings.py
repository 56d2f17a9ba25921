"""Test that a server refuses the other value of a setting, and that its switches can be set."""

from dataclasses import replace

import httpx
import pytest

from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.world import build
from harness.environment import Environment

CASES = [
    ("standard", "1.2", "auth", "form"),
    ("standard", "1.2", "refs", "minimal"),
    ("standard", "1.2", "score_date", "date-time"),
    ("standard", "1.2", "path_case", "lower"),
    ("standard", "1.1", "categories", "class"),
    ("standard", "1.1", "grading_period", "omit"),
    ("google-compatible", "1.2", "refs", "full"),
    ("google-compatible", "1.2", "score_date", "date"),
    ("powerschool-universal", "1.2", "score_type", "GRADESCALE"),
    ("eschoolplus", "1.1", "auth", "oauth1-sha1"),
]


@pytest.mark.parametrize(("profile", "version", "setting", "value"), CASES)
async def test_the_other_value_of_a_setting_is_refused(
    environment: Environment, profile: str, version: str, setting: str, value: str
) -> None:
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, profile, version)
    async with environment.open_district(world, oneroster=face) as harness:
        access = harness.district.sis.oneroster
        assert access is not None
        changed = replace(access, settings=(*access.settings, (setting, value)))
        sis = replace(harness.district.sis, oneroster=changed)
        await harness.replace_district(replace(harness.district, sis=sis))
        sync = await harness.sync()
        assert sync.status == "failed"
        assert not any(cell for cells in harness.table().values() for cell in cells.values())


async def test_the_control_api_sets_the_switches(environment: Environment) -> None:
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, "standard")
    async with environment.open_district(world, oneroster=face) as harness, httpx.AsyncClient() as client:
        url = f"{harness.sandbox.control_url}/systems/oneroster/switches"
        assert (await client.patch(url, json={"empty_sets": True})).json()["empty_sets"] is True
        assert face.switches.empty_sets
        assert (await client.patch(url, json={"totals": "perhaps"})).status_code == 422
