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

SECTIONS, ASSIGNMENTS, STUDENTS = 60, 30, 30
SYNCS = 10
FIRST = datetime(2026, 9, 1, 12, tzinfo=UTC)
SIZE = text("SELECT pg_total_relation_size('ledger') + pg_total_relation_size('section_cursor')")


@dataclass(frozen=True, slots=True)
class LedgerBytes:
    """Bytes for each score, indexes and TOAST included: filled and vacuumed, and after ten change syncs."""

    filled: float
    changed: float


async def ledger_bytes(database: Database, owner: AsyncConnection, district_id: str = "size") -> LedgerBytes:
    """Fill an empty ledger with sections of 30 assignments and 30 students; then change it ten times.

    A change sync changes three scores in every assignment of a section and moves all its cursors.
    """
    chance = random.Random(7)
    sections = {f"79{number:08}": _section(number, chance) for number in range(SECTIONS)}
    for section_id, entries in sections.items():
        await _save(database, district_id, section_id, entries, FIRST)
    await owner.execute(text("VACUUM ledger, section_cursor"))
    scores = SECTIONS * ASSIGNMENTS * STUDENTS
    filled = await owner.scalar(SIZE)
    for number in range(1, SYNCS + 1):
        for section_id, entries in sections.items():
            changed = [_change(entry, chance) for entry in list(entries.values())]
            entries.update({entry.id: entry for entry in changed})
            await _save(
                database, district_id, section_id, {e.id: e for e in changed}, FIRST + timedelta(days=number)
            )
    changed_size = await owner.scalar(SIZE)
    return LedgerBytes((filled or 0) / scores, (changed_size or 0) / scores)


async def _save(
    database: Database, district_id: str, section_id: str, entries: dict[str, LedgerAssignment], at: datetime
) -> None:
    async with database.district(district_id) as db:
        await ledger.save(db, section_id, entries.values())
        await ledger.advance(db, section_id, {f"{section_id[-5:]}{n:05}": at for n in range(ASSIGNMENTS)})


def _section(number: int, chance: random.Random) -> dict[str, LedgerAssignment]:
    students = [f"{chance.randrange(10_000_000, 99_999_999)}" for _ in range(STUDENTS)]
    section_id = f"79{number:08}"
    return {
        entry.id: entry
        for entry in (
            _assignment(f"{section_id[-5:]}{n:05}", n, students, chance) for n in range(ASSIGNMENTS)
        )
    }


def _assignment(id_: str, number: int, students: list[str], chance: random.Random) -> LedgerAssignment:
    return LedgerAssignment(
        id=id_,
        ref=Ref(id_, {"assignmentid": int(id_), "assignmentsectionid": int(id_) + 7}),
        spec=Spec(
            name=f"Unit {number}: practice and quiz",
            points=Decimal(20),
            due=date(2026, 9, 1) + timedelta(days=number),
            category=Ref(f"{chance.randrange(100, 999)}", {}),
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


def _change(entry: LedgerAssignment, chance: random.Random) -> LedgerAssignment:
    again = chance.sample(list(entry.sent), 3)
    return replace(entry, sent={**entry.sent, **{student: _value(chance) for student in again}})
