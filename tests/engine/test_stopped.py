"""Stop syncs midway: done work is recorded, the rest fails and goes with the next sync."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from gradesync_sandbox.schoology.model import Mark
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment

NO_ACCESS = Status(403, '{"message":"No access","errors":[{"field":"assignment.createdbyplugin"}]}')


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments and three students, all of it synced, one assignment a batch."""
    built = world.build(7, 1, 3, 2, ideal=True)
    built.powerschool.switches.spanning = False
    async with environment.open_district(built) as harness:
        assert (await harness.sync()).status == "complete"
        yield harness


async def test_stop_fails_only_what_was_not_attempted(
    harness: DistrictHarness,
) -> None:
    first, second = harness.items
    uid, incomplete, _ = harness.students
    for item in harness.items:
        harness.grade(item, uid, 1)
    harness.mark(first, incomplete, Mark.INCOMPLETE)
    harness.fault("powerschool", "score.write", NO_ACCESS, nth=2)
    sync = await harness.sync()
    assert (sync.error_code, sync.applied) == ("sis-permission-missing", "some")
    assert await find_false_claims(harness, sync) == []
    assert await harness.outcomes_by_cell(sync) == {
        (first.id, uid): ("written", None),
        (first.id, incomplete): ("skipped", "incomplete-not-sent"),
        (second.id, uid): ("failed", "not-attempted"),
    }
    assert (await harness.outcomes_by_cell(await harness.sync()))[second.id, uid] == ("written", None)
    assert harness.differences() == []


async def test_findings_of_a_stopped_sync_are_found_again(harness: DistrictHarness) -> None:
    item, (same, incomplete, _) = harness.items[0], harness.students
    harness.grade(item, same, 5)
    harness.type_in_sis(item, same, 5)
    harness.mark(item, incomplete, Mark.INCOMPLETE)
    new = harness.add("New")
    harness.fault("powerschool", "assignment.create", NO_ACCESS)
    sync = await harness.sync(mode="full")
    assert (sync.error_code, sync.applied) == ("sis-permission-missing", "none")
    assert await find_false_claims(harness, sync) == []
    assert await harness.outcomes_by_cell(sync) == {
        (new.id, None): ("failed", "not-attempted"),
        (item.id, same): ("failed", "not-attempted"),
        (item.id, incomplete): ("skipped", "incomplete-not-sent"),
    }
    assert await harness.outcomes_by_cell(await harness.sync(mode="full")) == {
        (new.id, None): ("created", None),
        (item.id, same): ("adopted", None),
        (item.id, incomplete): ("skipped", "incomplete-not-sent"),
    }


@pytest.mark.parametrize("system", ["PowerSchool", "Schoology"])
async def test_R53_an_untrusted_certificate_stops_the_sync(
    harness: DistrictHarness, untrusted: str, system: str
) -> None:
    district = harness.district
    if system == "PowerSchool":
        district = replace(district, sis=replace(district.sis, base_url=untrusted))
    else:
        district = replace(district, schoology=replace(district.schoology, base_url=untrusted))
    await harness.replace_district(district)
    sync = await harness.sync(mode="full")
    assert (sync.status, sync.error_code, sync.error_detail) == (
        "failed",
        "upstream-unavailable",
        f"the certificate of {system} is not trusted: self-signed certificate",
    )
