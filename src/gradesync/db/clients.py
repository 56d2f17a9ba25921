"""Clients of the API: each belongs to one district and has some scopes."""

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
C = CLIENT.c
FIND = text("SELECT district_id, secret_hash, scopes FROM tenantless_client(:id)")


@dataclass(frozen=True, slots=True)
class Client:
    """A client that has shown its secret."""

    id: str
    district_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """A client in a list."""

    id: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


async def create(db: AsyncSession, scopes: Iterable[str]) -> tuple[str, str]:
    """Make a client of the district; returns its id and its secret, which is not kept."""
    id_, secret = f"gs_{token_hex(8)}", token_urlsafe(32)
    await db.execute(insert(CLIENT).values(id=id_, secret_hash=_hash(secret), scopes=sorted(set(scopes))))
    return id_, secret


async def authenticate(door: AsyncSession, client_id: str, secret: str) -> Client | None:
    """Find a client by its id and secret, before any district is known; None unless both are right."""
    row = (await door.execute(FIND, {"id": client_id})).one_or_none()
    if row is None or not compare_digest(row.secret_hash, _hash(secret)):
        return None
    return Client(client_id, row.district_id, frozenset(row.scopes))


async def stands(db: AsyncSession, client_id: str) -> bool:
    """Tell whether the district has the client and has not revoked it."""
    found = select(C.id).where(C.id == client_id, C.revoked_at.is_(None))
    return await db.scalar(select(found.exists())) or False


async def revoke(db: AsyncSession, client_id: str) -> bool:
    """End a client; False where the district has no such client that stands."""
    statement = update(CLIENT).where(C.id == client_id, C.revoked_at.is_(None))
    return (
        await db.execute(statement.values(revoked_at=func.now()).returning(C.id))
    ).one_or_none() is not None


async def listed(db: AsyncSession) -> list[Listed]:
    """The district's clients, revoked ones too, in the order of their making."""
    rows = await db.execute(select(CLIENT).order_by(C.created_at, C.id))
    return [Listed(row.id, tuple(row.scopes), row.created_at, row.revoked_at) for row in rows]


def _hash(secret: str) -> bytes:
    """Secrets have 256 random bits: there is nothing that a slow hash would protect."""
    return sha256(secret.encode()).digest()
