"""Queue syncs by the database's clock: list waiting districts, claim a sync with what is stored for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.sis import Ref
from gradesync.db import decisions, districts, ledger, links, syncs
from gradesync.db.codec import Sync, sync_of
from gradesync.db.driver import Session, Statement, enter
from gradesync.db.ledger import StoredLedger
from gradesync.db.links import Pair, SectionLink
from gradesync.db.session import Database
from gradesync.db.syncs import HELD, NOW, QUEUED, SYNC
from gradesync.errors import LeaseLost

CLAIMS = "gradesync claims"
# It names its columns: a prepared `SELECT *` may fail once where a later release adds one.
CLAIM = Statement(f"""
    SELECT {", ".join(SYNC.c.keys())}, statement_timestamp() AS asked_at
    FROM claim_next(:entered, :lock_wait, :claims, :token, :lease, :takeover_wait, :per_district)
""")  # noqa: S608 - our own text
FIND_ROOM = Statement("""
    SELECT id, config, secrets, titles, facts, has_room
    FROM find_room(:entered, :lock_wait, :copied_by, :takeover_wait, :per_district)
""")
LOAD_SECTION = Statement(f"""
    SELECT {", ".join(f"(link).{name} AS {name}" for name in ("section_id", *links.SAVED))}, pairs,
           {", ".join(f"(entry).{name} AS {name}" for name in ledger.LOADED)},
           CAST((entry).decisions AS text) AS decisions, read_through
    FROM load_section(:entered, :lock_wait, :section)
""")  # noqa: S608 - our own text
# The lock of claims orders this: a claim either sees what was queued, or has ended before the mark.
MARK = text("""
    WITH marked AS (
        INSERT INTO turn (served_at, waiting) SELECT 'epoch', true
        FROM pg_advisory_xact_lock(hashtext(:lock), hashtext(current_setting('gradesync.district')))
        ON CONFLICT (district_id) DO UPDATE SET waiting = true WHERE NOT turn.waiting
    )
    SELECT EXISTS (SELECT FROM district WHERE id = current_setting('gradesync.district'))
""").bindparams(lock=CLAIMS)
CORRECT = text("""
    INSERT INTO turn (served_at, waiting) SELECT CAST('epoch' AS timestamptz), EXISTS (
        SELECT FROM sync WHERE status = 'processing' AND lease_token IS NULL)
    ON CONFLICT (district_id) DO UPDATE SET waiting = excluded.waiting
""")
WRONG = text("SELECT district_id FROM tenantless_wrong_turns()")
CLAIMABLE = Statement("""
    SELECT DISTINCT district_id, served_at
    FROM tenantless_claimable_turns(:takeover_wait, :per_district, :served_at, :district_id, :at_most)
    ORDER BY served_at, district_id LIMIT :at_most
