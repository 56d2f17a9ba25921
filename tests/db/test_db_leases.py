"""Check that only the lease allows writes, and that every sync ends."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.plan import Guard
from gradesync.core.reasons import Result
from gradesync.db import outcomes, queue, syncs
from gradesync.db.outcomes import Outcome
from gradesync.db.session import Database
from harness.store import enqueue, take_lease

Write: TypeAlias = Callable[[AsyncSession, str, str], Awaitable[object]]
WRITES: dict[str, Write] = {
    "renew": lambda db, sync, token: syncs.renew(db, sync, token, 60),
    "release": lambda db, sync, token: syncs.release(db, token),
    "progress": lambda db, sync, token: syncs.record_progress(db, sync, token, stage="writing", done=1),
    "settle": lambda db, sync, token: syncs.settle(db, sync, token, status="complete", applied="all"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_lease_allows_writes(database: Database, write: Write) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        assert await write(db, sync.id, token)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_another_token_allows_no_write(database: Database, write: Write) -> None:
    sync = await enqueue(database, "1")
    await take_lease(database, sync)
    async with database.district("riverside") as db:
        before = await syncs.get(db, sync.id)
        assert not await write(db, sync.id, str(uuid4()))
        assert await syncs.get(db, sync.id) == before


@pytest.mark.parametrize("write", sorted(WRITES.keys() - {"release"}))
async def test_ended_lease_allows_no_write(database: Database, write: str) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync, seconds=-1)
    async with database.district("riverside") as db:
        assert not await WRITES[write](db, sync.id, token)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_settled_sync_allows_no_write(database: Database, write: Write) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        assert await syncs.settle(db, sync.id, token, status="complete", applied="all")
        assert not await write(db, sync.id, token)


async def test_renewed_lease_lasts_longer(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync, seconds=5)
    async with database.district("riverside") as db:
        assert await syncs.renew(db, sync.id, token, 60)
        renewed = await syncs.get(db, sync.id)
    assert renewed is not None
    assert renewed.lease_until is not None
    assert renewed.started_at is not None
    assert (renewed.lease_until - renewed.started_at).total_seconds() > 55


async def test_progress_keeps_what_is_not_given(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    guard = Guard(sent=100, cleared=2, known=5)
    async with database.district("riverside") as db:
        await syncs.record_progress(
            db, sync.id, token, stage="planning", total=9, fingerprint="f", guard=guard, warnings={"w": 1}
        )
        await syncs.record_progress(
            db, sync.id, token, stage="writing", done=4, scores={"read": 9, "written": 4}
        )
        row = await syncs.get(db, sync.id)
    assert row is not None
    assert (row.stage, row.done, row.total, row.fingerprint, row.guard) == ("writing", 4, 9, "f", guard)
    assert (row.scores, row.warnings) == ({"read": 9, "written": 4}, {"w": 1})


async def test_settlement_and_outcomes_are_one_transaction(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)

    async def lose_it_all() -> None:
        async with database.district("riverside") as db:
            await outcomes.record(db, sync.id, [Outcome(assignment_id="1", result=Result.CREATED)])
            await syncs.settle(db, sync.id, token, status="complete", applied="all")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await lose_it_all()
    async with database.district("riverside") as db:
        still = await syncs.get(db, sync.id)
        assert still is not None
        assert still.status == "processing"
        assert await outcomes.page(db, sync.id) == []


async def test_settled_sync_has_status_and_error(database: Database) -> None:
    sync = await enqueue(database, "1")
    token = await take_lease(database, sync)
    async with database.district("riverside") as db:
        await syncs.settle(
            db,
            sync.id,
            token,
            status="failed",
            applied="some",
            error_code="sis-unreadable",
            error_detail="why",
        )
        end = await syncs.get(db, sync.id)
    assert end is not None
    assert (end.status, end.stage, end.applied, end.lease_token) == ("failed", "settled", "some", None)
    assert (end.error_code, end.error_detail) == ("sis-unreadable", "why")
    assert end.finished_at is not None


async def test_overdue_sync_is_settled_without_its_lease(database: Database) -> None:
    sync = await enqueue(database, "1", settles_in=-1)
    token = await take_lease(database, sync)
    async with database.without_tenant() as db:
        assert await queue.list_overdue(db) == [("riverside", sync.id)]
    async with database.district("riverside") as db:
        assert await syncs.settle(db, sync.id, None, status="failed", applied="none", error_code="timed-out")
        assert not await syncs.record_progress(db, sync.id, token, stage="writing")
    async with database.without_tenant() as db:
        assert await queue.list_overdue(db) == []


async def test_sync_in_time_is_settled_by_its_lease_only(database: Database) -> None:
    sync = await enqueue(database, "1", settles_in=60)
    async with database.district("riverside") as db:
        assert not await syncs.settle(db, sync.id, None, status="failed", applied="none")
    async with database.without_tenant() as db:
        assert await queue.list_overdue(db) == []
