"""Check pauses in the queue: what they hold, what goes on, in which order and until when."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gradesync.db import links, pauses, queue, syncs
from gradesync.db.links import SectionLink
from gradesync.db.pauses import Where
from gradesync.db.queue import Pause
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from harness.store import claim, enqueue, list_waiting, take_lease

EARLIER = (
    "UPDATE sync SET settles_by = settles_by - interval '1 hour', paused_at = paused_at - interval '1 hour'"
)


async def pause(database: Database, where: Where = Where(), reason: str = "An upgrade.") -> Pause:  # noqa: B008
    async with database.district("riverside") as db:
        return await pauses.pause(db, where, reason, "operator:command")


async def resume(database: Database, paused: Pause, least: float = 0) -> None:
    async with database.district("riverside") as db:
        assert await pauses.resume(db, str(paused.id), "operator:command", least_seconds=least)


async def get(database: Database, sync: Sync) -> Sync:
    async with database.district("riverside") as db:
        found = await syncs.get(db, sync.id)
    assert found is not None
    return found


async def is_quiet(database: Database) -> bool:
    async with database.district("riverside") as db:
        return await pauses.is_quiet(db, takeover_wait_seconds=30)


async def test_paused_section_is_not_claimed(database: Database) -> None:
    held, free = await enqueue(database, "1"), await enqueue(database, "2")
    await pause(database, Where(section="1"))
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.id == free.id
    assert await claim(database) is None
    assert (await get(database, held)).pause_reason == "An upgrade."


async def test_paused_district_has_no_work_and_no_backlog(database: Database) -> None:
    await enqueue(database, "1")
    await enqueue(database, "1", "hilltop")
    await pause(database)
    assert await list_waiting(database) == ["hilltop"]
    async with database.without_tenant() as db:
        depths = await queue.measure_depths(
            db, takeover_wait_seconds=30, per_district=4, skipped_districts=()
        )
    async with database.district("riverside") as db:
        assert await queue.count_queued(db) == 0
    assert {name: depth.syncs for name, depth in depths.items()} == {"paused": 1, "ready": 1}


async def test_paused_sync_is_never_overdue(database: Database) -> None:
    late = await enqueue(database, "1", settles_in=-5)
    paused = await pause(database)
    async with database.without_tenant() as db:
        assert await queue.list_overdue(db) == []
    async with database.district("riverside") as db:
        assert not await syncs.is_overdue(db, late.id)
    await resume(database, paused, least=60)
    async with database.without_tenant() as db:
        assert await queue.list_overdue(db) == []


async def test_resumed_sync_has_back_the_time_of_the_pause(database: Database) -> None:
    sync = await enqueue(database, "1", settles_in=900)
    paused = await pause(database)
    async with database.district("riverside") as db:
        await db.execute(text(EARLIER))  # an hour passes
    await resume(database, paused)
    again = await get(database, sync)
    assert (again.paused_at, again.pause_reason) == (None, None)
    assert abs(again.settles_by - sync.settles_by) < timedelta(seconds=20)


async def test_resumed_sync_has_enough_time_to_begin_anew(database: Database) -> None:
    await take_lease(database, await enqueue(database, "1", settles_in=5))
    paused = await pause(database)
    await resume(database, paused, least=900)
    async with database.district("riverside") as db:
        running = await syncs.get_running(db, "1")
    assert running is not None
    assert running.settles_by - datetime.now(UTC) > timedelta(seconds=800)


async def test_resumed_syncs_go_on_in_their_order(database: Database) -> None:
    asked = [await enqueue(database, section) for section in "132"]
    paused = await pause(database)
    await resume(database, paused)
    claimed = [await claim(database) for _ in asked]
    assert [sync and sync.id for sync in claimed] == [sync.id for sync in asked]


async def test_running_sync_learns_of_the_pause_and_waits(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    paused = await pause(database)
    assert not await is_quiet(database)
    async with database.district("riverside") as db:
        recorded = await syncs.record_progress(db, sync.id, token, stage="writing")
        assert recorded is not None
        assert recorded.paused
        assert await syncs.release(db, token)
    assert await is_quiet(database)
    assert await claim(database) is None
    await resume(database, paused)
    assert await claim(database) is not None


@pytest.mark.parametrize("paused_first", [True, False])
async def test_resumed_sync_waits_for_calls_under_way(database: Database, paused_first: bool) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    paused = await pause(database) if paused_first else None
    async with database.district("riverside") as db:
        assert await syncs.release(db, token, not_before=600)
    paused = paused or await pause(database)
    await pause(database, reason="It takes longer.")
    await resume(database, paused)
    left = (await get(database, sync)).not_before - datetime.now(UTC)
    assert timedelta(seconds=300) < left <= timedelta(seconds=600)


async def test_sync_of_a_dead_worker_stays_paused(database: Database) -> None:
    await take_lease(database, await enqueue(database, "1"), seconds=-31)
    paused = await pause(database)
    assert await list_waiting(database) == []
    assert await claim(database) is None
    assert await is_quiet(database)
    await resume(database, paused)
    assert await claim(database) is not None


async def test_other_pause_keeps_what_one_lets_go(database: Database) -> None:
    sync = await enqueue(database, "1")
    whole = await pause(database)
    await pause(database, Where(section="1"), "A dispute.")
    await resume(database, whole)
    assert (await get(database, sync)).pause_reason == "A dispute."
    assert await claim(database) is None


async def test_pause_of_a_school_covers_its_sections(database: Database) -> None:
    async with database.district("riverside") as db:
        for section, school in (("1", "940"), ("2", "941"), ("3", None)):
            await links.save(db, SectionLink(section_id=section, school=school))
    held, newcomer = await enqueue(database, "1"), await enqueue(database, "3")
    other = await enqueue(database, "2")
    await pause(database, Where(school="940"))
    async with database.district("riverside") as db:
        await links.save(db, SectionLink(section_id="3", school="940"))
        await pauses.hold(db)
        covered = {section: await queue.find_pause(db, section) is not None for section in "123"}
    assert covered == {"1": True, "2": False, "3": True}
    assert [(await get(database, sync)).paused_at is not None for sync in (held, newcomer)] == [True, True]
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.id == other.id


async def test_pause_again_changes_only_the_reason(database: Database) -> None:
    first = await pause(database)
    second = await pause(database, reason="It takes longer.")
    assert second == first._replace(reason="It takes longer.")
    async with database.district("riverside") as db:
        assert await pauses.page(db) == [second]
