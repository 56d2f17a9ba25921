"""Make the partitions of coming times, and drop those past their time, as the owner.

An insert is never refused: what finds no partition goes to the default one, and is moved out of it later. The
history is divided by month, and outcomes by week: the shorter, the less they outlive the log.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import stamina
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from gradesync.core.history import oldest_kept
from gradesync.core.sis import Policy
from gradesync.db.codec import GRACE, LOG_KEPT, first_id_at
from gradesync.db.connections import open_owner
from gradesync.errors import LOCKED, DatabaseAway, GradeSyncError

ATTEMPTS = 10
# A step that waits for a lock makes others wait behind it: it gives up soon, and comes again.
LIMITS = text("SELECT set_config('lock_timeout', '2s', true), set_config('timezone', 'UTC', true)")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('gradesync maintain'))")
NAMES = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(:partitioned)
""")
YEARS = text("""
    SELECT id, (config #>> '{policy,history_years}')::int AS years, config ->> 'timezone' AS zone
    FROM district
""")
DELETE = text("DELETE FROM history WHERE district_id = :district AND at < :before")
# The default partition is locked first: nothing gets into it between the move and the attachment.
MAKE = (
    "LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE",
    "CREATE TABLE {name} (LIKE {table} INCLUDING ALL)",
    "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
    "CREATE POLICY owner ON {name} TO CURRENT_USER USING (true) WITH CHECK (true)",
)
MOVE = """
    WITH strayed AS (DELETE FROM {table}_default WHERE {key} >= '{start}' AND {key} < '{end}' RETURNING *)
    INSERT INTO {name} SELECT * FROM strayed
"""
ATTACH = "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"
DROP = "DROP TABLE {name}"
STATES = text("SELECT partitioned, made_until, in_default FROM tenantless_partition_states()")
DUE = timedelta(days=14)  # before the last partition ends


class PartitionsLocked(GradeSyncError):
    """Report that partitions were in use for so long that they could not be changed."""


class Partition(NamedTuple):
    """Describe a partition: the days from `start` (None: any before) to before `end`."""

    name: str
    start: date | None
    end: date


@dataclass(frozen=True, slots=True)
class Partitioned:
    """Describe a table in partitions of a `unit`, by a column of times, or of ids ordered by time.

    `ahead`: partitions to have after the one of today. `strayed` selects a time of each row in the default
    partition.
    """

    table: str
    unit: str
    key: str
    ahead: int
    strayed: str

    def start(self, day: date) -> date:
        """Return the first day of the partition of a day."""
        return day.replace(day=1) if self.unit == "month" else day - timedelta(days=day.weekday())

    def end(self, start: date) -> date:
        """Return the first day after the partition that begins with a day."""
        return self.start(start + timedelta(days=31)) if self.unit == "month" else start + timedelta(days=7)

    def make(self, start: date) -> Partition:
        """Return the partition that begins with a day."""
        shown = f"{start:%Y_%m}" if self.unit == "month" else f"{start:%Y_%m_%d}"
        return Partition(f"{self.table}_{shown}", start, self.end(start))

    def parse(self, name: str) -> Partition | None:
        """Return the partition of a name; None for the default one. `until`: of all times before a day."""
        found = re.fullmatch(rf"{self.table}_(until_)?(\d+)_(\d+)(?:_(\d+))?", name)
        if found is None:
            return None
        day = date(int(found[2]), int(found[3]), int(found[4] or 1))
        return Partition(name, None, day) if found[1] else Partition(name, day, self.end(day))

    def bound(self, day: date) -> str:
        """Return the least value of the key on a day, in SQL."""
        midnight = datetime.combine(day, time(), UTC)
        return f"{midnight:%Y-%m-%d %H:%M:%S}+00" if self.key == "at" else str(first_id_at(midnight))


HISTORY = Partitioned("history", "month", "at", 3, "at")
OUTCOME = Partitioned("outcome", "week", "sync_id", 5, "uuid_extract_timestamp(sync_id)")


@dataclass(slots=True)
class Maintained:
    """Report what was done: partitions made and dropped, rows moved into them, rows deleted by policy."""

    made: list[str] = field(default_factory=list)
    moved: int = 0
    dropped: list[str] = field(default_factory=list)
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class PartitionState:
    """Describe a table's partitions: when the last one ends, None without any; and rows that have none.

    The latter counts to a thousand.
    """

    made_until: datetime | None
    in_default: int

    def is_due(self, now: datetime) -> bool:
        """Return whether `maintain` should have run by now."""
        return bool(self.in_default) or self.made_until is None or self.made_until < now + DUE


async def read_states(db: AsyncSession) -> Mapping[str, PartitionState]:
    """Read the state of each table's partitions, in a session without a tenant."""
    return {
        row.partitioned: PartitionState(row.made_until, row.in_default) for row in await db.execute(STATES)
    }


