"""Check the sync log: one district's or one section's syncs, newest first, for 30 days."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from gradesync.core.plan import Guard
from gradesync.db import districts, retention, syncs
from gradesync.db.codec import first_id_at
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.observability.rotation import Rotation
from harness.servers import Urls
from harness.store import RIVERSIDE, claim, enqueue, take_lease

A_DAY = timedelta(days=1)
RANDOM_BITS = (1 << 80) - 1  # of an id, below its time


async def settled(database: Database, section_id: str, *, dry_run: bool = False) -> Sync:
    sync = await enqueue(database, section_id, dry_run=dry_run)
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.lease_token is not None
    async with database.district("riverside") as db:
        await syncs.settle(
            db, sync.id, claimed.lease_token, status="complete", applied="all", fingerprint=f"f{section_id}"
        )
    return sync


async def test_R24_log_is_newest_first_and_paged(database: Database) -> None:
    asked = [(await settled(database, section)).id for section in ("1", "2", "1", "1")]
    async with database.district("riverside") as db:
        whole = [sync.id for sync in await syncs.page(db)]
        first = [sync.id for sync in await syncs.page(db, section_id="1", limit=2)]
        rest = [sync.id for sync in await syncs.page(db, section_id="1", limit=2, before=first[-1])]
    assert whole == asked[::-1]
    assert [*first, *rest] == [asked[3], asked[2], asked[0]]


async def test_dry_runs_are_listed_apart(database: Database) -> None:
    real = await settled(database, "1")
    dry = await settled(database, "1", dry_run=True)
    async with database.district("riverside") as db:
        assert [sync.id for sync in await syncs.page(db)] == [real.id]
        assert [sync.id for sync in await syncs.page(db, dry_run=True)] == [dry.id]


async def test_R24_log_goes_back_thirty_days(database: Database, servers: Urls) -> None:
    old, new = await settled(database, "1"), await settled(database, "1")
    async with servers.owner() as owner:
        await owner.execute(
            text("UPDATE sync SET requested_at = now() - interval '31 days' WHERE id = :id"), {"id": old.id}
        )
    async with database.district("riverside") as db:
        assert [sync.id for sync in await syncs.page(db, section_id="1")] == [new.id]
        assert [sync.id for sync in await syncs.page(db)] == [new.id]


async def test_R24_syncs_beyond_the_log_are_deleted(database: Database, servers: Urls) -> None:
    ages = {"1": 32, "2": 30.5, "3": 0}
    real = {section: await settled(database, section) for section in ages}
    tried = {section: await settled(database, section, dry_run=True) for section in ages}
    late = await enqueue(database, "4")
    for sync in (*real.values(), *tried.values(), late):
        await grow_old(servers, sync, timedelta(days=ages.get(sync.section_id, 32)))
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    await retention.purge_all(database, Rotation("purge"))
    async with servers.owner() as owner:
        kept = await owner.execute(text("SELECT section_id, dry_run FROM sync ORDER BY section_id, dry_run"))
        assert [tuple(row) for row in kept] == [
            ("2", False),
            ("2", True),
            ("3", False),
            ("3", True),
            ("4", False),
        ]


async def grow_old(servers: Urls, sync: Sync, age: timedelta) -> None:
    """Make a sync look as if it was requested that long ago."""
    asked = sync.requested_at - age
    async with servers.owner() as owner:
        await owner.execute(
            text("UPDATE sync SET id = :old, requested_at = :asked WHERE id = :id"),
            {
                "old": UUID(int=first_id_at(asked).int | UUID(sync.id).int & RANDOM_BITS),
                "asked": asked,
                "id": sync.id,
            },
        )


async def test_request_is_read_as_it_was_made(database: Database) -> None:
    selection = {"11": None, "12": frozenset({"5790000", "5790001"})}
    earlier = await settled(database, "1")
    async with database.district("riverside") as db:
        asked = await syncs.insert(
            db,
            section_id="1",
            requested_by_kind="client",
            requested_by_id="gs_1",
            settles_in=900,
            mode="full",
            selection=selection,
            retry_of=earlier.id,
            approve="f1",
        )
        assert asked is not None
        assert await syncs.get(db, asked.id) == asked
    assert (asked.mode, asked.selection, asked.retry_of, asked.approve) == (
        "full",
        selection,
        earlier.id,
        "f1",
    )
    assert (asked.requested_by_kind, asked.requested_by_id) == ("client", "gs_1")
    assert (asked.settles_by - asked.requested_at).total_seconds() >= 900


async def test_invalid_id_is_not_found(database: Database) -> None:
    async with database.district("riverside") as db:
        assert await syncs.get(db, "no id at all") is None


async def test_plan_is_found_for_a_day(database: Database, servers: Urls) -> None:
    await settled(database, "1")
    async with database.district("riverside") as db:
        (found,) = await syncs.list_planned(db, "1", "f1", A_DAY)
        assert found.fingerprint == "f1"
        assert await syncs.list_planned(db, "1", "f2", A_DAY) == []
        assert await syncs.list_planned(db, "2", "f1", A_DAY) == []
    async with servers.owner() as owner:
        await owner.execute(text("UPDATE sync SET requested_at = now() - interval '25 hours'"))
    async with database.district("riverside") as db:
        assert await syncs.list_planned(db, "1", "f1", A_DAY) == []


async def test_late_change_of_before_is_no_danger(database: Database) -> None:
    sync = await settled(database, "1")
    stored = '{"sent": 60, "danger": "late", "late": 1, "term_ended": "2027-06-11"}'
    async with database.district("riverside") as db:
        await db.execute(text("UPDATE sync SET guard = CAST(:guard AS jsonb)"), {"guard": stored})
        found = await syncs.get(db, sync.id)
    assert found is not None
    assert found.guard == Guard(sent=60, late=1, term_ended="2027-06-11")


async def test_next_sync_waits_for_writes_under_way(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        ended = await syncs.settle(db, sync.id, token, status="failed", applied="none", lands_in=30)
    later, other = await enqueue(database, "1"), await enqueue(database, "2")
    assert ended is not None
    assert (ended.not_before, later.not_before > other.not_before) == (later.not_before, True)
    claimed = await claim(database)
    assert claimed is not None
    assert (claimed.id, await claim(database)) == (other.id, None)
