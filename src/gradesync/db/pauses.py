"""Pause and resume a district, a school or a section: requests are refused, and what was accepted waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, and_, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import audit
from gradesync.db.codec import parse, uuid7
from gradesync.db.driver import Session, Statement
from gradesync.db.queue import COVERS, MINE, Pause
from gradesync.db.syncs import NEVER
from gradesync.db.tables import metadata

PAUSE = metadata.tables["pause"]
COLUMNS = tuple(PAUSE.c[name] for name in Pause._fields)
COVERED = COVERS.format(section="sync.section_id")
MY_SYNC = MINE.format(table="sync")
HOLD = Statement(
    text(f"""
    UPDATE sync SET
        paused_at = coalesce(paused_at, statement_timestamp()),
        pause_reason = (SELECT reason FROM pause WHERE {COVERED} ORDER BY pause.paused_at LIMIT 1),
        ready_at = CASE WHEN not_before < :never THEN not_before ELSE ready_at END,
        not_before = CASE WHEN lease_token IS NULL THEN :never ELSE not_before END
    WHERE {MY_SYNC} AND status = 'processing' AND EXISTS (SELECT FROM pause WHERE {COVERED})
""").bindparams(never=NEVER)  # noqa: S608 - our own text
)
# In the order in which they came, which `not_before` keeps; not before a call that is under way has landed.
# A lease that a pause found stays as it is.
FREE = text(f"""
    WITH freed AS (
        SELECT id, row_number() OVER (ORDER BY requested_at, id) AS turn FROM sync
        WHERE {MY_SYNC} AND status = 'processing' AND paused_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM pause WHERE {COVERED})
    )
    UPDATE sync SET
        paused_at = NULL, pause_reason = NULL, ready_at = NULL,
        not_before = greatest(ready_at, statement_timestamp() + freed.turn * interval '1 microsecond'),
        settles_by = greatest(
            settles_by + (statement_timestamp() - paused_at), statement_timestamp() + :least
        )
    FROM freed WHERE {MY_SYNC} AND sync.id = freed.id
""").bindparams(bindparam("least", type_=Interval))  # noqa: S608 - our own text
RUNS = text(f"""
    SELECT EXISTS (
        SELECT FROM sync WHERE {MY_SYNC} AND status = 'processing' AND lease_token IS NOT NULL
        AND lease_until > statement_timestamp() - CAST(:takeover_wait AS interval)
    ) OR EXISTS (
        SELECT FROM preflight WHERE {MINE.format(table="preflight")}
        AND status = 'processing' AND lease_token IS NOT NULL AND lease_until > statement_timestamp()
    ) OR EXISTS (
        SELECT FROM comparison WHERE {MINE.format(table="comparison")}
        AND status = 'processing' AND lease_token IS NOT NULL AND lease_until > statement_timestamp()
    )
""")  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Where:
    """Name what is paused: a `school` or a `section`; the whole district where neither is given."""

    school: str | None = None
    section: str | None = None

    @property
    def level(self) -> str:
        """Return `district`, `school` or `section`."""
        return "section" if self.section else "school" if self.school else "district"

    @property
    def target(self) -> str:
        """Return the section, or the school; empty for the district."""
        return self.section or self.school or ""


async def pause(
    db: AsyncSession, where: Where, reason: str, actor: str, source_ip: str | None = None
) -> Pause:
    """Pause at once; where that is paused already, only the reason changes.

    Requests are refused from the commit on, a queued sync waits, and one that runs stops at its next
    checkpoint.
    """
    # First: its lock lets requests, which write an entry too, come wholly before this or wholly after.
    await audit.append(db, actor, "syncs.paused", {**_objects(where), "reason": reason}, source_ip)
    new = {"reason": reason, "paused_by": actor}
    statement = insert(PAUSE).values(id=uuid7(), level=where.level, target=where.target, **new)
    changed = statement.on_conflict_do_update(index_elements=["district_id", "level", "target"], set_=new)
    paused = Pause(*(await db.execute(changed.returning(*COLUMNS))).one())
    await HOLD.run(db, {})
    return paused


async def hold(db: Session) -> None:
    """Hold the syncs of a section whose school has just become known, if the school is paused."""
    await audit.LOCK.run(db, {})  # as a pause does, or neither would see the other
    await HOLD.run(db, {})


async def resume(
    db: AsyncSession, pause_id: str, actor: str, source_ip: str | None = None, *, least_seconds: float
) -> Pause | None:
    """Lift a pause; None where there is none. What no other pause holds goes on.

    Each sync gets back the time that it was paused, and has `least_seconds` at least.
    """
    removed = delete(PAUSE).where(PAUSE.c.id == parse(pause_id)).returning(*COLUMNS)
    row = (await db.execute(removed)).one_or_none()
    if row is None:
        return None
    lifted = Pause(*row)
    await audit.append(db, actor, "syncs.resumed", _objects(lifted), source_ip)
    await HOLD.run(db, {})  # what another pause holds too has its reason from now on
    await db.execute(FREE, {"least": timedelta(seconds=least_seconds)})
    return lifted


async def find(db: AsyncSession, where: Where) -> Pause | None:
    """Return the pause of exactly that."""
    matches = and_(
        text(MINE.format(table="pause")), PAUSE.c.level == where.level, PAUSE.c.target == where.target
    )
    row = (await db.execute(select(*COLUMNS).where(matches))).one_or_none()
    return None if row is None else Pause(*row)


async def page(db: AsyncSession, *, after: str | None = None, limit: int = 50) -> list[Pause]:
    """List what is paused, the oldest first, after one."""
    query = select(*COLUMNS).order_by(PAUSE.c.id).limit(limit)
    if after is not None:
        query = query.where(PAUSE.c.id > parse(after))
    return [Pause(*row) for row in await db.execute(query)]


async def is_quiet(db: AsyncSession, *, takeover_wait_seconds: float) -> bool:
    """Return whether nothing of the district runs: no sync, no pre-flight report, no comparison.

    A lease that ended less than `takeover_wait_seconds` ago counts: its worker may have a call under way.
    """
    runs = await db.scalar(RUNS, {"takeover_wait": timedelta(seconds=takeover_wait_seconds)})
    return not runs


def _objects(paused: Where | Pause) -> Mapping[str, Any]:
    return {"level": paused.level, **({paused.level: paused.target} if paused.target else {})}
