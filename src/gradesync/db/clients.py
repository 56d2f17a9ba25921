"""Store clients of the API: each belongs to one district, and has a name and scopes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from typing import Any

from sqlalchemy import Row, bindparam, case, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.districts import IS_HERE
from gradesync.db.driver import Session, Statement
from gradesync.db.tables import metadata

CLIENT = metadata.tables["client"]
FIND = text("""
    SELECT district_id, secret_hash, scopes, old_secret_hash, use_due FROM tenantless_client_secrets(:id)
""")
ACTIVE = CLIENT.c.revoked_at.is_(None)
HASH_BYTES = sha256().digest_size
# The secret that is replaced, and the one that it replaced lately.
OLD_HASHES = case(
    (
        CLIENT.c.old_until > func.now(),
        CLIENT.c.secret_hash.concat(func.substr(CLIENT.c.old_secret_hash, 1, HASH_BYTES)),
    ),
    else_=CLIENT.c.secret_hash,
)
FIND_ACTIVE = Statement(select(CLIENT.c.id).where(CLIENT.c.id == bindparam("client"), ACTIVE, IS_HERE))


@dataclass(frozen=True, slots=True)
class Client:
    """Identify a client that has authenticated. `use_due`: its last use was not noted within an hour."""

    id: str
    district_id: str
    scopes: frozenset[str]
    use_due: bool


@dataclass(frozen=True, slots=True)
class ListedClient:
    """Describe a client in a list. `last_used_at` is the hour in which it last got a token."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    old_secret_until: datetime | None
    revoked_at: datetime | None


async def create(
    db: AsyncSession, scopes: Iterable[str], *, created_by: str, name: str = ""
) -> tuple[str, str]:
    """Create a client of the district; return its id and its secret, which is not stored."""
    id_, secret = f"gs_{token_hex(8)}", _new_secret()
    values = {"id": id_, "secret_hash": _hash(secret), "scopes": sorted(set(scopes))}
    await db.execute(insert(CLIENT).values(**values, name=name, created_by=created_by))
    return id_, secret


async def authenticate(db: AsyncSession, client_id: str, secret: str) -> Client | None:
    """Find a client by its id and secret, before any district is known; None unless both are right."""
    row = (await db.execute(FIND, {"id": client_id})).one_or_none()
    if row is None:
        return None
    old = row.old_secret_hash or b""
    starts = range(0, len(old), HASH_BYTES)
    valid = [row.secret_hash, *(old[start : start + HASH_BYTES] for start in starts)]
    given = _hash(secret)
    if not any(compare_digest(hash_, given) for hash_ in valid):
        return None
    return Client(client_id, row.district_id, frozenset(row.scopes), row.use_due)


async def note_use(db: AsyncSession, client_id: str) -> None:
    """Note that a client got a token now."""
    await db.execute(update(CLIENT).where(CLIENT.c.id == client_id).values(last_used_at=func.now()))


async def is_active(db: Session, client_id: str) -> bool:
    """Return whether the district has the client, has not revoked it, and is no copy."""
    return await FIND_ACTIVE.fetch_one(db, {"client": client_id}) is not None


async def get(db: AsyncSession, client_id: str) -> ListedClient | None:
    """Return a client of the district, also a revoked one."""
    row = (await db.execute(select(CLIENT).where(CLIENT.c.id == client_id))).one_or_none()
    return None if row is None else _listed(row)


async def rotate(db: AsyncSession, client_id: str, *, keep_old: timedelta) -> str | None:
    """Replace the secret of an active client; the old one is accepted for `keep_old` too.

    So is the one before it, where that is accepted still: a request that is sent twice, because the first
    response was lost, must not end the secret that the client has.
    """
    secret = _new_secret()
    values = {
        "secret_hash": _hash(secret),
        "old_secret_hash": OLD_HASHES if keep_old else None,
        "old_until": func.now() + keep_old if keep_old else None,
    }
    statement = update(CLIENT).where(CLIENT.c.id == client_id, ACTIVE).values(values)
    return secret if (await db.execute(statement.returning(CLIENT.c.id))).one_or_none() else None


async def revoke(db: AsyncSession, client_id: str) -> bool:
    """Revoke a client; False where the district has no such active client."""
    statement = update(CLIENT).where(CLIENT.c.id == client_id, ACTIVE).values(revoked_at=func.now())
    return (await db.execute(statement.returning(CLIENT.c.id))).one_or_none() is not None


async def count_active(db: AsyncSession) -> int:
    """Return how many clients the district has that are not revoked."""
    return await db.scalar(select(func.count()).select_from(CLIENT).where(ACTIVE)) or 0


async def list_all(db: AsyncSession) -> list[ListedClient]:
    """List the district's clients, revoked ones too, in the order of their creation."""
    rows = await db.execute(select(CLIENT).order_by(CLIENT.c.created_at, CLIENT.c.id))
    return [_listed(row) for row in rows]


async def page(db: AsyncSession, *, after: tuple[datetime, str] | None, limit: int) -> list[ListedClient]:
    """List some of them, in the same order, after one that is known by its creation and id."""
    key = (CLIENT.c.created_at, CLIENT.c.id)
    query = select(CLIENT).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [_listed(row) for row in await db.execute(query)]


def _listed(row: Row[Any]) -> ListedClient:
    return ListedClient(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes),
        created_by=row.created_by,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        old_secret_until=row.old_until,
        revoked_at=row.revoked_at,
    )


def _new_secret() -> str:
    return token_urlsafe(32)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()  # of 256 random bits: a slow hash would protect nothing
