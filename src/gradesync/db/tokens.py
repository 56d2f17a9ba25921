"""Remember platform tokens that were exchanged: each is accepted once."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.tables import metadata

USED = metadata.tables["used_token"]


async def use(db: AsyncSession, token: str, expires_at: datetime) -> bool:
    """Use a token up; False where the district used it before. Only its hash is stored, until it expires."""
    statement = insert(USED).values(hash=sha256(token.encode()).digest(), expires_at=expires_at)
    used = await db.execute(statement.on_conflict_do_nothing().returning(USED.c.hash))
    return used.one_or_none() is not None


async def purge(db: AsyncSession) -> None:
    """Delete the district's tokens that have expired."""
    await db.execute(delete(USED).where(USED.c.expires_at < func.now()))
