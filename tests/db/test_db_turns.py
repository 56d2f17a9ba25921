"""Check whose turn it is: districts that wait are served in order, and none is missed."""

import asyncio
from uuid import uuid4

from sqlalchemy import text

from gradesync.db import queue
from gradesync.db.session import Database
from harness.servers import Urls
from harness.store import TEN_THOUSAND, claim, enqueue, list_waiting, take_lease


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
