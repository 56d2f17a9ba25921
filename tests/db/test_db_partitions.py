"""Check the partitions of outcomes: attached with old rows, made ahead, dropped whole, and never needed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.core.reasons import Result
from gradesync.db import migrate, outcomes, partitions
from gradesync.db.codec import Secrets, first_id_at, uuid7
from gradesync.db.outcomes import Outcome
from gradesync.db.session import Database
from harness.servers import Urls

VERSION_7 = 0x7 << 76 | 0b10 << 62
NOW = datetime(2026, 11, 28, tzinfo=UTC)  # a Saturday
PARTITIONS = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'outcome'::regclass ORDER BY 1
""")
ADD = text("""
    INSERT INTO outcome (district_id, sync_id, assignment_length, assignment_id, student_length, student_id,
                         result)
    VALUES ('riverside', :sync, 1, '1', 0, '', 'written')
""")
GRANTED = text("""
    SELECT c.relname FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) given
    WHERE c.relispartition AND c.relkind = 'r' AND given.grantee <> c.relowner
""")
ESSAY = Outcome(assignment_id="20", title="Essay", result=Result.CREATED)


@pytest.fixture
async def owner(fresh: Urls) -> AsyncIterator[AsyncConnection]:
    async with fresh.owner() as connection:
        yield connection


@pytest.fixture
async def store(fresh: Urls) -> AsyncIterator[Database]:
    opened = Database.open(fresh.database_url, Secrets(["k" * 32]), application_name="check", pool_size=2)
    yield opened
    await opened.close()


async def upgrade(urls: Urls, revision: str = "head") -> None:
    await migrate.upgrade(urls.migrate_database_url, urls.app_role, revision)


async def add(owner: AsyncConnection, *at: datetime) -> None:
    for each in at:
        await owner.execute(ADD, {"sync": UUID(int=first_id_at(each).int | VERSION_7)})


async def names(owner: AsyncConnection) -> list[str]:
    return list(await owner.scalars(PARTITIONS))


async def count(owner: AsyncConnection, table: str) -> int:
    return await owner.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - our own text


async def test_weeks_are_made_ahead_and_once(fresh: Urls, owner: AsyncConnection) -> None:
    await upgrade(fresh)
    assert await names(owner) == ["outcome_default"]
    report = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    weeks = [f"outcome_2026_{day}" for day in ("11_23", "11_30", "12_07", "12_14", "12_21", "12_28")]
    assert [name for name in report.made if name.startswith("outcome")] == weeks
    assert await names(owner) == [*weeks, "outcome_default"]
    assert await partitions.maintain(fresh.migrate_database_url, now=NOW) == partitions.Maintained()


async def test_weeks_past_the_log_are_dropped(fresh: Urls, owner: AsyncConnection) -> None:
    await upgrade(fresh)
    await add(owner, NOW - timedelta(days=40), NOW - timedelta(days=30), NOW)
    report = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    assert (report.moved, report.dropped) == (3, ["outcome_2026_10_19"])
    assert [await count(owner, name) for name in ("outcome_default", "outcome")] == [0, 2]


async def test_missing_week_refuses_nothing_and_is_reported(
    fresh: Urls, owner: AsyncConnection, store: Database
) -> None:
    await upgrade(fresh)
    await partitions.maintain(fresh.migrate_database_url, now=NOW)
    late = str(first_id_at(datetime(2027, 2, 1, tzinfo=UTC)))
    async with store.district("riverside") as db:
        await outcomes.record(db, late, [ESSAY])
        assert await outcomes.page(db, late) == [ESSAY]
    async with store.without_tenant() as db:
        state = (await partitions.read_states(db))["outcome"]
    assert state == partitions.PartitionState(datetime(2027, 1, 4, tzinfo=UTC), 1)
    assert state.is_due(NOW)


async def test_upgrade_keeps_old_outcomes_where_they_are(
    fresh: Urls, owner: AsyncConnection, store: Database
) -> None:
    await upgrade(fresh, "0020")
    old, now = str(first_id_at(datetime(2025, 9, 1, tzinfo=UTC))), str(uuid7())
    for sync_id in (old, now):
        async with store.district("riverside") as db:
            await outcomes.record(db, sync_id, [ESSAY])
    await upgrade(fresh)
    report = await partitions.maintain(fresh.migrate_database_url)
    until, *_ = [name for name in await names(owner) if "until" in name]
    assert await count(owner, until) == await count(owner, "outcome") == 2
    assert report.moved == 0
    async with store.district("riverside") as db:
        await outcomes.record(db, now, [Outcome(assignment_id="20", result=Result.FAILED)])
        assert [row.result for row in await outcomes.page(db, now)] == [Result.FAILED]
        assert await outcomes.page(db, old) == [ESSAY]
    async with store.district("hilltop") as db:
        assert await outcomes.page(db, old) == []
    assert (await owner.execute(GRANTED)).all() == []
    later = datetime.now(UTC) + timedelta(days=90)
    assert until in (await partitions.maintain(fresh.migrate_database_url, now=later)).dropped


async def test_downgrade_keeps_outcomes(fresh: Urls, owner: AsyncConnection) -> None:
    await upgrade(fresh)
    await partitions.maintain(fresh.migrate_database_url, now=NOW)
    await add(owner, NOW, NOW - timedelta(days=400))
    await migrate.downgrade(fresh.migrate_database_url, fresh.app_role, "0020")
    assert await count(owner, "outcome") == 2
    await upgrade(fresh)
    assert await count(owner, "outcome") == 2


async def test_purge_deletes_what_nobody_dropped(
    fresh: Urls, owner: AsyncConnection, store: Database
) -> None:
    await upgrade(fresh)
    now = datetime.now(UTC)
    await add(owner, now - timedelta(days=39), now - timedelta(days=37))
    async with store.district("riverside") as db:
        await outcomes.purge(db)
    assert await count(owner, "outcome") == 1
