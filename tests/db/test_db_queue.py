"""Check the queue: its order, its limits, and its speed at any length."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import queue, syncs
from gradesync.db.codec import Secrets
from gradesync.db.driver import Session
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from harness.servers import Urls
from harness.store import LOCK_IS_WANTED, TEN_THOUSAND, claim, enqueue, list_waiting, take_lease

CLOCK = text("SELECT clock_timestamp()")
LOOKED_AT = text("""
    SELECT seq_scan AS whole, idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'sync'
""")


async def overlooked(database: Database, older_than: float) -> list[str]:
    async with database.without_tenant() as db:
        return await queue.list_overlooked_districts(
            db, older_than_seconds=older_than, takeover_wait_seconds=30
        )


async def test_section_has_one_processing_sync(database: Database) -> None:
    first = await enqueue(database, "1")
    async with database.district("riverside") as db:
        assert await _ask(db, "1") is None
        assert await syncs.get_running(db, "1") == first


async def _ask(db: AsyncSession, section_id: str, *, dry_run: bool = False) -> Sync | None:
    return await syncs.insert(
        db,
        section_id=section_id,
        requested_by_kind="teacher",
        requested_by_id="1",
        settles_in=900,
        dry_run=dry_run,
    )


async def test_dry_runs_do_not_count_as_processing(database: Database) -> None:
    running = await enqueue(database, "1")
    await enqueue(database, "1", dry_run=True)
    await enqueue(database, "1", dry_run=True)
    async with database.district("riverside") as db:
        assert await syncs.get_running(db, "1") == running


async def test_one_of_concurrent_requests_is_queued(database: Database) -> None:
    async def request() -> Sync | None:
        async with database.district("riverside") as db:
            return await _ask(db, "1")

    taken = await asyncio.gather(*(request() for _ in range(10)))
    assert len([sync for sync in taken if sync is not None]) == 1


async def test_settled_sync_makes_room_for_the_next(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        assert await syncs.settle(db, sync.id, token, status="complete", applied="all")
    assert (await enqueue(database, "1")).id > sync.id


async def test_longest_waiting_sync_goes_first(database: Database) -> None:
    asked = [await enqueue(database, section) for section in "123"]
    claimed = [await claim(database) for _ in asked]
    assert [sync and sync.id for sync in claimed] == [sync.id for sync in asked]


async def test_claim_sets_a_lease(database: Database) -> None:
    asked = await enqueue(database, "1")
    claimed = await claim(database, lease=60)
    assert claimed is not None
    assert (claimed.status, claimed.stage, claimed.attempt) == ("processing", "reading", 1)
    assert claimed.lease_token
    assert claimed.started_at is not None
    assert claimed.lease_until is not None
    assert 59 <= (claimed.lease_until - claimed.started_at).total_seconds() <= 60
    async with database.district("riverside") as db:
        assert await syncs.get(db, asked.id) == claimed


async def test_claim_among_ten_thousand_reads_few_rows(database: Database, servers: Urls) -> None:
    async with servers.owner() as owner:
        await owner.execute(TEN_THOUSAND)
        await owner.execute(text("ANALYZE sync"))
    async with database.district("riverside") as db:
        before = (await db.execute(LOOKED_AT)).one()  # by transactions that are not counted yet
        assert await _claim_on(db)
        after = (await db.execute(LOOKED_AT)).one()
    assert after.whole - before.whole == 0
    assert 0 < after.rows - before.rows < 10


async def _claim_on(db: Session) -> queue.Granted | None:
    return await queue.claim(
        db, "riverside", str(uuid4()), lease_seconds=60, takeover_wait_seconds=30, per_district=4
    )


async def test_claims_go_on_where_a_later_release_adds_a_column(database: Database, servers: Urls) -> None:
    url = servers.database_url
    one = Database.open(url, Secrets(["k" * 32]), application_name="one", pool_size=1)
    for section in "12":
        await enqueue(database, section)
    async with one.for_statement() as db:
        first = await _claim_on(db)
    async with servers.owner() as owner:
        await owner.execute(text("ALTER TABLE sync ADD COLUMN later text"))
        await owner.execute(text("ALTER FUNCTION claim_next ROWS 1"))  # servers plan its statements again
    try:
        async with one.for_statement() as db:
            second = await _claim_on(db)
    finally:
        await one.close()
        async with servers.owner() as owner:
            await owner.execute(text("ALTER TABLE sync DROP COLUMN later"))
            await owner.execute(text("ALTER FUNCTION claim_next ROWS 1000"))
    assert [each and each.sync.section_id for each in (first, second)] == ["1", "2"]


async def test_claim_knows_how_long_it_waited_for_others(database: Database) -> None:
    """Compare moments of the database's clock alone, each before or after what it bounds."""

    async def claim_behind() -> timedelta:
        async with database.for_statement() as db:
            granted = await _claim_on(db)
        assert granted is not None
        return timedelta(seconds=granted.waited)

    async def look() -> datetime:
        async with database.district("riverside") as db:
            return await _look_at_clock(db)

    for section in "12":
        await enqueue(database, section)
    before = await look()
    async with database.with_lock("riverside", queue.CLAIMS) as db:
        claiming = asyncio.create_task(claim_behind())
        while not await db.scalar(LOCK_IS_WANTED):
            await asyncio.sleep(0)
        wanted, held = await _look_at_clock(db), await _look_at_clock(db)
    behind, between = await claiming, await look()
    assert held - wanted <= behind <= between - before
    assert await claim_behind() <= await look() - between


