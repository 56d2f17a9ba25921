"""Check the partitions of the history: made ahead, filled, dropped by policy, and never needed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.history_size import history_bytes
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.history import Cause, CellChange, ColumnChange, fold
from gradesync.core.sis import Policy
from gradesync.db import connections, districts, history, ledger, migrate, partitions
from gradesync.db.codec import Secrets, uuid7
from gradesync.db.session import Database
from harness.servers import Urls
from harness.store import HILLTOP, RIVERSIDE

NOW = datetime(2026, 11, 28, tzinfo=UTC)
COLUMN = ColumnChange("5001", "901", (CellChange("77", NEVER_SENT, Decimal("9.5")),))
PARTITIONS = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'history'::regclass ORDER BY 1
""")
ADD = text("""
    INSERT INTO history (district_id, section_id, at, sync_id, mode, requested_by, events)
    VALUES (:district, '79', :at, :sync, 'changes', 'teacher:5', :events)
""")
RIGHTS = text("""
    SELECT c.relname FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) right_
    WHERE c.relispartition AND c.relkind = 'r' AND right_.grantee <> c.relowner
""")


@pytest.fixture
async def owner(fresh: Urls) -> AsyncIterator[AsyncConnection]:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    async with fresh.owner() as connection:
        yield connection


@pytest.fixture
async def store(fresh: Urls, owner: AsyncConnection) -> AsyncIterator[Database]:
    opened = Database.open(fresh.database_url, Secrets(["k" * 32]), application_name="check", pool_size=2)
    yield opened
    await opened.close()


async def add(owner: AsyncConnection, at: datetime, district: str = "riverside") -> None:
    values = {"district": district, "at": at, "sync": uuid7(), "events": history.pack([COLUMN])}
    await owner.execute(ADD, values)


async def count(owner: AsyncConnection, table: str) -> int:
    return await owner.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608


async def names(owner: AsyncConnection) -> Sequence[str]:
    return (await owner.scalars(PARTITIONS)).all()


async def test_months_are_made_ahead_and_once(fresh: Urls, owner: AsyncConnection) -> None:
    report = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    made = ["history_2026_11", "history_2026_12", "history_2027_01", "history_2027_02"]
    assert [name for name in report.made if name.startswith("history")] == made
    assert (report.moved, report.dropped, report.deleted) == (0, [], 0)
    assert await names(owner) == [*made, "history_default"]
    again = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    assert again == partitions.Maintained()


async def test_rows_without_a_month_are_kept_and_moved_out(fresh: Urls, owner: AsyncConnection) -> None:
    for month in (9, 10, 11):
        await add(owner, NOW.replace(month=month))
    assert await count(owner, "history_default") == 3
    report = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    assert report.moved == 3
    # Today's first: while the others are moved out of the default one, no insert waits for it.
    late = ["2026_11", "2026_12", "2027_01", "2027_02", "2026_10", "2026_09"]
    assert [name for name in report.made if name.startswith("history")] == [f"history_{m}" for m in late]
    assert await count(owner, "history_default") == 0
    assert [await count(owner, f"history_2026_{month:02}") for month in (9, 10, 11)] == [1, 1, 1]


@pytest.mark.long
async def test_history_is_written_while_a_reader_holds_the_months(
    fresh: Urls, owner: AsyncConnection, store: Database
) -> None:
    """Run three months late beside a long reader: nobody waits long, and the next run does it all."""
    for month in (8, 9, 10, 11):
        await add(owner, NOW.replace(month=month))
    cause = Cause(str(uuid7()), "changes", "teacher:5790000")

    async def write() -> None:
        async with store.district("riverside") as db:
            await ledger.save(db, "79", [], {"5001": NOW}, changed=[COLUMN], cause=cause)

    async with fresh.owner() as reader:
        await reader.execution_options(isolation_level="READ COMMITTED")
        async with reader.begin():
            assert await count(reader, "history") == 4
            maintaining = partitions.maintain(fresh.migrate_database_url, now=NOW, attempts=1)
            found, _ = await asyncio.gather(maintaining, write(), return_exceptions=True)
            assert isinstance(found, partitions.PartitionsLocked)
            assert await count(reader, "history") == 5
    assert (await partitions.maintain(fresh.migrate_database_url, now=NOW)).moved >= 4


