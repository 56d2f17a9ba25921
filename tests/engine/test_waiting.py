"""Wait in the queue and keep leases: nothing is counted twice, and no worker writes without a lease."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gradesync.db.codec import Secrets
from gradesync.db.queue import CLAIMS
from gradesync.db.session import Database
from gradesync.errors import DatabaseAway, LeaseLost, SyncStopped
from gradesync.settings import Settings
from gradesync.sync.claim import Lease, claim, claim_from
from gradesync.sync.context import SyncContext
from gradesync.sync.release import retry_releases
from gradesync.sync.run import run_sync
from gradesync.sync.sweep import sweep
from gradesync_sandbox.faults import Status, System
from harness.assertions import find_false_claims
from harness.contexts import HURRIED, LIMITS, SOON
from harness.district import BOUND_IS_PAST, DistrictHarness
from harness.faults import held_at, spoil_ledger
from harness.relays import Cut, relay
from harness.servers import KEYS
from harness.streams import serve_streams

LONG_AGO = "UPDATE sync SET not_before = now() - interval '1 minute' WHERE status = 'processing'"
SHORT_LEASE = replace(HURRIED, lease=1.5)
WAITING = text("""
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")

COMMITTED = b"C\0\0\0\x0dSELECT 1\0"  # the answer to a claim: a statement alone, it took effect


async def claim_lease(harness: DistrictHarness) -> Lease:
    """Return the lease on a sync that was just requested."""
    await harness.request()
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    return claimed.lease


@pytest.mark.parametrize(
    ("system", "call"), [("schoology", "multiget"), ("powerschool", "score.write")], ids=str
)
async def test_throttled_sync_waits_in_the_queue_and_counts_once(
    harness: DistrictHarness, system: System, call: str
) -> None:
    out, goes = harness.items
    await harness.opt_out(out)
    too_many = Status(429, "{}", {"Retry-After": "0"})
    harness.fault(system, call, too_many, times=SOON.attempts)
    sync = await harness.sync()
    assert (sync.status, sync.attempt) == ("complete", 2)
    assert await find_false_claims(harness, sync) == []
    outcomes = await harness.outcomes_by_cell(sync)
    assert (outcomes[out.id, None], outcomes[goes.id, None]) == (("skipped", "opted-out"), ("created", None))
    assert harness.created == 1
    assert harness.world.powerschool.log.effects() == {"written": 3}


async def test_no_call_may_outlast_the_lease(harness: DistrictHarness) -> None:
    lease = await claim_lease(harness)
    await lease(LIMITS.call_timeout)
    with pytest.raises(LeaseLost):
        await lease(LIMITS.lease * 2)


async def test_no_call_begins_after_a_slow_renewal(harness: DistrictHarness) -> None:
    lease = await claim_lease(harness)
    lease.granted -= LIMITS.lease
    permitted = asyncio.create_task(lease(LIMITS.call_timeout))
    await asyncio.sleep(0)  # until it asks the database
    lease.ends = monotonic()
    with pytest.raises(SyncStopped, match="timed-out"):
        await permitted


async def test_lease_too_short_for_a_call_is_released(harness: DistrictHarness) -> None:
    limits = replace(harness.context.limits, lease=30, call_timeout=40)
    harness.context = replace(harness.context, limits=limits)
    harness.restart()
    sync = await harness.request()
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    for _ in ("ours", "no longer ours"):
        await run_sync(harness.context, claimed)
        assert (await harness.get(sync)).stage == "queued"


async def test_lost_lease_permits_no_call(harness: DistrictHarness) -> None:
    lease = await claim_lease(harness)
    await harness.lose_lease()
    assert await claim_from(harness.context, harness.district.id) is not None
    with pytest.raises(LeaseLost):
        await lease(LIMITS.lease * 2)
    with pytest.raises(LeaseLost):
        await lease(0)


async def test_lease_is_renewed_after_a_database_outage(harness: DistrictHarness) -> None:
    asked = asyncio.Event()

    async def hang_up(*_: object) -> None:
        asked.set()

    harness.restart(SHORT_LEASE)
    lease = await claim_lease(harness)
    here, granted = lease.database, lease.granted
    async with serve_streams(hang_up) as port:
        away = Database.open(
            f"postgresql+asyncpg://nobody@127.0.0.1:{port}/none",
            here.secrets,
            application_name="away",
            pool_size=1,
        )
        lease.database = away
        async with lease.renewing():
            await asked.wait()
            lease.database = here
            while lease.granted == granted:
                await asyncio.sleep(0)
        await away.close()
    assert lease.remaining > 0


async def test_overdue_sync_settles_once_in_concurrent_sweeps(harness: DistrictHarness) -> None:
    sync = await harness.request()
    await harness.change_rows(BOUND_IS_PAST)
    swept = await asyncio.gather(*(sweep(harness.context) for _ in range(4)))
    assert sum(each.settled for each in swept) == 1
    assert (await harness.get(sync)).error_code == "timed-out"


async def test_sweep_notifies_again_after_a_lost_wakeup(harness: DistrictHarness) -> None:
    await harness.request()
    await harness.redis.flushdb()
    await harness.change_rows(LONG_AGO)
    assert (await sweep(harness.context)).notified == 1
    assert [list(job.args) for job in await harness.redis.queued_jobs()] == [[harness.district.id]]


