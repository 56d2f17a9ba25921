"""Test syncs to a OneRoster SIS that shows no scores: all of them arrive, and none is made twice."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gradesync_sandbox.faults import LoseAfter
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.schoology.model import Mark
from gradesync_sandbox.world import build
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import change_settings


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open a district of two assignments and three students, whose SIS shows no scores."""
    world = build(7, 1, 3, 2, ideal=True)
    face = open_face(world.powerschool, "standard")
    face.demands = replace(face.demands, reads_scores=False)
    async with environment.open_district(world, oneroster=face) as opened:
        await change_settings(opened, reads_scores=False)
        yield opened


async def test_changes_arrive_where_no_score_is_shown(harness: DistrictHarness) -> None:
    first, (ann, ben, cam) = harness.items[0], harness.students
    await assert_synced_well(harness)
    harness.grade(first, ann, 3)
    harness.clear(first, ben)
    harness.mark(first, cam, Mark.MISSING)
    await assert_synced_well(harness)
    harness.forget_calls()
    await harness.sync()
    assert harness.writes == []
    assert "result.list" not in harness.world.powerschool.log.counts()


async def test_a_lost_answer_is_sent_again_as_the_same(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "result.put", LoseAfter(), times=4)  # fewer in a row than open the circuit
    await assert_synced_well(harness)
    assert len([cell for cells in harness.table().values() for cell in cells.values() if cell]) == 6


async def test_a_clear_whose_answer_is_lost_is_made_good(harness: DistrictHarness) -> None:
    await harness.sync()
    harness.clear(harness.items[0], harness.students[0])
    harness.fault("oneroster", "result.delete", LoseAfter())
    await assert_synced_well(harness)


async def test_a_server_that_shows_none_refuses_reads(harness: DistrictHarness) -> None:
    await harness.sync()
    await change_settings(harness, reads_scores=True)
    done = await harness.sync(mode="full")
    assert done.error_code == "sis-permission-missing"
    assert await find_false_claims(harness, done) == []
