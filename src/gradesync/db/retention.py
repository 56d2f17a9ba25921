"""Delete what is past its time: syncs that the log no longer shows, used tokens and links, old responses."""

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import (
    comparisons,
    districts,
    idempotency,
    invitations,
    outcomes,
    preflights,
    runs,
    section_states,
    syncs,
    tokens,
    webhooks,
)
from gradesync.db.session import Database
from gradesync.observability.rotation import Rotation


async def purge_all(database: Database, rotation: Rotation) -> None:
    """Delete what is past its time, district by district, for a periodic job."""

    async def purge_one(district_id: str) -> int:
        async with database.district(district_id) as db:
            await purge(db)
        return 1

    async with database.without_tenant() as db:
        names = await districts.list_names(db)
    await rotation.serve([name.id for name in names], purge_one)


async def purge(db: AsyncSession) -> None:
    """Delete what is past its time, in the district of the transaction."""
    await outcomes.purge(db)
    await syncs.purge(db)
    await tokens.purge(db)
    await invitations.purge(db)
    await idempotency.purge(db)
    await preflights.purge(db)
    await comparisons.purge(db)
    await runs.purge(db)
    await section_states.purge(db)
    await webhooks.purge(db)
