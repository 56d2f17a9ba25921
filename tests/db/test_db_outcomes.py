"""Check outcomes: one for each assignment and score, in the order of a gradebook."""

import re
from decimal import Decimal

from msgspec import structs
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.gradebook import Mark
from gradesync.core.plan import Edit
from gradesync.core.reasons import Result
from gradesync.db import districts, outcomes, retention
from gradesync.db.codec import LOG_KEPT
from gradesync.db.outcomes import Outcome, summarize
from gradesync.db.session import Database
from gradesync.observability.rotation import Rotation
from harness.servers import Urls
from harness.store import RIVERSIDE, enqueue

OLD_ID = "01900000-0000-7000-8000-000000000000"  # of the middle of 2024


ESSAY = Outcome(
    assignment_id="100",
    title="Essay “one”",
    result=Result.CREATED,
    warnings=("due-date-filled", "factor-not-sent"),
)
ROWS = [
    Outcome(assignment_id="100", student_id="21", result=Result.WRITTEN, after=Decimal("9.50")),
    Outcome(
        assignment_id="100",
        student_id="3",
        result=Result.WRITTEN,
        before=Decimal(7),
        after=Mark(3, Decimal(0)),
        warnings=("exception-not-sent",),
    ),
    ESSAY,
    Outcome(
        assignment_id="20",
        result=Result.UPDATED,
        edits=(Edit("name", "Essay 2", "Essay “two”"), Edit("points", "20", "22.5")),
    ),
    Outcome(assignment_id="20", student_id="3", result=Result.FAILED, reason="score-not-accepted"),
    Outcome(assignment_id="3", result=Result.FAILED, reason="term-locked", detail="answered 409"),
    Outcome(assignment_id="3", student_id="3", result=Result.FAILED, reason="assignment-failed"),
    Outcome(assignment_id="3", student_id="enrollment:7", result=Result.SKIPPED, reason="row-unreadable"),
]
IN_ORDER = [("3", ""), ("3", "3"), ("3", "enrollment:7"), ("20", ""), ("20", "3")]
IN_ORDER += [("100", ""), ("100", "3"), ("100", "21")]


async def recorded(database: Database) -> str:
    sync = await enqueue(database, "1")
    async with database.district("riverside") as db:
        await outcomes.record(db, sync.id, ROWS)
    return sync.id


async def test_pages_are_in_numeric_order_of_assignments(database: Database) -> None:
    sync_id = await recorded(database)
    async with database.district("riverside") as db:
        whole = await outcomes.page(db, sync_id)
        assert [row.key for row in whole] == IN_ORDER
        paged: list[Outcome] = []
        while page := await outcomes.page(db, sync_id, after=paged[-1].key if paged else None, limit=2):
            paged += page
        assert paged == whole
        assert {row.key: row for row in whole} == {row.key: row for row in ROWS}


async def test_pages_are_read_through_the_key(database: Database, servers: Urls) -> None:
    sync_id = await recorded(database)
    async with servers.owner() as owner:
        await owner.execute(
            text("""
            INSERT INTO outcome
                (district_id, sync_id, assignment_length, assignment_id, student_length, student_id, result)
            SELECT 'riverside', uuidv7(), length(n::text), n::text, 0, '', 'written'
            FROM generate_series(1, 5000) n
        """)
        )
        await owner.execute(text("ANALYZE outcome"))
    async with database.district("riverside") as db:
        plan = await db.scalars(
            text("""
                EXPLAIN (COSTS OFF) SELECT * FROM outcome WHERE sync_id = :sync_id
                AND (assignment_length, assignment_id, student_length, student_id) > (2, '20', 0, '')
                ORDER BY assignment_length, assignment_id, student_length, student_id LIMIT 100
            """),
            {"sync_id": sync_id},
        )
        steps = "\n".join(plan)
    assert re.findall(r"on (\w+)", steps) == re.findall(r"on (outcome_2\w+)", steps)
    assert len(re.findall(r"Index Scan using outcome_2\w+_pkey", steps)) == 1
    assert "Sort" not in steps


async def test_pages_can_be_narrowed(database: Database) -> None:
    sync_id = await recorded(database)
    async with database.district("riverside") as db:
        failed = await outcomes.page(db, sync_id, result="failed")
        locked = await outcomes.page(db, sync_id, result="failed", reason="term-locked")
    assert [row.key for row in failed] == [("3", ""), ("3", "3"), ("20", "3")]
    assert [row.key for row in locked] == [("3", "")]


async def test_later_outcome_replaces_the_earlier(database: Database) -> None:
    sync_id = await recorded(database)
    again = structs.replace(ESSAY, result=Result.FAILED, reason="duplicate-name", warnings=())
    async with database.district("riverside") as db:
        await outcomes.record(db, sync_id, [ESSAY, again])
        failed = (Result.FAILED, (), ("duplicate-name",))
        assert ("100", "", failed) in [row async for row in outcomes.read_recorded(db, sync_id)]
        assert len(await outcomes.page(db, sync_id)) == len(ROWS)
        await outcomes.record(db, sync_id, [])


SUMMARIES = [
    summarize("assignment", Result.UNCHANGED, 7),
    summarize("score", Result.FAILED, 40, reason="not-attempted"),
    summarize("score", Result.UNCHANGED, 25, "20", title="Essay"),
]


async def read_counted(db: AsyncSession, sync_id: str) -> object:
    recorded = [row async for row in outcomes.read_recorded(db, sync_id)]
    return sorted(recorded), await outcomes.count_recorded(db, sync_id)


async def test_summaries_are_listed_and_are_no_students(database: Database) -> None:
    sync_id = await recorded(database)
    async with database.district("riverside") as db:
        before = await read_counted(db, sync_id)
        await outcomes.record(db, sync_id, SUMMARIES)
        listed = [row for row in await outcomes.page(db, sync_id) if row.count is not None]
        assert await read_counted(db, sync_id) == before
        assert await outcomes.get_failed(db, sync_id) == {"3": None, "20": frozenset({"3"})}
    assert {row.key: row for row in listed} == {row.key: row for row in SUMMARIES}
    assert [(row.kind, row.count) for row in listed] == [("score", 40), ("assignment", 7), ("score", 25)]


async def test_retry_selects_what_failed(database: Database) -> None:
    sync_id = await recorded(database)
    async with database.district("riverside") as db:
        assert await outcomes.get_failed(db, sync_id) == {"3": None, "20": frozenset({"3"})}


async def test_R24_outcomes_beyond_the_log_are_deleted(database: Database) -> None:
    sync_id = await recorded(database)
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
        await outcomes.record(db, OLD_ID, ROWS)
    await retention.purge_all(database, Rotation("purge"))
    async with database.district("riverside") as db:
        assert await outcomes.page(db, OLD_ID) == []
        assert len(await outcomes.page(db, sync_id)) == len(ROWS)
    assert LOG_KEPT.days == 30
