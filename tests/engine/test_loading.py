"""Claim a sync beside others, and load what is stored of its section: nothing waits or is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from gradesync.core.district import District
from gradesync.db import ledger_changes, queue
from gradesync.errors import DatabaseAway, LeaseLost
from gradesync.sync.claim import Claimed, claim_from, claim_within_limits, open_attempt
from gradesync.sync.run import run_sync
from harness.district import DistrictHarness

DAY = 86400
LEDGER_IS_WANTED = text("""
    SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'ledger'::regclass AND NOT granted)
""")
ROWS_ARE_OLD = "UPDATE ledger SET doubtful = '{}'"  # as a release of before revision 0002 writes them


async def claim_next(harness: DistrictHarness) -> Claimed:
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    return claimed


@asynccontextmanager
async def locked_ledger(harness: DistrictHarness) -> AsyncIterator[None]:
    async with harness.context.database.district(harness.district.id) as db:
        await db.execute(text("LOCK TABLE ledger"))
        yield


async def ledger_is_wanted(harness: DistrictHarness) -> bool:
    async with harness.context.database.district(harness.district.id) as db:
        return bool(await db.scalar(LEDGER_IS_WANTED))


async def test_claim_waits_for_no_load(harness: DistrictHarness) -> None:
    sync = await harness.request()
    async with locked_ledger(harness):
        claimed = await claim_next(harness)
    await run_sync(harness.context, claimed)
    assert (await harness.get(sync)).status == "complete"


async def test_canceled_sync_ends_its_load(harness: DistrictHarness) -> None:
    sync = await harness.request()
    async with locked_ledger(harness):
        claimed = await claim_next(harness)
        running = asyncio.create_task(run_sync(harness.context, claimed))
        while not await ledger_is_wanted(harness):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert (await harness.get(sync)).stage == "queued"


async def test_old_rows_are_converted_as_they_are_by_then(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    await harness.change_rows(ROWS_ARE_OLD)
    sync = await harness.request()
    claimed = await claim_next(harness)
    database = harness.context.database
    async with database.for_statement() as alone:
        loaded = await queue.load_section(alone, harness.district.id, sync.section_id)
    async with database.district(harness.district.id) as db:
        await ledger_changes.doubt(db, sync.section_id)
    doubted = await harness.ledger()
    stored = await loaded.refresh(database, sync, claimed.lease.token)
    assert stored.ledger.entries == doubted == await harness.ledger()
    await run_sync(harness.context, claimed)
    assert (await harness.get(sync)).status == "complete"


async def test_old_rows_are_converted_under_the_lease_alone(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    await harness.change_rows(ROWS_ARE_OLD)
    await harness.request()
    slow = await claim_next(harness)
    await harness.lose_lease()
    await claim_next(harness)
    with pytest.raises(LeaseLost):
        await open_attempt(harness.context, slow)


async def test_claim_is_measured_without_its_waiting_for_others(
    harness: DistrictHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the database report that a claim waited for a day: so much less is its own."""
    claim = queue.claim

    async def wait_for_a_day(*args: Any, **limits: Any) -> queue.Granted | None:
        granted = await claim(*args, **limits)
        return granted and granted._replace(waited=granted.waited + DAY)

    await harness.request()
    monkeypatch.setattr(queue, "claim", wait_for_a_day)
    claimed = await claim_next(harness)
    assert 0 < claimed.claiming + DAY < DAY


@dataclass
class AwayQueue:
    """Hold the syncs of a district whose database goes away before one is claimed."""

    district: District

    async def find_room(self) -> District:
        return self.district

    async def claim_next(self) -> None:
        raise DatabaseAway("NoAnswer")


async def test_failed_claims_take_nothing_of_the_allowance(harness: DistrictHarness) -> None:
    systems, district = harness.context.systems, harness.district
    for _ in range(district.schoology.requests_per_window):
        with pytest.raises(DatabaseAway):
            await claim_within_limits(AwayQueue(district), systems)
    assert await systems.reserve_sync(district)
