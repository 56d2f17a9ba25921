"""Measure the bytes of the ledger for each score, and of the log for each sync and outcome."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import owner
from bench.measure import Measure
from gradesync.core.gradebook import Mark
from gradesync.core.ledger import LedgerAssignment, Value
from gradesync.core.reasons import Result
from gradesync.core.sis import Ref, Spec
from gradesync.db import audit, outcomes, queue, syncs
from gradesync.db.ledger import save
from gradesync.db.outcomes import Outcome
from gradesync.db.session import Database
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

DISTRICT = "size"
ASSIGNMENTS, STUDENTS = 30, 30
Book: TypeAlias = list[LedgerAssignment]
SYNCS = 10
OUTCOMES = 10
FIRST = datetime(2026, 9, 1, 12, tzinfo=UTC)
SIZE = text("SELECT pg_total_relation_size('ledger') + pg_total_relation_size('section_cursor')")

# A partitioned table holds nothing itself: its partitions do.
LOG_SIZE = text("""
    SELECT name, sum(pg_total_relation_size(c.oid))::float AS size
    FROM unnest(ARRAY['sync', 'outcome', 'audit']) name
    JOIN pg_class c ON c.oid = name::regclass
        OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = name::regclass)
    GROUP BY name
""")


@dataclass(frozen=True, slots=True)
class LedgerBytes:
    """Hold bytes for each score, with indexes and TOAST: once vacuumed, and after ten change syncs."""

    filled: float
    changed: float


async def ledger(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the bytes that are kept for each score."""
    async with open_runtime(settings, name="bench") as runtime, owner(settings) as connection:
        found = await ledger_bytes(runtime.context.database, connection, sections=20 if quick else 60)
        rows = await log_bytes(runtime.context.database, connection, settled=500 if quick else 2000)
    return [
        Measure("ledger, bytes a score", 40, found.filled),
        Measure("ledger after ten change syncs, bytes a score", 80, found.changed),
        Measure("a settled sync, bytes", None, rows[0]),
        Measure("an outcome, bytes", None, rows[1]),
        Measure("an entry of the audit log, bytes", None, rows[2]),
    ]


async def ledger_bytes(database: Database, owner: AsyncConnection, sections: int = 60) -> LedgerBytes:
    """Fill an empty ledger with sections of 30 assignments and 30 students; then change it ten times.

    A change sync changes three scores in every assignment of a section and moves all its cursors.
    """
    chance = random.Random(7)
    books = {str(7_900_000_000 + number): make_section(number, chance) for number in range(sections)}
    await _save(database, books)
    await owner.execute(text("VACUUM ledger, section_cursor"))
    scores = sections * ASSIGNMENTS * STUDENTS
    filled = await owner.scalar(SIZE)
    for day in range(1, SYNCS + 1):
        at = FIRST + timedelta(days=day)
        books = {section: [_change(entry, chance, at) for entry in book] for section, book in books.items()}
        await _save(database, books)
        # As autovacuum does between the days of a section. Pruning alone waits for transactions elsewhere.
        await owner.execute(text("VACUUM ledger, section_cursor"))
    changed = await owner.scalar(SIZE)
    return LedgerBytes((filled or 0) / scores, (changed or 0) / scores)


async def _save(database: Database, books: dict[str, list[LedgerAssignment]]) -> None:
    """Save each section in one transaction, as a sync does."""
    for section_id, book in books.items():
        async with database.district(DISTRICT) as db:
            await save(db, section_id, book)


async def log_bytes(database: Database, owner: AsyncConnection, settled: int) -> tuple[float, float, float]:
    """Return bytes of a settled sync, of one of its outcomes, and of its audit log entry, with indexes."""
    for number in range(settled):
        async with database.district(DISTRICT) as db:
            sync = await syncs.insert(
                db,
                section_id=str(7_900_000_000 + number),
                requested_by_kind="teacher",
                requested_by_id="5790000",
                settles_in=900,
            )
            assert sync is not None
            await outcomes.record(db, sync.id, _outcomes(number))
            asked = {"sync": sync.id, "section": sync.section_id, "mode": sync.mode, "dry_run": False}
            await audit.append(db, "teacher:5790000", "sync.requested", asked, "192.0.2.17")
        async with database.district(DISTRICT) as db:
            granted = await queue.claim(
                db, DISTRICT, str(uuid4()), lease_seconds=60, takeover_wait_seconds=30, per_district=4
            )
            assert granted is not None
            claimed = granted.sync
            counts = dict.fromkeys(
                ("read", "written", "cleared", "unchanged", "adopted", "skipped", "failed"), 10
            )
            await syncs.settle(
                db,
                claimed.id,
                claimed.lease_token,
                status="complete",
                applied="all",
                done=OUTCOMES,
                total=OUTCOMES,
                assignments=counts,
                scores=counts,
                fingerprint="0" * 64,
            )
    await owner.execute(text("VACUUM sync, outcome, audit"))
    sizes = {row.name: row.size for row in await owner.execute(LOG_SIZE)}
    return sizes["sync"] / settled, sizes["outcome"] / (settled * OUTCOMES), sizes["audit"] / settled


def _outcomes(number: int) -> list[Outcome]:
    return [
        Outcome(
            assignment_id=str(5_000_000_000 + number),
            student_id=str(20_000_000 + student),
            title="Unit 3: practice and quiz",
            result=Result.WRITTEN,
            before=Decimal("7.5"),
            after=Decimal(9),
        )
        for student in range(OUTCOMES)
    ]


def make_section(number: int, chance: random.Random) -> Book:
    """Make a section of 30 assignments and 30 students as a first sync leaves it."""
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


def change_value(value: Value, chance: random.Random) -> Value:
    """Return another value."""
    return next(other for _ in range(1000) if (other := _value(chance)) != value)


def _change(entry: LedgerAssignment, chance: random.Random, at: datetime) -> LedgerAssignment:
    again = {student: _value(chance) for student in chance.sample(list(entry.sent), 3)}
    return entry._replace(sent={**entry.sent, **again}, read_through=at)
