"""Answers that were given under an Idempotency-Key, by district, subject and section, for 24 hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.tables import metadata

ANSWER = metadata.tables["idempotency"]
C = ANSWER.c
KEPT = timedelta(hours=24)
LOCK = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(
        concat_ws(E'\\x1f', current_setting('gradesync.district'),
                  CAST(:subject AS text), CAST(:section_id AS text), CAST(:key AS text)), 0))
""")


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key and what it is scoped to, the district apart."""

    subject: str
    section_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and the hash of the request that it answered."""

    request_hash: str
    response: Mapping[str, Any]


async def find(db: AsyncSession, key: Key) -> Answer | None:
    """The answer that a key has. Requests with the same key wait here for one another's transactions."""
    await db.execute(LOCK, {"subject": key.subject, "section_id": key.section_id, "key": key.key})
    row = (
        await db.execute(select(C.request_hash, C.response).where(_is(key), C.expires_at > func.now()))
    ).one_or_none()
    return None if row is None else Answer(row.request_hash, row.response)


async def keep(db: AsyncSession, key: Key, answer: Answer) -> None:
    """Keep the first answer of a key, in the transaction that `find` began."""
    await db.execute(delete(ANSWER).where(_is(key)))
    await db.execute(
        insert(ANSWER).values(
            subject=key.subject,
            section_id=key.section_id,
            key=key.key,
            request_hash=answer.request_hash,
            response=dict(answer.response),
            expires_at=func.now() + KEPT,
        )
    )


async def purge(db: AsyncSession) -> None:
    """Forget the district's answers that have expired."""
    await db.execute(delete(ANSWER).where(C.expires_at < func.now()))


def _is(key: Key) -> ColumnElement[bool]:
    return (C.subject == key.subject) & (C.section_id == key.section_id) & (C.key == key.key)
