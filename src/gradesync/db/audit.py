"""Keep the audit log: append-only, with a hash in each entry that covers the entry before it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.driver import Statement
from gradesync.db.tables import metadata

AUDIT = metadata.tables["audit"]
LOCK = Statement("""
    SELECT pg_advisory_xact_lock(hashtext('gradesync audit'), hashtext(current_setting('gradesync.district')))
""")
LAST = text("""
    SELECT current_setting('gradesync.district') AS district_id, statement_timestamp() AS at, seq, hash
    FROM (VALUES (1)) AS always LEFT JOIN (
        SELECT seq, hash FROM audit WHERE district_id = current_setting('gradesync.district')
        ORDER BY seq DESC LIMIT 1
    ) last ON true
""")
ROOT = bytes(32)  # the hash that the first entry follows


@dataclass(frozen=True, slots=True)
class Entry:
    """Record one action. `objects` names what was acted on: ids, and what the district chose."""

    seq: int
    at: datetime
    actor: str
    action: str
    objects: Mapping[str, Any]
    source_ip: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """Identify the end of a log: the last entry's number, 0 for none, and its hash in hexadecimal."""

    seq: int
    hash: str


async def append(
    db: AsyncSession, actor: str, action: str, objects: Mapping[str, Any], source_ip: str | None = None
) -> None:
    """Add an entry in this transaction. Appends of one district wait for one another."""
    await append_all(db, actor, action, [objects], source_ip)


async def append_all(
    db: AsyncSession,
    actor: str,
    action: str,
    objects: Iterable[Mapping[str, Any]],
    source_ip: str | None = None,
) -> None:
    """Add an entry for each of several objects, at the cost of one: the others of the district wait."""
    await LOCK.run(db, {})
    last = (await db.execute(LAST)).one()
    hash_, rows = last.hash or ROOT, []
    for seq, each in enumerate(objects, (last.seq or 0) + 1):
        entry = Entry(seq, last.at, actor, action, each, source_ip)
        hash_ = _hash(last.district_id, hash_, entry)
        rows.append({**_values(entry), "hash": hash_})
    await db.execute(insert(AUDIT), rows)


async def page(db: AsyncSession, *, before: int | None = None, limit: int = 50) -> list[Entry]:
    """List the district's entries, newest first, after the one numbered `before`."""
    query = select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.seq < before)
    return [_entry(row) for row in await db.execute(query)]


async def get_head(db: AsyncSession, *, until: datetime | None = None) -> Head:
    """Return the end of the district's log, as it was at a time if one is given.

    Noted elsewhere, it reveals that last entries were removed.
    """
    query = select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)
    if until is not None:
        query = query.where(AUDIT.c.at <= until)
    row = (await db.execute(query)).one_or_none()
    return Head(row.seq, row.hash.hex()) if row else Head(0, "")


async def verify(db: AsyncSession) -> int | None:
    """Return the `seq` of the first entry that does not follow from the ones before; None where all do."""
    hash_, seq = ROOT, 0
    async for row in await db.stream(select(AUDIT).order_by(AUDIT.c.seq)):
        seq += 1
        hash_ = _hash(row.district_id, hash_, _entry(row))
        if (row.seq, row.hash) != (seq, hash_):
            return int(row.seq)
    return None


def _hash(district_id: str, before: bytes, entry: Entry) -> bytes:
    content = [entry.seq, entry.at.isoformat(), entry.actor, entry.action, entry.objects, entry.source_ip]
    return sha256(before + _canonical([district_id, *content]).encode()).digest()


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "objects": _canonical(entry.objects),
        "source_ip": entry.source_ip,
    }


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.seq, row.at, row.actor, row.action, json.loads(row.objects), row.source_ip)
