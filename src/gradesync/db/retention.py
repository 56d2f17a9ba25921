"""What a district's database forgets: syncs that the log no longer shows, used tokens, old answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import districts, idempotency, outcomes, preflights, syncs, tokens, webhooks
from gradesync.db.session import Database


async def purge_all(database: Database) -> None:
    """Delete what is past its time, district by district; for a job that runs now and then."""
    async with database.without_tenant() as door:
        names = await districts.listed(door)
    for name in names:
        async with database.district(name.id) as db:
            await purge(db)


async def purge(db: AsyncSession) -> None:
    """Delete what is past its time, in the district of the transaction."""
    await outcomes.purge(db)
    await syncs.purge(db)
    await tokens.purge(db)
    await idempotency.purge(db)
    await preflights.purge(db)
    await webhooks.purge(db)
