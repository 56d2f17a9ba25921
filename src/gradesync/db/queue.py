"""Queue syncs: list waiting districts, claim a sync, measure the backlog, by the database's clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Interval, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.codec import Sync, sync_of
from gradesync.db.syncs import HELD, NOW, QUEUED, SYNC
from gradesync.db.tables import metadata

CLAIMS = "gradesync claims"
CLAIMABLE = text("""sync.id = (
    SELECT coalesce(
        (SELECT id FROM sync WHERE status = 'processing' AND lease_token IS NOT NULL
            AND lease_until <= statement_timestamp() - :takeover_wait AND paused_at IS NULL
         ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED),
        (SELECT id FROM sync WHERE status = 'processing' AND lease_token IS NULL
            AND not_before <= statement_timestamp() AND run_id IS NULL
         ORDER BY not_before LIMIT 1 FOR UPDATE SKIP LOCKED),
        (SELECT id FROM sync WHERE status = 'processing' AND lease_token IS NULL
            AND not_before <= statement_timestamp()
         ORDER BY not_before LIMIT 1 FOR UPDATE SKIP LOCKED))
    WHERE (SELECT count(*) FROM sync WHERE status = 'processing' AND lease_token IS NOT NULL
            AND lease_until > statement_timestamp() - :takeover_wait) < :per_district)""")
CLAIMED = (
    update(SYNC)
    .where(CLAIMABLE.bindparams(bindparam("takeover_wait", type_=Interval)))
    .values(
        stage="reading",
        lease_token=bindparam("token"),
        lease_until=NOW + bindparam("lease", type_=Interval),
        attempt=SYNC.c.attempt + 1,
        started_at=func.coalesce(SYNC.c.started_at, NOW),
    )
    .returning(*SYNC.c)
    .cte("claimed")
)
TURN = insert(metadata.tables["turn"]).from_select(["served_at"], select(NOW).select_from(CLAIMED))
TURN_TAKEN = TURN.on_conflict_do_update(
    index_elements=["district_id"], set_={"served_at": TURN.excluded.served_at}
)
CLAIM = select(CLAIMED).add_cte(TURN_TAKEN.cte("turn_taken"))
HAS_ROOM = text("""
    SELECT count(*) < :per_district FROM sync WHERE status = 'processing' AND lease_token IS NOT NULL
        AND lease_until > statement_timestamp() - CAST(:takeover_wait AS interval)
""")
WAITING = text("SELECT district_id FROM tenantless_claimable_districts(:takeover_wait, :older_than)")
OVERDUE = text("SELECT district_id, sync_id FROM tenantless_overdue_syncs()")
DEPTHS = text("""
    SELECT class, syncs, oldest
    FROM tenantless_queue_depths(:takeover_wait, :per_district, :skipped_districts)
""")


# The pauses that cover a section: its own, its school's, and the district's. Each table names the district:
# the owner, who moves districts, sees all of them.
MINE = "{table}.district_id = current_setting('gradesync.district')"
COVERS = f"""{MINE.format(table="pause")} AND (
    pause.level = 'district' OR pause.level = 'section' AND pause.target = {{section}}
    OR pause.level = 'school' AND pause.target = (SELECT link.school FROM section_link link
                        WHERE link.section_id = {{section}} AND {MINE.format(table="link")})
)"""  # noqa: S608 - our own text
FIND_PAUSE = text(f"""
    SELECT id, level, target, reason, paused_by, paused_at FROM pause
    WHERE {COVERS.format(section=":section")} ORDER BY paused_at LIMIT 1
