"""Gather what the statement of a section is made of."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.history import Cause
from gradesync.core.reasons import Result
from gradesync.core.sis import id_order
from gradesync.core.statement.lines import Failure, Material, SeenCells
from gradesync.core.statement.render import Section
from gradesync.db import comparisons, history, ledger, links, sent_specs
from gradesync.db.comparisons import COMPARISON
from gradesync.db.links import LINK
from gradesync.db.outcomes import OUTCOME
from gradesync.db.syncs import SYNC


async def gather(
    db: AsyncSession, section_id: str, since: datetime, until: datetime, zone: ZoneInfo
) -> tuple[Section, Material] | None:
    """Gather what a section's statement after `since`, up to `until`, is made of.

    The transaction should be a snapshot. None where the section was never linked and has no history. The
    events are unpacked as they are read, which is a part of the costly work. `zone` is the district's: the
    term ends there.
    """
    link = await links.get(db, section_id)
    packed = await history.read_packed(db, [section_id], until=until, sighted=True)
    if link is None and not packed:
        return None
    term_last = link.sis.term_last if link and link.sis else None
    material = Material(
        since=since,
        until=until,
        events=(event for _, event in history.load(packed)),
        failures=[*await _list_failures(db, section_id, since, until)],
        ledger=await ledger.load(db, section_id),
        students=link.remembered if link else {},
        seen=await _find_seen(db, section_id, until),
        seen_before=await _find_seen(db, section_id, since),
        syncs_since=await db.scalar(
            select(func.min(SYNC.c.requested_at)).where(SYNC.c.section_id == section_id, ~SYNC.c.dry_run)
        ),
        term_over=datetime.combine(term_last + timedelta(days=1), time(), zone) if term_last else None,
    )
    title, school = (link.title, link.school or "") if link else ("", "")
    return Section(section_id, title, school, term_last), material


class FoundSections(NamedTuple):
    """Hold the sections that a file is about, in order; `begins`: the first day of their terms.

    `unplaced` are those whose school or term is not known, where one was asked for.
    """

    sections: Sequence[str]
    begins: date | None
    unplaced: int


async def find_sections(db: AsyncSession, *, school: str | None, term_last: date | None) -> FoundSections:
    """Find the district's sections of a school, of the terms that end on a day, or all of them."""
    terms = {name: LINK.c.sis[name].astext for name in ("term_first", "term_last")}
    query = select(LINK.c.section_id, LINK.c.school, terms["term_first"], terms["term_last"])
    placed = {row[0]: row for row in await db.execute(query)}
    known = set(await sent_specs.list_sections(db)) | await history.list_sections(db) | placed.keys()
    if school is None and term_last is None:
        return FoundSections(sorted(known, key=id_order), None, 0)
    rows = [
        row
        for row in placed.values()
        if school in {None, row[1]} and (term_last is None or row[3] == term_last.isoformat())
    ]
    lacking = (1 if school is not None else None, 3 if term_last is not None else None)
    unplaced = [
        id_
        for id_ in known
        if id_ not in placed or any(at is not None and placed[id_][at] is None for at in lacking)
    ]
    firsts = [date.fromisoformat(row[2]) for row in rows if row[2]]
    ids = sorted((row[0] for row in rows), key=id_order)
    return FoundSections(ids, min(firsts, default=None), len(unplaced))


async def _list_failures(
    db: AsyncSession, section_id: str, since: datetime, until: datetime
) -> Iterable[Failure]:
    """List what failed, by assignment and score, and the syncs that failed as a whole."""
    of_section = and_(
        SYNC.c.section_id == section_id,
        ~SYNC.c.dry_run,
        SYNC.c.finished_at > since,
        SYNC.c.finished_at <= until,
    )
    about = (SYNC.c.id, SYNC.c.mode, SYNC.c.requested_by_kind, SYNC.c.requested_by_id, SYNC.c.finished_at)
    syncs = (await db.execute(select(*about, SYNC.c.status, SYNC.c.error_code).where(of_section))).all()
    causes: dict[UUID, tuple[datetime, Cause]] = {
        row.id: (
            row.finished_at,
            Cause(str(row.id), row.mode, f"{row.requested_by_kind}:{row.requested_by_id}"),
        )
        for row in syncs
    }
    whole = [
        Failure(*causes[row.id], "", "", row.error_code or "failed")
        for row in syncs
        if row.status == "failed"
    ]
    failed = select(OUTCOME).where(OUTCOME.c.sync_id.in_(causes), OUTCOME.c.result == Result.FAILED)
    each = [
        Failure(
            *causes[row.sync_id],
            row.assignment_id,
            row.student_id if row._mapping["count"] is None else "",
            row.reason or "failed",
            row._mapping["count"] or 1,
        )
        for row in await db.execute(failed)
    ]
    return [*whole, *each]


async def _find_seen(db: AsyncSession, section_id: str, until: datetime) -> SeenCells | None:
    """Return the newest comparison that ended by then, with its cells."""
    complete = and_(
        COMPARISON.c.section_id == section_id,
        COMPARISON.c.status == "complete",
        COMPARISON.c.finished_at <= until,
    )
    newest = select(COMPARISON.c.id, COMPARISON.c.finished_at).where(complete)
    row = (await db.execute(newest.order_by(COMPARISON.c.id.desc()).limit(1))).one_or_none()
    if row is None:
        return None
    found = await comparisons.load_cells(db, str(row.id))
    return SeenCells(row.finished_at, found.cells)
