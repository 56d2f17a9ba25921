"""Store responses under their Idempotency-Key, by district, subject and section, for 24 hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.tables import metadata

RESPONSE = metadata.tables["idempotency"]
KEPT = timedelta(hours=24)
LOCK = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(
        concat_ws(E'\\x1f', current_setting('gradesync.district'),
                  CAST(:subject AS text), CAST(:section_id AS text), CAST(:key AS text)), 0))
""")


@dataclass(frozen=True, slots=True)
class Key:
    """Identify a request: an Idempotency-Key and its scope within the district."""

    subject: str
    section_id: str
    key: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """Hold a response, and the hash of the request that it belongs to."""

    request_hash: str
    response: Mapping[str, Any]


async def find(db: AsyncSession, key: Key) -> StoredResponse | None:
    """Return the response of a key. Requests with the same key wait here for one another's transactions."""
    await db.execute(LOCK, {"subject": key.subject, "section_id": key.section_id, "key": key.key})
    row = (
        await db.execute(
            select(RESPONSE.c.request_hash, RESPONSE.c.response).where(
                _is(key), RESPONSE.c.expires_at > func.now()
            )
        )
    ).one_or_none()
    return None if row is None else StoredResponse(row.request_hash, row.response)


async def save(db: AsyncSession, key: Key, stored: StoredResponse) -> None:
    """Store the first response of a key, in the transaction of `find`."""
    await db.execute(delete(RESPONSE).where(_is(key)))
    await db.execute(
        insert(RESPONSE).values(
            subject=key.subject,
            section_id=key.section_id,
            key=key.key,
            request_hash=stored.request_hash,
            response=dict(stored.response),
            expires_at=func.now() + KEPT,
        )
    )


async def purge(db: AsyncSession) -> None:
    """Delete the district's responses that have expired."""
    await db.execute(delete(RESPONSE).where(RESPONSE.c.expires_at < func.now()))


def _is(key: Key) -> ColumnElement[bool]:
    return (
        (RESPONSE.c.subject == key.subject)
        & (RESPONSE.c.section_id == key.section_id)
        & (RESPONSE.c.key == key.key)
    )