async def test_months_that_no_district_keeps_are_dropped(
    fresh: Urls, owner: AsyncConnection, store: Database
) -> None:
    for district, years in ((RIVERSIDE, 1), (HILLTOP, 0)):
        async with store.district(district.id) as db:
            await districts.apply(db, replace(district, policy=Policy(history_years=years)))
        for at in (datetime(2025, 6, 30, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC), NOW):
            await add(owner, at, district.id)
    report = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    assert (report.dropped, report.deleted) == (["history_2025_06"], 1)
    async with store.district("riverside") as db:
        assert [event.at.year for event in await history.read(db, "79")] == [2026, 2026]
    async with store.district("hilltop") as db:
        assert [event.at for event in await history.read(db, "79")] == [NOW]


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("America/Los_Angeles", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 6, 30, 12, tzinfo=UTC)),
    ],
)
async def test_history_is_kept_from_a_districts_midnight_on(
    fresh: Urls, owner: AsyncConnection, store: Database, zone: str, midnight: datetime
) -> None:
    async with store.district("riverside") as db:
        await districts.apply(db, replace(RIVERSIDE, timezone=zone, policy=Policy(history_years=0)))
    for at in (datetime(2026, 5, 1, tzinfo=UTC), midnight - timedelta(minutes=1), midnight):
        await add(owner, at)
    report = await partitions.maintain(fresh.migrate_database_url, now=NOW)
    assert "history_2026_05" in report.dropped
    async with store.district("riverside") as db:
        assert [event.at for event in await history.read(db, "79")] == [midnight]


async def test_locked_rows_of_a_district_keep_no_other_waiting(
    fresh: Urls, owner: AsyncConnection, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "OWNER_LOCK_SECONDS", 0.1)
    june = datetime(2026, 6, 30, tzinfo=UTC)
    for moment in (june, NOW):  # so that no partition is to be made beside the lock
        await partitions.maintain(fresh.migrate_database_url, now=moment)
    alder = replace(HILLTOP, id="alder", lti=None, lti11=None)
    for district, years in ((RIVERSIDE, 2), (alder, 0), (HILLTOP, 0)):
        async with store.district(district.id) as db:
            await districts.apply(db, replace(district, policy=Policy(history_years=years)))
        await add(owner, june, district.id)
    async with fresh.owner() as other:
        await other.execute(text("BEGIN"))
        await other.execute(text("SELECT FROM history WHERE district_id = 'alder' FOR UPDATE"))
        with pytest.raises(partitions.PartitionsLocked):
            await partitions.maintain(fresh.migrate_database_url, now=NOW, attempts=1)
        await other.execute(text("ROLLBACK"))
    assert await count(owner, "history") == 2
    assert (await partitions.maintain(fresh.migrate_database_url, now=NOW)).deleted == 1


async def test_state_shows_when_maintain_is_due(fresh: Urls, owner: AsyncConnection, store: Database) -> None:
    async def read() -> partitions.PartitionState:
        async with store.without_tenant() as db:
            return (await partitions.read_states(db))["history"]

    assert (await read()).is_due(NOW)
    await partitions.maintain(fresh.migrate_database_url, now=NOW)
    made = await read()
    assert made == partitions.PartitionState(datetime(2027, 3, 1, tzinfo=UTC), 0)
    assert not made.is_due(NOW)
    assert made.is_due(datetime(2027, 2, 20, tzinfo=UTC))
    await add(owner, datetime(2027, 3, 2, tzinfo=UTC))
    assert (await read()).in_default == 1
    assert (await read()).is_due(NOW)


async def test_partitions_are_reached_through_the_table_alone(
    fresh: Urls, owner: AsyncConnection, store: Database
) -> None:
    await partitions.maintain(fresh.migrate_database_url)
    cause = Cause(str(uuid7()), "changes", "teacher:5790000", approved_by="client:c-1")
    async with store.district("riverside") as db:
        await ledger.save(db, "79", [], {"5001": NOW}, changed=[COLUMN], cause=cause)
    assert (await owner.execute(RIGHTS)).all() == []
    assert await count(owner, "history_default") == 0
    async with store.district("riverside") as db:
        (event,) = await history.read(db, "79")
    assert (event.cause, event.columns) == (cause, (COLUMN,))
    assert fold([event], event.at - timedelta(seconds=1)) == {}
    async with store.district("hilltop") as db:
        assert await history.read(db, "79") == []


def test_stored_changes_are_read_as_they_were() -> None:
    values: tuple[Sent, ...] = (Decimal("9.50"), None, Mark(MISSING, Decimal(0)), Mark(EXCUSED), NEVER_SENT)
    cells = tuple(
        CellChange(str(n), before, after, found=n % 2 == 0, sent_by="s-1" if n % 5 == 1 else "")
        for n, (before, after) in enumerate(permutations(values, 2))
    )
    columns = (ColumnChange("5001", "901", cells), ColumnChange("5002", None), COLUMN)
    assert history.unpack(history.pack(columns)) == columns


async def test_a_score_takes_few_bytes(fresh: Urls, owner: AsyncConnection, store: Database) -> None:
    await partitions.maintain(fresh.migrate_database_url)
    measured = await history_bytes(store, owner, sections=10)
    assert measured.first <= 20
    assert measured.changes <= 60
