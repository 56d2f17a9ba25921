"""Store clients of the API: each belongs to one district and has scopes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.tables import metadata

CLIENT = metadata.tables["client"]
FIND = text("SELECT district_id, secret_hash, scopes FROM tenantless_client(:id)")


@dataclass(frozen=True, slots=True)
class Client:
    """Identify a client that has authenticated."""

    id: str
    district_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """Describe a client in a list."""

    id: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


async def create(db: AsyncSession, scopes: Iterable[str]) -> tuple[str, str]:
    """Create a client of the district; return its id and its secret, which is not stored."""
    id_, secret = f"gs_{token_hex(8)}", token_urlsafe(32)
    await db.execute(insert(CLIENT).values(id=id_, secret_hash=_hash(secret), scopes=sorted(set(scopes))))
    return id_, secret


async def authenticate(db: AsyncSession, client_id: str, secret: str) -> Client | None:
    """Find a client by its id and secret, before any district is known; None unless both are right."""
    row = (await db.execute(FIND, {"id": client_id})).one_or_none()
    if row is None or not compare_digest(row.secret_hash, _hash(secret)):
        return None
    return Client(client_id, row.district_id, frozenset(row.scopes))


async def is_active(db: AsyncSession, client_id: str) -> bool:
    """Return whether the district has the client and has not revoked it."""
    active = select(CLIENT.c.id).where(CLIENT.c.id == client_id, CLIENT.c.revoked_at.is_(None))
    return await db.scalar(select(active.exists())) or False


async def revoke(db: AsyncSession, client_id: str) -> bool:
    """Revoke a client; False where the district has no such active client."""
    statement = update(CLIENT).where(CLIENT.c.id == client_id, CLIENT.c.revoked_at.is_(None))
    return (
        await db.execute(statement.values(revoked_at=func.now()).returning(CLIENT.c.id))
    ).one_or_none() is not None


async def list_all(db: AsyncSession) -> list[Listed]:
    """List the district's clients, revoked ones too, in the order of their creation."""
    rows = await db.execute(select(CLIENT).order_by(CLIENT.c.created_at, CLIENT.c.id))
    return [Listed(row.id, tuple(row.scopes), row.created_at, row.revoked_at) for row in rows]


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()  # of 256 random bits: a slow hash would protect nothing
