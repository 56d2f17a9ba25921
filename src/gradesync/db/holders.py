"""Find which sections of a district hold refs in the SIS, by their ledgers."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import codec
from gradesync.db.tables import metadata

LEDGER = metadata.tables["ledger"]
LINK = metadata.tables["section_link"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Name the assignment that has a ref, and its section; texts are empty where they are not known."""

    section_id: str
    section: str
    assignment: str

    def __str__(self) -> str:
        section = f"{self.section} ({self.section_id})" if self.section else self.section_id
        return f"{self.assignment} of section {section}" if self.assignment else f"section {section}"


async def find_holders(db: AsyncSession, section_id: str, refs: Collection[str]) -> dict[str, Holder]:
    """Return which of these refs, by key, belong to assignments of other sections of the district."""
    query = select(LEDGER.c.ref_key, LEDGER.c.section_id, LEDGER.c.spec, LINK.c.title)
    others = query.join_from(LEDGER, LINK, LINK.c.section_id == LEDGER.c.section_id, isouter=True)
    rows = await db.execute(
        others.where(LEDGER.c.section_id != section_id, LEDGER.c.ref_key.in_(refs)).order_by(LEDGER.c.ref_key)
    )
    found = {}
    for row in rows:
        spec = codec.load_spec(row.spec)
        found[row.ref_key] = Holder(row.section_id, row.title or "", spec.name if spec else "")
    return found
