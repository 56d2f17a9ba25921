"""What a district's database forgets: outcomes that the log no longer shows, used tokens, old answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db import idempotency, outcomes, tokens


async def purge(db: AsyncSession) -> None:
    """Delete what is past its time, in the district of the transaction; for a job that runs now and then."""
    await outcomes.purge(db)
    await tokens.purge(db)
    await idempotency.purge(db)
