"""Check whose turn it is: districts that wait are served in order, and none is missed."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from gradesync.db import queue
from gradesync.db.session import Database
from harness.servers import Urls
from harness.store import TEN_THOUSAND, claim, enqueue, list_waiting, take_lease

# Each district waits with one sync. The first in the order of service are deferred.
THREE_THOUSAND = text("""
    WITH queued AS (
        INSERT INTO sync (district_id, id, section_id, status, stage, applied, mode, dry_run,
                          requested_by_kind, requested_by_id, settles_by, not_before)
        SELECT 'd' || lpad(n::text, 4, '0'), gen_random_uuid(), '1', 'processing', 'queued', 'none',
               'changes', false, 'teacher', '1', now() + interval '1 hour',
               CASE WHEN n <= :deferred THEN now() + interval '1 hour' ELSE now() END
        FROM generate_series(1, 3000) n
        RETURNING district_id
    )
    INSERT INTO turn (district_id, served_at, waiting) SELECT district_id, 'epoch', true FROM queued
""")
ROWS_READ = text("SELECT idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relname = 'sync'")


async def test_district_served_longest_ago_goes_first(database: Database) -> None:
    for district in ("alder", "birch", "cedar"):
        for section in "12":
            await enqueue(database, section, district)
    served = []
    for _ in range(6):
        district = (await list_waiting(database))[0]
        await claim(database, district)
        served.append(district)
    assert served == ["alder", "birch", "cedar", "alder", "birch", "cedar"]
    assert await list_waiting(database) == []


async def test_pages_of_any_size_list_each_district_once(database: Database) -> None:
    for district in ("cedar", "alder", "birch", "dogwood"):
        await enqueue(database, "1", district)
    await take_lease(database, await enqueue(database, "1", "elm"), seconds=-31)
    await claim(database, "alder")
    await enqueue(database, "2", "alder")
    served = ["birch", "cedar", "dogwood", "elm", "alder"]
    assert [await list_waiting(database, limit=limit) for limit in (1, 2, 20)] == [served] * 3


async def test_request_during_a_claim_is_marked_after_it(database: Database) -> None:
    """Check the lock: the claim takes the last sync that it sees, while another is queued."""
    await enqueue(database, "1")
    async with database.with_lock("riverside", queue.CLAIMS) as db:
        queued = asyncio.create_task(enqueue(database, "2"))
        assert await queue.claim(
            db, "riverside", str(uuid4()), lease_seconds=60, takeover_wait_seconds=30, per_district=4
        )
        assert not queued.done()
    await queued
    assert await list_waiting(database) == ["riverside"]


async def test_wrong_marks_are_listed_and_corrected(database: Database, servers: Urls) -> None:
    async with servers.owner() as owner:
        await owner.execute(TEN_THOUSAND)  # as an earlier release queues
    await enqueue(database, "1", "hilltop")
    async with database.district("hilltop") as db:
        await db.execute(text("UPDATE sync SET status = 'failed'"))  # as a sync past its limit settles
    await enqueue(database, "1", "alder")
    async with database.without_tenant() as db:
        wrong = await queue.list_wrong_turns(db)
    assert sorted(wrong) == ["hilltop", "riverside"]
    for district in wrong:
        async with database.with_lock(district, queue.CLAIMS) as db:
            await queue.correct_turn(db)
    async with database.without_tenant() as db:
        assert await queue.list_wrong_turns(db) == []
    assert await list_waiting(database) == ["alder", "riverside"]


async def test_late_district_does_not_wait_for_ten_thousand(database: Database, servers: Urls) -> None:
    async with servers.owner() as owner:
        await owner.execute(TEN_THOUSAND)
    await claim(database, "riverside")
    await enqueue(database, "1", "hilltop")
    assert await list_waiting(database) == ["hilltop", "riverside"]


@pytest.mark.parametrize("deferred", [2990, 1500, 600, 400])
async def test_turns_are_the_same_however_few_can_start(
    database: Database, servers: Urls, deferred: int
) -> None:
    """Check each way to find them: among the first marks, by few ready syncs, and by all marks."""
    async with servers.owner() as owner:
        await owner.execute(THREE_THOUSAND, {"deferred": deferred})
    await take_lease(database, await enqueue(database, "1", "elm"), seconds=-31)
    expected = [*(f"d{number:04}" for number in range(deferred + 1, 3001)), "elm"]
    assert [await list_waiting(database, limit=limit) for limit in (701, 3001)] == [expected] * 2


async def test_look_reads_little_where_few_can_start(database: Database, servers: Urls) -> None:
    async with servers.owner() as owner:
        await owner.execute(THREE_THOUSAND, {"deferred": 2990})
        await owner.execute(text("ANALYZE sync, turn"))
    async with database.without_tenant() as db:
        before = await db.scalar(ROWS_READ)
        turns = await queue.list_waiting_districts(db, takeover_wait_seconds=30, per_district=4)
        after = await db.scalar(ROWS_READ)
    assert [turn.district_id for turn in turns] == [f"d{number}" for number in range(2991, 3001)]
    assert 0 < after - before < 700


async def test_district_at_its_limit_has_no_turn(database: Database) -> None:
    for section in "123":
        await enqueue(database, section)
    await claim(database)
    left = await claim(database, lease=-29)
    assert left is not None
    assert await list_waiting(database, per_district=3) == ["riverside"]
    assert await list_waiting(database, per_district=2) == []
    async with database.district("riverside") as db:
        await db.execute(text("UPDATE sync SET lease_until = lease_until - interval '2 seconds'"))
    assert await list_waiting(database, per_district=2) == ["riverside"]
    assert await list_waiting(database, per_district=1) == []
