"""How many bytes the ledger takes for each score."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.core.gradebook import Mark
from gradesync.core.ledger import LedgerAssignment, Value
from gradesync.core.sis import Ref, Spec
from gradesync.db import ledger
from gradesync.db.session import Database

DISTRICT = "size"
ASSIGNMENTS, STUDENTS = 30, 30
SYNCS = 10
FIRST = datetime(2026, 9, 1, 12, tzinfo=UTC)
SIZE = text("SELECT pg_total_relation_size('ledger') + pg_total_relation_size('section_cursor')")


@dataclass(frozen=True, slots=True)
class LedgerBytes:
    """Bytes for each score, indexes and TOAST included: filled and vacuumed, and after ten change syncs."""

    filled: float
    changed: float


async def ledger_bytes(database: Database, owner: AsyncConnection, sections: int = 60) -> LedgerBytes:
    """Fill an empty ledger with sections of 30 assignments and 30 students; then change it ten times.

    A change sync changes three scores in every assignment of a section and moves all its cursors.
    """
    chance = random.Random(7)
    books = {str(7_900_000_000 + number): _section(number, chance) for number in range(sections)}
    await _save(database, books)
    await owner.execute(text("VACUUM ledger, section_cursor"))
    scores = sections * ASSIGNMENTS * STUDENTS
    filled = await owner.scalar(SIZE)
    for day in range(1, SYNCS + 1):
        at = FIRST + timedelta(days=day)
        books = {section: [_change(entry, chance, at) for entry in book] for section, book in books.items()}
        await _save(database, books)
    changed = await owner.scalar(SIZE)
    return LedgerBytes((filled or 0) / scores, (changed or 0) / scores)


async def _save(database: Database, books: dict[str, list[LedgerAssignment]]) -> None:
    """One transaction for each section, as a sync has."""
    for section_id, book in books.items():
        async with database.district(DISTRICT) as db:
            await ledger.save(db, section_id, book)


def _section(number: int, chance: random.Random) -> list[LedgerAssignment]:
    students = [str(chance.randrange(10_000_000, 99_999_999)) for _ in range(STUDENTS)]
    first = 5_000_000_000 + number * ASSIGNMENTS
    return [_assignment(first + n, n, students, chance) for n in range(ASSIGNMENTS)]


def _assignment(id_: int, number: int, students: list[str], chance: random.Random) -> LedgerAssignment:
    return LedgerAssignment(
        id=str(id_),
        ref=Ref(str(id_ - 10**9), {"assignmentid": id_ - 10**9, "assignmentsectionid": id_ - 10**8}),
        spec=Spec(
            name=f"Unit {number}: practice and quiz",
            points=Decimal(20),
            due=date(2026, 9, 1) + timedelta(days=number),
            category=Ref(str(chance.randrange(100, 999))),
        ),
        sent={student: _value(chance) for student in students},
        read_through=FIRST,
    )


def _value(chance: random.Random) -> Value:
    lot = chance.random()
    if lot < 0.05:
        return None
    if lot < 0.1:
        return Mark(3, Decimal(0))
    return Decimal(chance.randrange(0, 40)) / 2


def _change(entry: LedgerAssignment, chance: random.Random, at: datetime) -> LedgerAssignment:
    again = {student: _value(chance) for student in chance.sample(list(entry.sent), 3)}
    return replace(entry, sent={**entry.sent, **again}, read_through=at)
