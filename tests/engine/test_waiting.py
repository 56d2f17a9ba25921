"""Syncs that wait and leases that are kept: nothing is counted twice, and nobody writes unasked."""

import asyncio

import pytest

from gradesync.db.session import Database
from gradesync.errors import LeaseLost
from gradesync.sync.claim import claim_of
from gradesync.sync.lease import Lease
from gradesync.sync.run import perform
from gradesync.sync.sweep import sweep
from gradesync_sandbox.faults import Status, System
from harness.assertions import untrue
from harness.contexts import BOUNDS, SOON
from harness.district import BOUND_IS_PAST, Stage
from harness.faults import held_at, spoil_ledger

LONG_AGO = "UPDATE sync SET not_before = now() - interval '1 minute' WHERE status = 'processing'"


async def claimed(stage: Stage) -> Lease:
    """The lease on a sync that was just asked for."""
    await stage.request()
    found = await claim_of(stage.engine, stage.district.id)
    assert found is not None
    return found.lease


@pytest.mark.parametrize(
    ("system", "call"), [("schoology", "multiget"), ("powerschool", "score.write")], ids=str
)
async def test_a_sync_that_is_throttled_for_long_waits_in_the_queue_and_counts_once(
    stage: Stage, system: System, call: str
) -> None:
    out, goes = stage.items
    await stage.opt_out(out)
    too_many = Status(429, "{}", {"Retry-After": "0"})
    stage.fault(system, call, too_many, times=SOON.attempts)
    sync = await stage.sync()
    assert (sync.status, sync.attempt) == ("complete", 2)
    assert await untrue(stage, sync) == []
    told = await stage.told(sync)
    assert (told[out.id, None], told[goes.id, None]) == (("skipped", "opted-out"), ("created", None))
    assert stage.created == 1
    assert stage.world.powerschool.log.effects() == {"written": 3}


async def test_no_call_goes_that_may_outlast_the_lease(stage: Stage) -> None:
    lease = await claimed(stage)
    await lease(BOUNDS.call_timeout)
    with pytest.raises(LeaseLost):
        await lease(BOUNDS.lease * 10)


async def test_a_lease_that_another_worker_took_lets_no_call_go(stage: Stage) -> None:
    lease = await claimed(stage)
    await stage.lose_lease()
    assert await claim_of(stage.engine, stage.district.id) is not None
    with pytest.raises(LeaseLost):
        await lease(BOUNDS.lease * 10)
    with pytest.raises(LeaseLost):
        await lease(0)


async def test_a_lease_is_kept_by_a_database_that_was_away(stage: Stage) -> None:
    asked = asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    lease = await claimed(stage)
    here, granted = lease.database, lease.granted
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        away = Database.open(
            f"postgresql+asyncpg://nobody@127.0.0.1:{port}/none",
            here.secrets,
            application_name="away",
            pool_size=1,
        )
        lease.database = away
        async with lease.kept():
            await asked.wait()
            lease.database = here
            while lease.granted == granted:
                await asyncio.sleep(0)
        await away.close()
    assert lease.left > 0


async def test_a_sync_past_its_bound_settles_once_however_many_sweep(stage: Stage) -> None:
    sync = await stage.request()
    await stage.rows_become(BOUND_IS_PAST)
    swept = await asyncio.gather(*(sweep(stage.engine) for _ in range(4)))
    assert sum(one.settled for one in swept) == 1
    assert (await stage.get(sync)).error_code == "timed-out"


async def test_a_sync_whose_bell_nobody_heard_is_rung_for_again(stage: Stage) -> None:
    await stage.request()
    await stage.redis.flushdb()
    await stage.rows_become(LONG_AGO)
    assert (await sweep(stage.engine)).rung == 1
    assert [list(bell.args) for bell in await stage.redis.queued_jobs()] == [[stage.district.id]]


async def test_a_lease_that_is_lost_is_kept_no_longer(stage: Stage) -> None:
    lease = await claimed(stage)
    async with lease.kept():
        await stage.lose_lease()
        while lease.left > 0:
            await asyncio.sleep(0)
    with pytest.raises(LeaseLost):
        await lease(0)


async def test_whoever_lost_a_sync_does_not_end_it_over_a_ledger_that_cannot_be_read(stage: Stage) -> None:
    assert (await stage.sync()).status == "complete"
    await spoil_ledger(stage)
    sync = await stage.request()
    slow = await claim_of(stage.engine, stage.district.id)
    await stage.lose_lease()
    assert slow is not None
    assert await claim_of(stage.engine, stage.district.id) is not None
    await perform(stage.engine, slow)
    assert (await stage.get(sync)).status == "processing"
    assert (await stage.settled(sync)).error_code == "internal-error"


@pytest.mark.parametrize("last", ["assignment.create", "score.write"])
async def test_whoever_lost_a_sync_records_nothing_of_its_last_call(stage: Stage, last: str) -> None:
    sync = await stage.request()
    async with held_at(stage, last, stage.carry(), done="before"):
        await stage.lose_lease()
        taken = await claim_of(stage.engine, stage.district.id)
        assert taken is not None
        before = await stage.ledger()
    assert (await stage.ledger(), (await stage.get(sync)).status) == (before, "processing")
    await perform(stage.engine, taken)
    sync = await stage.get(sync)
    assert (sync.status, await untrue(stage, sync), stage.differences()) == ("complete", [], [])