async def _look_at_clock(db: AsyncSession) -> datetime:
    moment: datetime = (await db.execute(CLOCK)).scalar_one()
    return moment


async def test_district_runs_no_more_than_its_limit(database: Database) -> None:
    for section in range(12):
        await enqueue(database, str(section))
    claimed = await asyncio.gather(*(claim(database, per_district=4) for _ in range(12)))
    assert len({sync.id for sync in claimed if sync is not None}) == 4


async def test_ended_lease_is_taken_over_after_the_wait(database: Database) -> None:
    sync = await enqueue(database, "1")
    await take_lease(database, sync, seconds=-29)
    assert await list_waiting(database) == []
    assert await claim(database) is None


async def test_takeover_is_a_new_attempt_with_a_new_token(database: Database) -> None:
    sync = await enqueue(database, "1")
    first = await take_lease(database, sync, seconds=-31)
    assert await list_waiting(database) == ["riverside"]
    second = await claim(database)
    assert second is not None
    assert (second.id, second.attempt) == (sync.id, 2)
    assert second.lease_token != first


async def test_ended_lease_counts_until_the_wait_is_over(database: Database) -> None:
    """Check the limit: the former worker may still have a call to the SIS under way."""
    await take_lease(database, await enqueue(database, "1"), seconds=-29)
    await enqueue(database, "2")
    assert await claim(database, per_district=1) is None
    assert await claim(database, per_district=2) is not None


async def test_released_sync_goes_to_the_end(database: Database) -> None:
    long = await enqueue(database, "1")
    short = await enqueue(database, "2")
    token = await take_lease(database, long)
    async with database.district("riverside") as db:
        assert await syncs.release(db, token)
    claimed = [await claim(database), await claim(database)]
    assert [sync and sync.id for sync in claimed] == [short.id, long.id]
    assert claimed[1] is not None
    assert claimed[1].attempt == 2


async def test_lapsed_lease_is_released_by_its_worker(database: Database) -> None:
    token = await take_lease(database, await enqueue(database, "1"), seconds=-1)
    assert await claim(database) is None  # for others it waits
    async with database.district("riverside") as db:
        assert await syncs.release(db, token)
    assert await claim(database) is not None


async def test_lease_taken_over_is_not_released(database: Database) -> None:
    token = await take_lease(database, await enqueue(database, "1"), seconds=-31)
    assert await claim(database) is not None
    async with database.district("riverside") as db:
        assert not await syncs.release(db, token)


async def test_delayed_sync_is_neither_claimed_nor_overlooked(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        assert await syncs.release(db, token, not_before=60)
        assert await queue.count_queued(db) == 1
    assert await claim(database) is None
    assert await list_waiting(database) == []


async def test_work_that_waits_too_long_is_overlooked(database: Database) -> None:
    await enqueue(database, "1")
    assert await overlooked(database, older_than=60) == []
    assert await overlooked(database, older_than=0) == ["riverside"]


async def test_backlog_counts_queued_syncs(database: Database) -> None:
    for section in "123":
        await enqueue(database, section)
    await claim(database)
    async with database.district("riverside") as db:
        assert await queue.count_queued(db) == 2


async def depths(
    database: Database, *, per_district: int = 4, skipped_districts: tuple[str, ...] = ()
) -> Any:
    async with database.without_tenant() as db:
        found = await queue.measure_depths(
            db, takeover_wait_seconds=30, per_district=per_district, skipped_districts=skipped_districts
        )
    return {name: depth.syncs for name, depth in found.items()}


async def test_queue_depth_covers_all_districts(database: Database) -> None:
    assert await depths(database) == {}
    for district in ("alder", "birch"):
        for section in "12":
            await enqueue(database, section, district)
    assert await depths(database) == {"ready": 4}
    assert await depths(database, skipped_districts=("birch", "cedar")) == {"ready": 2, "throttled": 2}
    await claim(database, "alder")
    assert await depths(database) == {"ready": 3}
    assert await depths(database, per_district=1) == {"ready": 2, "throttled": 1}


async def test_abandoned_sync_waits_like_any_other(database: Database) -> None:
    sync = await enqueue(database, "1")
    await take_lease(database, sync, seconds=-29)
    assert await depths(database) == {}
    async with database.district("riverside") as db:
        await db.execute(text("UPDATE sync SET lease_until = lease_until - interval '2 seconds'"))
    assert await depths(database) == {"ready": 1}


async def test_delayed_sync_is_throttled_and_has_no_age(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        await syncs.release(db, token, not_before=60)
    async with database.without_tenant() as db:
        found = await queue.measure_depths(db, takeover_wait_seconds=30, per_district=4, skipped_districts=())
    assert found == {"throttled": queue.Depth(1, 0.0)}