async def maintain(url: str, *, now: datetime | None = None, attempts: int = ATTEMPTS) -> Maintained:
    """Bring the partitions up to date, as the owner at `url`. Safe at any time, and to repeat.

    Raises `PartitionsLocked` where somebody, such as a backup, keeps them locked through all `attempts`, and
    `DatabaseAway`.
    """
    now = now or datetime.now(UTC)
    today = now.date()
    report = Maintained()
    try:
        async for attempt in stamina.retry_context(
            on=_is_locked, attempts=attempts, timeout=None, wait_initial=0.5, wait_max=10
        ):
            with attempt:
                async with open_owner(url) as owner, owner.connect() as connection:
                    for table in (HISTORY, OUTCOME):
                        await _make_ahead(connection, table, today, report)
                    await _drop(connection, OUTCOME, today - LOG_KEPT - GRACE, report)
                    await _drop_history(connection, now, report)
    except DatabaseAway as error:
        if not _is_locked(error):
            raise
        raise PartitionsLocked("The partitions stay in use. Nothing is lost: run it again later.") from error
    return report


def _is_locked(error: Exception) -> bool:
    return isinstance(error, DatabaseAway) and error.cause == LOCKED


async def _list(connection: AsyncConnection, table: Partitioned) -> list[Partition]:
    names = sorted(await connection.scalars(NAMES, {"partitioned": table.table}))
    return [partition for name in names if (partition := table.parse(name)) is not None]


async def _make_ahead(
    connection: AsyncConnection, table: Partitioned, today: date, report: Maintained
) -> None:
    """Make the partition of today, those to come, and then those of every time that has rows astray.

    Once today has its own, no insert goes to the default one, whose lock a long move then can hold.
    """
    strayed = f"SELECT DISTINCT ({table.strayed} AT TIME ZONE 'UTC')::date FROM {table.table}_default"  # noqa: S608 - our own text
    async with connection.begin():
        days = [day for day in await connection.scalars(text(strayed)) if day is not None]
    for start in dict.fromkeys([*_starts_from(table, today), *sorted(map(table.start, days), reverse=True)]):
        async with connection.begin():
            await connection.execute(LIMITS)
            await connection.execute(ALONE)
            there = await _list(connection, table)
            if any((each.start is None or each.start <= start) and start < each.end for each in there):
                continue
            moved = await _make(connection, table, start)
        report.made.append(table.make(start).name)
        report.moved += moved


async def _make(connection: AsyncConnection, table: Partitioned, start: date) -> int:
    """Make a partition with the rows of the default one that belong to it; return their number."""
    values = {
        "table": table.table,
        "key": table.key,
        "name": table.make(start).name,
        "start": table.bound(start),
        "end": table.bound(table.end(start)),
    }
    for statement in MAKE:
        await connection.execute(text(statement.format(**values)))
    moved = await connection.execute(text(MOVE.format(**values)))
    await connection.execute(text(ATTACH.format(**values)))
    return moved.rowcount


async def _drop(connection: AsyncConnection, table: Partitioned, oldest: date, report: Maintained) -> None:
    """Drop the partitions that end before the oldest day that is kept."""
    async with connection.begin():
        there = await _list(connection, table)
    for partition in there:
        if partition.end <= oldest:
            async with connection.begin():
                await connection.execute(LIMITS)
                await connection.execute(text(DROP.format(name=partition.name)))
            report.dropped.append(partition.name)


async def _drop_history(connection: AsyncConnection, now: datetime, report: Maintained) -> None:
    """Drop the months that no district keeps any more, and delete what single districts keep no longer.

    A district keeps its history from a midnight of its own clock on, which is in the midst of such a month.
    Where the rows of some are locked, the others are done before that is raised.
    """
    async with connection.begin():
        rows = (await connection.execute(YEARS)).all()
    default = Policy().history_years
    kept = {
        row.id: oldest_kept(now, default if row.years is None else row.years, ZoneInfo(row.zone or "UTC"))
        for row in rows
    }
    oldest = min(kept.values(), default=oldest_kept(now, default, UTC)).astimezone(UTC).date()
    await _drop(connection, HISTORY, oldest, report)
    begins = datetime.combine(HISTORY.start(oldest), time(), UTC)
    busy: DatabaseAway | None = None
    for district, since in sorted(kept.items()):
        if since > begins:
            values = {"district": district, "before": since.astimezone(UTC)}
            try:
                async with connection.begin():
                    report.deleted += (await connection.execute(DELETE, values)).rowcount
            except DatabaseAway as error:
                if error.concerns_all:
                    raise
                busy = error
    if busy is not None:
        raise busy


def _starts_from(table: Partitioned, day: date) -> Iterator[date]:
    start = table.start(day)
    for _ in range(table.ahead + 1):
        yield start
        start = table.end(start)
