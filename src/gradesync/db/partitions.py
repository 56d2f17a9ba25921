"""Make the partitions of coming months, and drop those that no district's policy keeps, as the owner.

An insert is never refused: what finds no month goes to the default partition, and is moved out of it later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import stamina
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from gradesync.core.history import oldest_kept
from gradesync.core.sis import Policy
from gradesync.db.session import connect

AHEAD = 3  # months after the one that runs
ATTEMPTS = 10
LOCK_TAKEN = "55P03"
# A step that waits for a lock makes others wait behind it: it gives up soon, and comes again.
LIMITS = text("SELECT set_config('lock_timeout', '2s', true), set_config('timezone', 'UTC', true)")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('gradesync maintain'))")
MONTHS = text("""
    SELECT to_date(substr(c.relname, 9), 'YYYY_MM')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'history'::regclass AND c.relname ~ '^history_[0-9]'
""")
STRAYED = text("SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date FROM history_default")
YEARS = text("SELECT id, (config #>> '{policy,history_years}')::int FROM district")
DELETE = text("DELETE FROM history WHERE district_id = :district AND at < :before")
# The default partition is locked first: nothing strays into it between the move and the attachment.
MAKE = (
    "LOCK TABLE history_default IN ACCESS EXCLUSIVE MODE",
    "CREATE TABLE {name} (LIKE history INCLUDING ALL)",
    "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
    "CREATE POLICY owner ON {name} TO CURRENT_USER USING (true) WITH CHECK (true)",
)
MOVE = """
    WITH strayed AS (DELETE FROM history_default WHERE at >= '{start}' AND at < '{end}' RETURNING *)
    INSERT INTO {name} SELECT * FROM strayed
"""
ATTACH = "ALTER TABLE history ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"
DROP = "DROP TABLE {name}"
STATE = text("SELECT made_until, in_default FROM tenantless_partitions()")
DUE = timedelta(days=14)  # before the last partition ends


@dataclass(slots=True)
class Maintained:
    """Report what was done: partitions made and dropped, rows moved into them, rows deleted by policy."""

    made: list[str] = field(default_factory=list)
    moved: int = 0
    dropped: list[str] = field(default_factory=list)
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class PartitionState:
    """Describe the partitions: when the last one ends, None without any, and how many rows have none.

    The latter counts to a thousand.
    """

    made_until: datetime | None
    in_default: int

    def is_due(self, now: datetime) -> bool:
        """Return whether `maintain` should have run by now."""
        return bool(self.in_default) or self.made_until is None or self.made_until < now + DUE


async def read_state(db: AsyncSession) -> PartitionState:
    """Read the state of the partitions, in a session without a tenant."""
    row = (await db.execute(STATE)).one()
    return PartitionState(row.made_until, row.in_default)


async def maintain(url: str, *, now: datetime | None = None) -> Maintained:
    """Bring the partitions up to date, as the owner at `url`. Safe at any time, and to repeat."""
    today = (now or datetime.now(UTC)).date()
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"async_creator_fn": connect})
    report = Maintained()
    try:
        async for attempt in stamina.retry_context(
            on=_is_locked, attempts=ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=10
        ):
            with attempt:
                async with engine.connect() as connection:
                    await _make_ahead(connection, today, report)
                    await _drop_old(connection, today, report)
    finally:
        await engine.dispose()
    return report


def _is_locked(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == LOCK_TAKEN


async def _make_ahead(connection: AsyncConnection, today: date, report: Maintained) -> None:
    """Make the partition of this month, of those to come, and of every month that has rows astray."""
    async with connection.begin():
        wanted = {*_months_from(today), *(await connection.scalars(STRAYED))}
    for month in sorted(wanted):
        async with connection.begin():
            await connection.execute(LIMITS)
            await connection.execute(ALONE)
            if month in set(await connection.scalars(MONTHS)):
                continue
            bounds = {"name": _name(month), "start": _start(month), "end": _start(_next(month))}
            for statement in MAKE:
                await connection.execute(text(statement.format(**bounds)))
            moved = await connection.execute(text(MOVE.format(**bounds)))
            await connection.execute(text(ATTACH.format(**bounds)))
        report.made.append(bounds["name"])
        report.moved += moved.rowcount


async def _drop_old(connection: AsyncConnection, today: date, report: Maintained) -> None:
    """Drop the months that no district keeps any more, and delete what single districts keep no longer."""
    async with connection.begin():
        years = {row[0]: row[1] for row in await connection.execute(YEARS)}
        months = sorted(await connection.scalars(MONTHS))
    default = Policy().history_years
    kept = {id_: oldest_kept(today, default if own is None else own) for id_, own in years.items()}
    oldest = min(kept.values(), default=oldest_kept(today, default))
    for month in months:
        if _next(month) <= oldest:
            async with connection.begin():
                await connection.execute(LIMITS)
                await connection.execute(text(DROP.format(name=_name(month))))
            report.dropped.append(_name(month))
    for district, since in sorted(kept.items()):
        if since > oldest:
            async with connection.begin():
                values = {"district": district, "before": datetime.combine(since, time(), UTC)}
                report.deleted += (await connection.execute(DELETE, values)).rowcount


def _months_from(day: date) -> Iterator[date]:
    month = day.replace(day=1)
    for _ in range(AHEAD + 1):
        yield month
        month = _next(month)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _name(month: date) -> str:
    return f"history_{month:%Y_%m}"


def _start(month: date) -> str:
    return f"{month:%Y-%m-%d} 00:00:00+00"
