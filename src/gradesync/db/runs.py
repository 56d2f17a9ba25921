"""Store runs: syncs of many sections that the district asked for, and how far each section is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Text, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.codec import oldest_kept, parse, uuid7
from gradesync.db.tables import metadata

RUN = metadata.tables["run"]
PART = metadata.tables["run_section"]
SYNC = metadata.tables["sync"]
NOW: ColumnElement[datetime] = func.statement_timestamp()
LOCK = "gradesync runs"
WAITING = text("SELECT district_id FROM tenantless_run_districts()")
ACTIVE = RUN.c.finished_at.is_(None)
# The sections that gradesync knows, those that were synced longest ago first.
KNOWN = """
    SELECT l.section_id FROM section_link l
    LEFT JOIN LATERAL (
        SELECT id FROM sync s WHERE s.section_id = l.section_id AND NOT s.dry_run
        ORDER BY s.id DESC LIMIT 1
    ) latest ON true
    WHERE {condition}
    ORDER BY latest.id NULLS FIRST, l.section_id
"""
# The latest settled sync of each section in the log, where it, a warning or an outcome has the reason.
WITH_REASON = """
    SELECT section_id FROM (
        SELECT DISTINCT ON (section_id) section_id, id, error_code, warnings FROM sync
        WHERE NOT dry_run AND status <> 'processing' AND id >= :oldest
        ORDER BY section_id, id DESC
    ) latest
    WHERE error_code = :reason OR warnings ->> :reason IS NOT NULL
       OR EXISTS (SELECT FROM outcome o WHERE o.sync_id = latest.id AND o.reason = :reason)
    ORDER BY id
"""
REFRESH = text("""
    UPDATE run_section part SET state = 'settled', result = coalesce(sync.result, sync.status)
    FROM sync WHERE sync.id = part.sync_id AND part.run_id = :run AND part.state = 'started'
    AND sync.status <> 'processing'
""")

# A section whose sync is under way is `processing`; one that settled since has its result.
LIVE = """
    SELECT part.run_id, part.number, part.section_id, part.sync_id,
           CASE part.state WHEN 'started' THEN coalesce(sync.status, 'started') ELSE part.state END AS state,
           coalesce(part.result, sync.result) AS result
    FROM run_section part LEFT JOIN sync ON sync.id = part.sync_id
"""
COUNT = text(f"""
    SELECT run_id, state, result, count(*) AS number FROM ({LIVE}) live
    WHERE run_id = ANY(CAST(:runs AS uuid[])) GROUP BY run_id, state, result
""")  # noqa: S608 - our own text
PAGE = text(f"""
    SELECT number, section_id, state, sync_id, result FROM ({LIVE}) live
    WHERE run_id = CAST(:run AS uuid) AND number > :after ORDER BY number LIMIT :limit
