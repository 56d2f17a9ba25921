"""Write scores in several batches to a OneRoster SIS: one is recorded while the next one is under way."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gradesync.core.ledger import Doubtful
from gradesync.db import districts
from gradesync.db.pauses import Where
from gradesync.db.syncs import Sync
from gradesync.sync.claim import claim_from
from gradesync.sync.manual_links import Author
from gradesync.sync.pauses import pause, resume
from gradesync.sync.run import run_sync
from gradesync_sandbox.faults import Hold, Status
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.world import build
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment

ITEMS, STUDENTS = 5, 2
SCORES = ITEMS * STUDENTS
BY = Author("client:office")


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open a district of five assignments and two students, where a batch is one assignment."""
    world = build(7, 1, STUDENTS, ITEMS, ideal=True)
    async with environment.open_district(world, oneroster=open_face(world.powerschool, "standard")) as opened:
        async with opened.context.database.district(opened.district.id) as db:
            await districts.save_facts(db, non_spanning=True)
        yield opened


def rows(harness: DistrictHarness) -> int:
    return len(harness.world.powerschool.log.score_rows())


async def start(harness: DistrictHarness, *held: int) -> tuple[Sync, asyncio.Task[None]]:
    """Start a sync, and return once these calls of its scores are held, before they are done."""
    for nth in held:
        harness.fault("oneroster", "result.put", Hold("before"), nth=nth)
    sync = await harness.request()
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    working = asyncio.create_task(run_sync(harness.context, claimed))
    while len(harness.faults.struck) < len(held):
        await asyncio.sleep(0)
    return sync, working


async def list_doubts(harness: DistrictHarness) -> list[Doubtful]:
    entries = await harness.ledger()
    return [doubt for entry in entries.values() for doubt in entry.doubtful.values()]


async def test_no_call_waits_for_the_record_of_another_batch(harness: DistrictHarness) -> None:
    sync, working = await start(harness, STUDENTS + 1)
    async with asyncio.timeout(30):
        await harness.until_score_rows(SCORES - 1)  # all but the one that is held
    assert len(await list_doubts(harness)) >= 1  # it was marked before it was sent
    harness.faults.release()
    await working
    done = await harness.get(sync)
    assert (done.status, await find_false_claims(harness, done)) == ("complete", [])
    assert harness.differences() == []
    assert rows(harness) == SCORES


async def test_a_pause_stops_both_batches_with_all_recorded(harness: DistrictHarness) -> None:
    under_way = range(STUDENTS + 1, 3 * STUDENTS + 1)
    sync, working = await start(harness, *under_way)
    paused = await pause(harness.context, harness.district.id, Where(), "The SIS is being upgraded.", BY)
    harness.faults.release()
    await working
    stopped = await harness.get(sync)
    assert (stopped.status, stopped.stage, rows(harness)) == ("processing", "queued", 3 * STUDENTS)
    assert await list_doubts(harness) == []  # what was marked and not sent is marked no more
    sent = [value for entry in (await harness.ledger()).values() for value in entry.sent.values()]
    assert len(sent) == 3 * STUDENTS
    await resume(harness.context, harness.district.id, str(paused.id), BY, least_seconds=900)
    done = await harness.run_to_end(sync)
    assert (done.status, done.result, rows(harness)) == ("complete", "all-sent", SCORES)
    assert await find_false_claims(harness, done) == []


@pytest.mark.parametrize("held", [1, STUDENTS + 1])
async def test_a_crash_between_batches_loses_and_repeats_nothing(harness: DistrictHarness, held: int) -> None:
    sync, working = await start(harness, *range(held, held + STUDENTS))
    await harness.lose_lease()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await harness.end_faults()
    done = await harness.run_to_end(sync)
    assert (done.status, await find_false_claims(harness, done)) == ("complete", [])
    assert harness.differences() == []
    assert all(row.effect == "written" for row in harness.world.powerschool.log.score_rows())
    harness.forget_calls()
    await harness.sync(mode="full")
    assert harness.writes == []


async def test_a_refusal_in_one_batch_leaves_the_other_recorded(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "result.put", Status(401), nth=2 * STUDENTS, times=None)
    done = await harness.sync()
    assert done.error_code == "sis-credentials-refused"
    assert await find_false_claims(harness, done) == []
    await harness.end_faults()
    await assert_synced_well(harness)
    assert rows(harness) == SCORES
