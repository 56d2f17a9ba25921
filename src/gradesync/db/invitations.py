"""Store invitations to set up a district: a link is good once, and opens one session."""

from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.districts import IS_COPY
from gradesync.db.tables import metadata

INVITATION = metadata.tables["invitation"]
LINK_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(hours=2)  # long enough to look credentials up in two systems
IN_TIME = INVITATION.c.expires_at > func.now()
VALID = IN_TIME & ~IS_COPY


async def create(db: AsyncSession, name: str) -> str:
    """Invite a person to set up the district of the transaction; return the secret, which is not stored."""
    await purge(db)  # the periodic job knows no district that is not set up yet
    secret = token_urlsafe(32)
    values = {"hash": _hash(secret), "name": name, "expires_at": func.now() + LINK_LIFETIME}
    await db.execute(insert(INVITATION).values(values))
    return secret


async def redeem(db: AsyncSession, secret: str) -> tuple[str, str] | None:
    """Exchange the secret of a link for that of a session: the person's name, the session's secret.

    Return None where the district has no such link, or it was used before, or is too old.
    """
    session = token_urlsafe(32)
    unused = (INVITATION.c.hash == _hash(secret), INVITATION.c.session_hash.is_(None), VALID)
    values = {"session_hash": _hash(session), "expires_at": func.now() + SESSION_LIFETIME}
    statement = update(INVITATION).where(*unused).values(values).returning(INVITATION.c.name)
    name = await db.scalar(statement)
    return (name, session) if name is not None else None


async def find(db: AsyncSession, session: str) -> str | None:
    """Return whose session it is; None where the district has none such, or it is over."""
    return await db.scalar(
        select(INVITATION.c.name).where(INVITATION.c.session_hash == _hash(session), VALID)
    )


async def purge(db: AsyncSession) -> None:
    """Delete the district's links and sessions that are over."""
    await db.execute(delete(INVITATION).where(~IN_TIME))


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
