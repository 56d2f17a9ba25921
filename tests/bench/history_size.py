"""Measure the bytes of the history for each score that was sent."""

import random
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import owner
from bench.ledger_size import ASSIGNMENTS, DISTRICT, STUDENTS, Book, change_value, make_section
from bench.measure import Measure
from gradesync.core.history import Cause, find_change
from gradesync.core.ledger import LedgerAssignment
from gradesync.db.codec import uuid7
from gradesync.db.ledger import save
from gradesync.db.partitions import maintain
from gradesync.db.session import Database
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

CHANGED = 8  # scores of a usual sync, each in another assignment
SYNCS = 10  # such syncs of a section
SIZE = text("""
    SELECT sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits i WHERE i.inhparent = 'history'::regclass
""")


@dataclass(frozen=True, slots=True)
class HistoryBytes:
    """Hold bytes for each score, with indexes: of first syncs, and of usual ones after them."""

    first: float
    changes: float


async def history(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the bytes that are kept for each score that was sent."""
    assert settings.migrate_database_url is not None
    await maintain(settings.migrate_database_url.get_secret_value())
    async with open_runtime(settings, name="bench") as runtime, owner(settings) as connection:
        found = await history_bytes(runtime.context.database, connection, sections=20 if quick else 60)
    return [
        Measure("history of a first sync, bytes a score", 20, found.first),
        Measure("history of a sync of eight changes, bytes a score", 60, found.changes),
    ]


async def history_bytes(database: Database, owner: AsyncConnection, sections: int = 60) -> HistoryBytes:
    """Sync sections of 30 assignments and 30 students once, and ten times eight changed scores."""
    chance = random.Random(7)
    empty = float(await owner.scalar(SIZE) or 0)
    books = {str(7_900_000_000 + number): make_section(number, chance) for number in range(sections)}
    for section_id, book in books.items():
        await _record(database, section_id, {}, book)
    first = float(await owner.scalar(SIZE) or 0)
    for _ in range(SYNCS):
        for section_id, book in books.items():
            changed = _change(book, chance)
            await _record(database, section_id, {entry.id: entry for entry in book}, changed)
            books[section_id] = changed
    changes = float(await owner.scalar(SIZE) or 0)
    return HistoryBytes(
        (first - empty) / (sections * ASSIGNMENTS * STUDENTS),
        (changes - first) / (sections * SYNCS * CHANGED),
    )


def _change(book: Book, chance: random.Random) -> Book:
    touched = {entry.id for entry in chance.sample(book, CHANGED)}
    return [_change_one(entry, chance) if entry.id in touched else entry for entry in book]


def _change_one(entry: LedgerAssignment, chance: random.Random) -> LedgerAssignment:
    student = chance.choice(list(entry.sent))
    return entry._replace(sent={**entry.sent, student: change_value(entry.sent[student], chance)})


async def _record(
    database: Database, section_id: str, before: dict[str, LedgerAssignment], after: Book
) -> None:
    changes = [find_change(before.get(entry.id), entry) for entry in after]
    cause = Cause(str(uuid7()), "changes", "teacher:5790000")
    async with database.district(DISTRICT) as db:
        await save(db, section_id, after, changed=[one for one in changes if one is not None], cause=cause)