""")  # noqa: S608 - our own text


class Pause(NamedTuple):
    """Describe a pause. `level`: `district`, whose `target` is empty, `school` or `section`."""

    id: UUID
    level: str
    target: str
    reason: str
    paused_by: str
    paused_at: datetime


class Depth(NamedTuple):
    """Count the waiting syncs of a class, and the seconds for which the first could have started."""

    syncs: int
    oldest_seconds: float


async def list_waiting_districts(db: AsyncSession, *, takeover_wait_seconds: float) -> list[str]:
    """List districts with a sync to claim, the one that was served longest ago first."""
    return await list_overlooked_districts(
        db, older_than_seconds=0, takeover_wait_seconds=takeover_wait_seconds
    )


async def list_overlooked_districts(
    db: AsyncSession, *, older_than_seconds: float, takeover_wait_seconds: float
) -> list[str]:
    """List districts whose work has waited so long that its wake-up may have been lost."""
    rows = await db.execute(
        WAITING,
        {
            "takeover_wait": timedelta(seconds=takeover_wait_seconds),
            "older_than": timedelta(seconds=older_than_seconds),
        },
    )
    return [row.district_id for row in rows]


async def list_overdue(db: AsyncSession) -> list[tuple[str, str]]:
    """List (district, sync) of those that should have settled by now."""
    return [(row.district_id, str(row.sync_id)) for row in await db.execute(OVERDUE)]


async def measure_depths(
    db: AsyncSession, *, takeover_wait_seconds: float, per_district: int, skipped_districts: Sequence[str]
) -> dict[str, Depth]:
    """Count what waits in all districts: `ready` to be claimed, `throttled` by its district, or `paused`.

    `skipped_districts` may not call their systems now. A class without a sync is absent.
    """
    values = {
        "takeover_wait": timedelta(seconds=takeover_wait_seconds),
        "per_district": per_district,
        "skipped_districts": list(skipped_districts),
    }
    rows = await db.execute(DEPTHS, values)
    return {name: Depth(number, oldest) for name, number, oldest in rows}


async def count_queued(db: AsyncSession) -> int:
    """Count the queued syncs of the district, without those that are paused."""
    return await db.scalar(select(func.count()).select_from(SYNC).where(QUEUED & ~HELD)) or 0


async def find_pause(db: AsyncSession, section_id: str) -> Pause | None:
    """Return the pause that a section is under, the oldest of several."""
    row = (await db.execute(FIND_PAUSE, {"section": section_id})).one_or_none()
    return None if row is None else Pause(*row)


async def count_requested(db: AsyncSession) -> int:
    """Count the queued syncs that people and clients asked for one by one, and that could start now."""
    due = QUEUED & SYNC.c.run_id.is_(None) & (SYNC.c.not_before <= NOW)
    return await db.scalar(select(func.count()).select_from(SYNC).where(due)) or 0


async def has_room(db: AsyncSession, *, takeover_wait_seconds: float, per_district: int) -> bool:
    """Return whether fewer syncs of the district than `per_district` run, as `claim` counts them."""
    wait = timedelta(seconds=takeover_wait_seconds)
    return bool(await db.scalar(HAS_ROOM, {"takeover_wait": wait, "per_district": per_district}))


async def claim(
    db: AsyncSession, token: str, *, lease_seconds: float, takeover_wait_seconds: float, per_district: int
) -> Sync | None:
    """Take a lease on the district's next sync: one that a worker left, or the one that waited longest.

    A sync of a run comes only where no other waits: there are few of them in the queue at once.
    `token` identifies the lease, and is used once. The transaction must have the lock `CLAIMS`, or two could
    count the same leases. A lease that ended counts among the `per_district` until `takeover_wait_seconds`
    later: its worker may still have a call under way.
    None where nothing can be taken.
    """
    values = {
        "token": UUID(token),
        "lease": timedelta(seconds=lease_seconds),
        "takeover_wait": timedelta(seconds=takeover_wait_seconds),
        "per_district": per_district,
    }
    row = (await db.execute(CLAIM, values)).one_or_none()
    return None if row is None else sync_of(row)


async def lock(db: AsyncSession, sync_id: str) -> Sync | None:
    """Return a sync, which nobody else changes until the transaction ends; None where there is none."""
    query = select(SYNC).where(SYNC.c.id == UUID(sync_id)).with_for_update()
    row = (await db.execute(query)).one_or_none()
    return None if row is None else sync_of(row)
