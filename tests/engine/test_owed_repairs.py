"""Owe a score of which a full sync failed to put right what somebody typed into the SIS."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox.faults import Effect, Status
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.name_swaps import open_named
from harness.sis_kinds import POWERSCHOOL, STANDARD

ABSENT = ("failed", "student-not-in-sis-section")
REFUSED = ("failed", "score-not-accepted")
WRITTEN = ("written", None)


@pytest.fixture(params=[POWERSCHOOL, STANDARD], ids=str)
async def harness(environment: Environment, request: pytest.FixtureRequest) -> AsyncIterator[DistrictHarness]:
    async with open_named(environment, request.param) as harness:
        harness.type_in_sis(harness.items[0], harness.students[0], 77)
        yield harness


def is_oneroster(harness: DistrictHarness) -> bool:
    return harness.district.sis.oneroster is not None


def refuse_scores(harness: DistrictHarness, effect: Effect) -> None:
    oneroster = is_oneroster(harness)
    system, call = ("oneroster", "result.put") if oneroster else ("powerschool", "score.write")
    harness.fault(system, call, effect, times=None)  # type: ignore[arg-type]  # a system's name


async def sync_score(harness: DistrictHarness, **wanted: Any) -> tuple[str, str | None] | None:
    """Preview and sync; return the outcome of the score, and expect the preview's, and no false claim."""
    preview = await harness.outcomes_by_cell(await harness.sync(dry_run=True, **wanted))
    sync = await harness.sync(**wanted)
    assert await find_false_claims(harness, sync) == []
    outcomes = await harness.outcomes_by_cell(sync)
    assert preview == outcomes
    return outcomes.get((harness.items[0].id, harness.students[0]))


def held(harness: DistrictHarness) -> str | None:
    return harness.sis_text(harness.items[0], harness.students[0])


async def assert_quiet(harness: DistrictHarness) -> None:
    """Expect that syncs of changes write nothing any more."""
    await harness.sync()  # a look at what was sent
    harness.forget_calls()
    assert await sync_score(harness) is None
    assert harness.writes == []


async def leave(harness: DistrictHarness) -> str:
    """Let the student leave the SIS section, and a full sync fail; return the sync's id."""
    harness.world.powerschool.drop(harness.room.students[harness.students[0]], harness.room.sis)
    sync = await harness.sync(mode="full")
    assert (await harness.outcomes_by_cell(sync))[harness.items[0].id, harness.students[0]] == ABSENT
    return sync.id


def come_back(harness: DistrictHarness) -> None:
    harness.world.powerschool.enroll(harness.room.students[harness.students[0]], harness.room.sis)


async def test_an_absent_students_score_goes_on_return(harness: DistrictHarness) -> None:
    await leave(harness)
    assert await sync_score(harness) == ABSENT
    assert await sync_score(harness) == ABSENT
    come_back(harness)
    assert await sync_score(harness) == WRITTEN
    assert held(harness) == "1"
    await assert_quiet(harness)


@pytest.mark.parametrize("between", [0, 1])
async def test_a_retry_sends_an_absent_students_score(harness: DistrictHarness, between: int) -> None:
    failed = await leave(harness)
    for _ in range(between):
        await sync_score(harness)
    come_back(harness)
    assert await sync_score(harness, retry_of=failed) == WRITTEN
    assert held(harness) == "1"
    await assert_quiet(harness)


async def test_a_corrected_score_is_not_sent(harness: DistrictHarness) -> None:
    await leave(harness)
    come_back(harness)
    harness.type_in_sis(harness.items[0], harness.students[0], 1)
    harness.forget_calls()
    assert await sync_score(harness) is None
    assert harness.writes == []
    assert (await harness.sync()).status == "complete"


@pytest.mark.parametrize("code", [400, 409, 422])
async def test_a_refused_score_is_tried_again(harness: DistrictHarness, code: int) -> None:
    refuse_scores(harness, Status(code, '{"message": "no"}'))
    await harness.sync(mode="full")
    assert await sync_score(harness) == REFUSED
    await harness.end_faults()
    sync = await harness.sync()
    outcomes = await harness.outcomes_by_cell(sync)
    assert outcomes[harness.items[0].id, harness.students[0]] == WRITTEN
    assert held(harness) == "1"
    await assert_quiet(harness)


async def test_a_score_of_a_locked_term_goes_later(harness: DistrictHarness) -> None:
    harness.world.powerschool.lock_term(harness.room.term)
    await harness.sync(mode="full")  # OneRoster shows no lock: the sync stops
    harness.world.powerschool.lock_term(harness.room.term, locked=False)
    assert await sync_score(harness) == WRITTEN
    assert held(harness) == "1"
    await assert_quiet(harness)


async def test_a_stop_for_review_owes_nothing(harness: DistrictHarness) -> None:
    await harness.change_policy(guard_scores=1, guard_share=Decimal(0))
    harness.clear(harness.items[1], harness.students[1])
    sync = await harness.sync(mode="full")
    assert (sync.status, sync.error_code) == ("failed", "mass-change")
    await harness.change_policy(guard_scores=50)
    assert await sync_score(harness) is None
    assert held(harness) == "77"