""")
OVERLOOKED = text("SELECT district_id FROM tenantless_claimable_districts(:takeover_wait, :older_than)")
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


class Turn(NamedTuple):
    """Name a district, and when it was last served: long ago where it never was."""

    district_id: str
    served_at: datetime


FIRST_TURN = Turn("", datetime(1970, 1, 1, tzinfo=UTC))


class Granted(NamedTuple):
    """Hold a claimed sync, and the seconds for which the claim waited for others of the district."""

    sync: Sync
    waited: float


@dataclass(frozen=True, slots=True)
class StoredSection:
    """Hold what is stored of a section."""

    link: SectionLink
    pairs: Mapping[str, Pair]
    ledger: StoredLedger

    async def refresh(self, database: Database, sync: Sync, token: str) -> "StoredSection":
        """Store an outdated ledger as this release does. Raises `LeaseLost`.

        It may have changed since it was loaded: others unbind a section, and an operator doubts it.
        """
        async with database.on_driver(sync.district_id) as db:
            if await syncs.record_progress(db, sync.id, token, stage=sync.stage) is None:
                raise LeaseLost("the sync is no longer this worker's")
            return await refresh(db, sync.district_id, sync.section_id)


class Depth(NamedTuple):
    """Count the waiting syncs of a class, and the seconds for which the first could have started."""

    syncs: int
    oldest_seconds: float


async def list_waiting_districts(
    db: Session,
    *,
    takeover_wait_seconds: float,
    per_district: int,
    after: Turn = FIRST_TURN,
    limit: int = 20,
) -> list[Turn]:
    """List districts with a sync to claim and room for it, the one served longest ago first, after a turn."""
    values = {
        "takeover_wait": timedelta(seconds=takeover_wait_seconds),
        "per_district": per_district,
        "served_at": after.served_at,
        "district_id": after.district_id,
        "at_most": limit,
    }
    return [Turn(row.district_id, row.served_at) for row in await CLAIMABLE.fetch(db, values)]


async def list_overlooked_districts(
    db: AsyncSession, *, older_than_seconds: float, takeover_wait_seconds: float
) -> list[str]:
    """List districts whose work has waited so long that its wake-up may have been lost."""
    rows = await db.execute(
        OVERLOOKED,
        {
            "takeover_wait": timedelta(seconds=takeover_wait_seconds),
            "older_than": timedelta(seconds=older_than_seconds),
        },
    )
    return [row.district_id for row in rows]


async def mark_waiting(db: AsyncSession) -> bool:
    """Mark the district as one with queued syncs, and return whether it is still there.

    It comes last in a transaction: it takes a lock.
    """
    return bool(await db.scalar(MARK))


async def list_wrong_turns(db: AsyncSession) -> list[str]:
    """List districts whose mark differs from the queue."""
    return list(await db.scalars(WRONG))


async def correct_turn(db: AsyncSession) -> None:
    """Mark the district by its queue. The transaction must have the lock `CLAIMS`."""
    await db.execute(CORRECT)


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


async def find_room(
    db: Session, district_id: str, *, takeover_wait_seconds: float, per_district: int
) -> districts.KnownDistrict | None:
    """Return a district where fewer of its syncs than `per_district` run, as `claim` counts them.

    None for a copy, too. It names the district itself, in any session. Raises `SecretUnreadable`.
    """
    values = {
        "copied_by": districts.COPY,
        "takeover_wait": timedelta(seconds=takeover_wait_seconds),
        "per_district": per_district,
    }
    row = await FIND_ROOM.fetch_one(db, enter(district_id) | values)
    return districts.open_known(db, row) if row is not None and row.has_room else None


async def claim(
    db: Session,
    district_id: str,
    token: str,
    *,
    lease_seconds: float,
    takeover_wait_seconds: float,
    per_district: int,
) -> Granted | None:
    """Take a lease on a district's next sync: one that a worker left, or the one that waited longest.

    It names the district itself, in any session. A sync of a run comes only where no other waits: there are
    few of them in the queue at once. `token` identifies the lease, and is used once. The statement takes the
    lock `CLAIMS`, or two could count the same leases, and others wait for it until its transaction ends. A
    lease that ended counts among the `per_district` until `takeover_wait_seconds` later: its worker may still
    have a call under way. None where nothing can be taken.
    """
    values = {
        "claims": CLAIMS,
        "token": UUID(token),
        "lease": timedelta(seconds=lease_seconds),
        "takeover_wait": timedelta(seconds=takeover_wait_seconds),
        "per_district": per_district,
    }
    row = await CLAIM.fetch_one(db, enter(district_id) | values)
    if row is None:
        return None
    had_lock_at = row.lease_until - values["lease"]
    return Granted(sync_of(row), (had_lock_at - row.asked_at).total_seconds())


async def load_section(db: Session, district_id: str, section_id: str) -> StoredSection:
    """Load what is stored of a section. It names the district itself, in any session."""
    first, *entries = await LOAD_SECTION.fetch(db, enter(district_id) | {"section": section_id})
    link = SectionLink(section_id=section_id) if first.section_id is None else links.open_link(first)
    pairs = {row[0]: Pair(row[0], Ref(row[1], row[2]), *row[3:]) for row in first.pairs or ()}
    return StoredSection(link, pairs, ledger.open_rows(entries, link.students))


async def refresh(db: Session, district_id: str, section_id: str) -> StoredSection:
    """Store old entries by SIS student key, and forget the decisions that hold no more."""
    stored = await load_section(db, district_id, section_id)
    entries = stored.ledger.entries
    await ledger.save(db, section_id, [entries[key] for key in stored.ledger.old])
    for key, decided in stored.ledger.voided.items():
        await decisions.replace(db, section_id, key, decided, entries[key].decisions)
    return stored


async def lock(db: AsyncSession, sync_id: str) -> Sync | None:
    """Return a sync, which nobody else changes until the transaction ends; None where there is none."""
    query = select(SYNC).where(SYNC.c.id == UUID(sync_id)).with_for_update()
    row = (await db.execute(query)).one_or_none()
    return None if row is None else sync_of(row)