""")  # noqa: S608 - our own text

State: TypeAlias = Literal["waiting", "started", "settled", "skipped"]


@dataclass(frozen=True, slots=True)
class Run:
    """Describe a run. `chosen` is what the person chose; `ends` is None where it has no window."""

    id: UUID
    status: str
    chosen: Mapping[str, Any]
    mode: str
    dry_run: bool
    requested_by_kind: str
    requested_by_id: str
    requested_at: datetime
    schedule_id: UUID | None
    begins: datetime
    ends: datetime | None
    every: float
    finishes_by: datetime
    finished_at: datetime | None

    def slot(self, number: int) -> datetime:
        """Return when the turn of a section comes, by its number: a window may have been begun late."""
        return self.requested_at + timedelta(seconds=self.every * (number - 1))

    @property
    def actor(self) -> str:
        """Return who decided it, as the audit log names them."""
        return f"{self.requested_by_kind}:{self.requested_by_id}"


FIELDS = tuple(field.name for field in fields(Run))


class RunSection(NamedTuple):
    """Describe one section of a run. `state` is `processing` while its sync is."""

    number: int
    section_id: str
    state: str
    sync_id: UUID | None
    result: str | None


async def choose(
    db: AsyncSession, *, sections: Sequence[str] | None, school: str | None, reason: str | None
) -> list[str]:
    """Return the sections of a choice in their order; where nothing is chosen, all that are known."""
    if sections is not None:
        return list(dict.fromkeys(sections))
    if reason is not None:
        values = {"reason": reason, "oldest": oldest_kept()}
        return list(await db.scalars(text(WITH_REASON).bindparams(bindparam("reason", type_=Text)), values))
    condition = "true" if school is None else "l.school = :school"
    known = text(KNOWN.format(condition=condition))
    return list(await db.scalars(known, {} if school is None else {"school": school}))


async def add(db: AsyncSession, sections: Sequence[str], **values: Any) -> Run | None:
    """Store a run of these sections; None where the schedule has one for that beginning already."""
    new = {"id": uuid7(), "status": "processing", **values}
    statement = insert(RUN).values(new).on_conflict_do_nothing().returning(*RUN.c)
    row = (await db.execute(statement)).one_or_none()
    if row is None:
        return None
    parts = [
        {"run_id": row.id, "number": number, "section_id": section, "state": "waiting"}
        for number, section in enumerate(sections, 1)
    ]
    if parts:
        await db.execute(insert(PART), parts)
    return _run(row)


async def get(db: AsyncSession, run_id: str) -> Run | None:
    """Return a run; None where the district has no such one."""
    row = (await db.execute(select(RUN).where(RUN.c.id == parse(run_id)))).one_or_none()
    return None if row is None else _run(row)


async def page(db: AsyncSession, *, before: str | None = None, limit: int = 50) -> list[Run]:
    """List the runs, newest first, after one."""
    query = select(RUN).order_by(RUN.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(RUN.c.id < parse(before))
    return [_run(row) for row in await db.execute(query)]


async def list_active(db: AsyncSession) -> list[Run]:
    """List the runs that are under way, the oldest first."""
    return [_run(row) for row in await db.execute(select(RUN).where(ACTIVE).order_by(RUN.c.id))]


async def list_waiting_districts(db: AsyncSession) -> list[str]:
    """List districts with a run to go on with."""
    return [row.district_id for row in await db.execute(WAITING)]


async def count(db: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Counter[tuple[str, str | None]]]:
    """Count the sections of each run by state and result. The numbers of a run add up to its sections."""
    counts: dict[UUID, Counter[tuple[str, str | None]]] = {id_: Counter() for id_ in ids}
    for row in await db.execute(COUNT, {"runs": ids}):
        counts[row.run_id][row.state, row.result] += row.number
    return counts


async def page_sections(
    db: AsyncSession, run_id: str, *, after: int = 0, limit: int = 50
) -> list[RunSection]:
    """List the sections of a run in their order, after a number."""
    rows = await db.execute(PAGE, {"run": parse(run_id), "after": after, "limit": limit})
    return [RunSection(*row) for row in rows]


# ---- what the sweep does -----------------------------------------------------------------------------------


async def refresh(db: AsyncSession, run: Run) -> None:
    """Take over the results of syncs that have settled."""
    await db.execute(REFRESH, {"run": run.id})


async def count_started(db: AsyncSession) -> int:
    """Count the syncs of all runs of the district that are under way, without those that a pause holds."""
    held = select(SYNC.c.id).where(SYNC.c.paused_at.is_not(None), SYNC.c.status == "processing")
    started = (PART.c.state == "started") & PART.c.sync_id.not_in(held)
    return await db.scalar(select(func.count()).select_from(PART).where(started)) or 0


async def count_left(db: AsyncSession, run: Run) -> Counter[str]:
    """Count the sections of a run by state, as the last refresh left them."""
    number = func.count().label("number")
    query = select(PART.c.state, number).where(PART.c.run_id == run.id).group_by(PART.c.state)
    return Counter({row.state: row.number for row in await db.execute(query)})


async def next_sections(db: AsyncSession, run: Run, limit: int) -> list[RunSection]:
    """List the sections that come next in a run."""
    columns = (PART.c.number, PART.c.section_id, PART.c.state, PART.c.sync_id, PART.c.result)
    waiting = (PART.c.run_id == run.id) & (PART.c.state == "waiting")
    rows = await db.execute(select(*columns).where(waiting).order_by(PART.c.number).limit(limit))
    return [RunSection(*row) for row in rows]


async def is_synced_since(db: AsyncSession, section_id: str, moment: datetime) -> bool:
    """Return whether a sync that began then or later read the whole section, and sent everything."""
    no_selection = func.jsonb_typeof(SYNC.c.selection).is_distinct_from("object")  # it may be JSON's null
    no_undo = func.jsonb_typeof(SYNC.c.undo).is_distinct_from("object")
    whole = (SYNC.c.section_id == section_id) & ~SYNC.c.dry_run & no_selection & no_undo
    sent = (SYNC.c.status == "complete") & (SYNC.c.result == "all-sent") & (SYNC.c.started_at >= moment)
    return await db.scalar(select(SYNC.c.id).where(whole, sent).limit(1)) is not None


async def mark(
    db: AsyncSession,
    run: Run,
    number: int,
    state: State,
    *,
    sync_id: str | None = None,
    result: str | None = None,
) -> None:
    """Note what became of a section."""
    which = (PART.c.run_id == run.id) & (PART.c.number == number)
    values = {"state": state, "sync_id": sync_id and UUID(sync_id), "result": result}
    await db.execute(update(PART).where(which).values(values))


async def skip_rest(db: AsyncSession, run: Run, result: str) -> None:
    """Skip every section that has not begun."""
    waiting = (PART.c.run_id == run.id) & (PART.c.state == "waiting")
    await db.execute(update(PART).where(waiting).values(state="skipped", result=result))


async def set_status(db: AsyncSession, run: Run, status: str, *, finished: bool = False) -> None:
    """Change the status of a run; `finished` ends it."""
    values: dict[str, Any] = {"status": status, **({"finished_at": NOW} if finished else {})}
    await db.execute(update(RUN).where(RUN.c.id == run.id).values(values))


async def purge(db: AsyncSession) -> None:
    """Delete the runs that are older than the log."""
    old = select(RUN.c.id).where(RUN.c.id < oldest_kept(), ~ACTIVE)
    await db.execute(delete(PART).where(PART.c.run_id.in_(old)))
    await db.execute(delete(RUN).where(RUN.c.id < oldest_kept(), ~ACTIVE))


def _run(row: Row[Any]) -> Run:
    return Run(**{name: getattr(row, name) for name in FIELDS})