async def test_sweep_finds_a_district_whose_mark_is_lost(harness: DistrictHarness) -> None:
    await harness.request()
    await harness.change_rows("UPDATE turn SET waiting = false")
    assert await claim(harness.context) is None
    await sweep(harness.context)
    assert await claim(harness.context) is not None


async def test_lost_lease_is_renewed_no_longer(harness: DistrictHarness) -> None:
    harness.restart(SHORT_LEASE)
    lease = await claim_lease(harness)
    async with lease.renewing():
        await harness.lose_lease()
        while lease.remaining > 0:
            await asyncio.sleep(0)
    with pytest.raises(LeaseLost):
        await lease(0)


async def test_lost_sync_is_not_ended_over_an_unreadable_ledger(
    harness: DistrictHarness,
) -> None:
    assert (await harness.sync()).status == "complete"
    await spoil_ledger(harness)
    sync = await harness.request()
    slow = await claim_from(harness.context, harness.district.id)
    await harness.lose_lease()
    assert slow is not None
    assert await claim_from(harness.context, harness.district.id) is not None
    await run_sync(harness.context, slow)
    assert (await harness.get(sync)).status == "processing"
    assert (await harness.run_to_end(sync)).error_code == "internal-error"


@pytest.mark.parametrize("last", ["assignment.create", "score.write"])
async def test_lost_sync_records_nothing_of_its_last_call(harness: DistrictHarness, last: str) -> None:
    sync = await harness.request()
    async with held_at(harness, last, harness.run_queued(), done="before"):
        await harness.lose_lease()
        taken = await claim_from(harness.context, harness.district.id)
        assert taken is not None
        before = await harness.ledger()
    assert (await harness.ledger(), (await harness.get(sync)).status) == (before, "processing")
    await run_sync(harness.context, taken)
    sync = await harness.get(sync)
    assert (sync.status, await find_false_claims(harness, sync), harness.differences()) == (
        "complete",
        [],
        [],
    )


@asynccontextmanager
async def open_cut_claims(
    harness: DistrictHarness, settings: Settings
) -> AsyncIterator[tuple[SyncContext, Cut]]:
    """Yield a context whose claim is committed, and whose database cannot answer that."""
    assert settings.database_url is not None
    cut = Cut(COMMITTED, after=b"claim_next")
    async with relay(settings.database_url.get_secret_value(), cut) as url:
        database = Database.open(url, Secrets(KEYS), application_name="test", pool_size=1)
        yield replace(harness.context, database=database), cut
        await database.close()


async def test_claim_whose_commit_was_lost_is_given_back(
    harness: DistrictHarness, settings: Settings
) -> None:
    sync = await harness.request()
    async with open_cut_claims(harness, settings) as (context, _):
        with pytest.raises(DatabaseAway):
            await claim_from(context, harness.district.id)
        assert (await harness.get(sync)).lease_token is not None
        await retry_releases(context)
    assert ((await harness.get(sync)).stage, context.unreleased) == ("queued", set())
    assert (await harness.run_to_end(sync)).status == "complete"


async def test_claim_canceled_in_its_commit_is_given_back(
    harness: DistrictHarness, settings: Settings
) -> None:
    sync = await harness.request()
    async with open_cut_claims(harness, settings) as (context, cut):
        claiming = asyncio.create_task(claim_from(context, harness.district.id))
        cut.then = claiming.cancel
        with pytest.raises(asyncio.CancelledError):
            await claiming
        assert (await harness.get(sync)).lease_token is not None
        await retry_releases(context)
    assert ((await harness.get(sync)).stage, context.unreleased) == ("queued", set())


async def test_claim_canceled_before_its_turn_is_given_back(harness: DistrictHarness) -> None:
    """Cancel a claim that waits for others: the server goes on with it, and grants the lease."""
    sync, context = await harness.request(), harness.context
    async with context.database.with_lock(harness.district.id, CLAIMS) as db:
        claiming = asyncio.create_task(claim_from(context, harness.district.id))
        while await db.scalar(WAITING) != 1:
            await asyncio.sleep(0)
        claiming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claiming
        releasing = asyncio.create_task(retry_releases(context))
        while not releasing.done() and await db.scalar(WAITING) != 2:
            await asyncio.sleep(0)
    await releasing
    async with context.database.with_lock(harness.district.id, CLAIMS):  # whoever waited has ended
        pass
    assert ((await harness.get(sync)).stage, context.unreleased) == ("queued", set())
    assert (await harness.run_to_end(sync)).status == "complete"


async def test_sync_without_a_free_connection_goes_back(harness: DistrictHarness, settings: Settings) -> None:
    assert settings.database_url is not None
    sync = await harness.request()
    claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    url = settings.database_url.get_secret_value()
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    context = replace(harness.context, database=Database(engine, Secrets(KEYS)))
    async with context.database.district(harness.district.id):
        await run_sync(context, claimed)
        assert len(context.unreleased) == 1
    await retry_releases(context)
    await context.database.close()
    assert ((await harness.get(sync)).stage, context.unreleased) == ("queued", set())
