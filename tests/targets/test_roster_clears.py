"""Test that a clear which is refused now is not taken for one that a SIS never takes (R6, R30)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox.oneroster.demands import SERVERS
from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import STANDARD, Kind, face_of, open_kind

MISSING = "sis-permission-missing"
SIGNED = Kind("eschoolplus", SERVERS["eschoolplus", "1.1"])


@pytest.fixture(params=[STANDARD, SIGNED], ids=str)
async def harness(environment: Environment, request: pytest.FixtureRequest) -> AsyncIterator[DistrictHarness]:
    """Open a district of two assignments and three students that was synced; calls are signed, or are not."""
    async with open_kind(environment, request.param, build(7, 1, 3, 2, ideal=True)) as opened:
        await opened.sync()
        yield opened


async def test_R30_a_clear_in_a_closed_window_fails_and_goes_later(harness: DistrictHarness) -> None:
    first, (ann, ben, _) = harness.items[0], harness.students
    sis, term = harness.world.powerschool, harness.room.term
    harness.clear(first, ann)
    sis.lock_term(term)
    for _ in range(2):
        sync = await harness.sync()
        assert sync.status == "failed"
        cells = await harness.outcomes_by_cell(sync)
        assert sync.error_code == MISSING or cells[first.id, ann] == ("failed", MISSING)
        assert await find_false_claims(harness, sync) == []
        harness.clear(first, ben)
    sis.lock_term(term, locked=False)
    sync = await harness.sync()
    assert (sync.status, await harness.outcomes_by_cell(sync)) == (
        "complete",
        {(first.id, uid): ("cleared", None) for uid in (ann, ben)},
    )
    assert [harness.sis_text(first, uid) for uid in (ann, ben)] == [None, None]


async def test_R30_many_clears_and_scores_in_a_closed_window_wait(harness: DistrictHarness) -> None:
    first, second = harness.items
    for uid in harness.students:
        harness.clear(first, uid)
        harness.grade(second, uid, 2)
    sis, term = harness.world.powerschool, harness.room.term
    sis.lock_term(term)
    sync = await harness.sync()
    assert (sync.status, sync.scores["skipped"]) == ("failed", 0)
    sis.lock_term(term, locked=False)
    assert ((await harness.sync()).status, harness.differences()) == ("complete", [])


async def test_R6_an_open_assignment_shows_that_deletes_are_refused(harness: DistrictHarness) -> None:
    """Name what can't be cleared where the SIS takes other scores, and never keep those from it."""
    first, second = harness.items
    ann, ben, cam = harness.students
    face_of(harness).scopes -= {"gradebook.delete"}
    for uid in (ann, ben):
        harness.clear(first, uid)
    harness.clear(second, ann)
    harness.grade(first, cam, 2)
    sync = await harness.sync()
    cells = await harness.outcomes_by_cell(sync)
    assert [cells[first.id, uid] for uid in (ann, ben)] == [("skipped", "cannot-clear")] * 2
    assert cells[first.id, cam] == ("written", None)
    assert cells[second.id, ann] in {("skipped", "cannot-clear"), ("failed", MISSING)}
