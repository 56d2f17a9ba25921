"""Change a section's ledger outside of a sync: switches, doubts, and another SIS section."""

from collections.abc import Collection, Iterable

from sqlalchemy import null, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.ledger import is_among, mark_doubtful
from gradesync.core.ledger import unbind as core_unbind
from gradesync.db.ledger import CURSOR, LEDGER, load, save

SWITCH = text("""
    INSERT INTO ledger (section_id, assignment_id, opted_out, may_hold)
    VALUES (:section_id, :assignment_id, :opted_out, false)
    ON CONFLICT (district_id, section_id, assignment_id) DO UPDATE SET opted_out = excluded.opted_out
""")


async def set_opted_out(
    db: AsyncSession, section_id: str, assignment_ids: Iterable[str], opted_out: bool
) -> None:
    """Turn the switches of assignments, also before their first sync."""
    switch = {"section_id": section_id, "opted_out": opted_out}
    # In one order, so that two requests never wait for each other.
    await db.execute(SWITCH, [{**switch, "assignment_id": key} for key in sorted(set(assignment_ids))])


async def doubt(db: AsyncSession, section_id: str) -> None:
    """Mark all of a section's ledger as doubtful: its next sync reads everything and compares first."""
    await save(db, section_id, map(mark_doubtful, (await load(db, section_id)).values()))


async def unbind(db: AsyncSession, section_id: str, *, keep: Collection[str] = ()) -> None:
    """Clear what the SIS was sent of a section: it goes to another SIS section from now on.

    `keep` are the refs that stand in that one too, under another key of the same section.
    """
    left = [entry for entry in (await load(db, section_id)).values() if not is_among(entry, keep)]
    await save(db, section_id, map(core_unbind, left))
    of_left = (LEDGER.c.section_id == section_id) & LEDGER.c.assignment_id.in_([entry.id for entry in left])
    await db.execute(update(LEDGER).where(of_left).values(decisions=null()))
    await db.execute(update(CURSOR).where(CURSOR.c.section_id == section_id).values(read_through={}))
