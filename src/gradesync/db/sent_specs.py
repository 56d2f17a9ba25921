"""Read which sections have a ledger, and what was last sent of their assignments."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.sis import Spec
from gradesync.db import codec
from gradesync.db.tables import metadata

LEDGER = metadata.tables["ledger"]


async def get_specs(db: AsyncSession, section_id: str) -> dict[str, Spec]:
    """Return what was last sent of the section's assignments, by assignment id."""
    query = select(LEDGER.c.assignment_id, LEDGER.c.spec).where(LEDGER.c.section_id == section_id)
    specs = {row.assignment_id: codec.load_spec(row.spec) for row in await db.execute(query)}
    return {assignment_id: spec for assignment_id, spec in specs.items() if spec}


async def get_points(db: AsyncSession, section_id: str) -> dict[str, Decimal]:
    """Return the total points of the section's assignments, as they were last sent, by assignment id."""
    return {id_: spec.points for id_, spec in (await get_specs(db, section_id)).items()}


async def list_sections(db: AsyncSession) -> list[str]:
    """List the sections of the district that have a ledger."""
    return list(await db.scalars(select(LEDGER.c.section_id).distinct().order_by(LEDGER.c.section_id)))
