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


async def purge_all(database: Database) -> None:
    """Delete what is past its time, district by district, for a periodic job."""
    async with database.without_tenant() as db:
        names = await districts.list_names(db)
    for name in names:
        async with database.district(name.id) as db:
            await purge(db)


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
