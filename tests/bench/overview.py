"""Measure the overview of a large district: one query, over sections that were synced for a month."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.environment import owner
from bench.measure import Measure
from gradesync.db import districts, overview
from gradesync.runtime import open_runtime
from gradesync.settings import Settings
from harness.store import RIVERSIDE

SECTIONS, DAYS, SCHOOLS = 10_000, 30, 40
TARGET_MS = 200.0
RESULT = "(ARRAY['all-sent', 'all-sent', 'needs-attention', 'failed'])[1 + (n * 7 + day * (n % 5)) % 4]"
# A sync of every section a day; a fifth of the sections come to something else than the day before.
FILL: Sequence[str] = (
    """
    INSERT INTO section_link (district_id, section_id, title, code, school, chosen, rules_hash, students)
    SELECT :district, (7900000000 + n)::text, 'Algebra ' || n, n::text, (n % :schools)::text, false, '',
           (SELECT jsonb_object_agg((n * 100 + s)::text, (n * 100 + s)::text) FROM generate_series(1, 30) s)
    FROM generate_series(1, :sections * 11 / 10) n
    """,
    f"""
    INSERT INTO section_state (district_id, section_id, sync_id, result, reasons, title, code, school,
                               teachers, term_first, term_last, categories)
    SELECT :district, (7900000000 + n)::text, gen_random_uuid(), {RESULT},
           '{{"category-unmapped": 4, "student-unmatched": 2, "due-date-outside-term": 1}}', 'Algebra ' || n,
           n::text, (n % :schools)::text, '{{"5790000": "Robin Reyes"}}', '2026-08-10', '2027-01-15',
           '[["Homework", 12, "Homework", false], ["Labs", 4, null, false]]'
    FROM generate_series(1, :sections) n, (VALUES (0)) one (day)
    """,  # noqa: S608 - our own text
    f"""
    INSERT INTO section_change (district_id, sync_id, section_id, before, after, day)
    SELECT :district, gen_random_uuid(), (7900000000 + n)::text, 'all-sent', {RESULT},
           current_date - day
    FROM generate_series(1, :sections) n, generate_series(0, :days - 1) day WHERE (n + day) % 5 = 0
    """,  # noqa: S608 - our own text
    """
    INSERT INTO sync (district_id, id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, settles_by, not_before, result)
    SELECT :district, gen_random_uuid(), (7900000000 + n)::text,
           CASE WHEN day = 0 AND n <= 500 THEN 'processing' ELSE 'complete' END, 'settled', 'all', 'changes',
           false, 'teacher', '1', now() + interval '1 hour', now(), 'all-sent'
    FROM generate_series(1, :sections) n, generate_series(0, :days - 1) day
    """,
)


async def fill(connection: AsyncConnection, sizes: dict[str, Any]) -> None:
    """Store a district whose sections were synced every day."""
    for statement in FILL:
        await connection.execute(text(statement), sizes)
    await connection.execute(text("VACUUM ANALYZE"))


async def at_a_glance(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure the time from the query to its rows, of a district and of one beside it."""
    sections, times = (1000, 5) if quick else (SECTIONS, 21)
    async with open_runtime(settings, name="bench") as runtime, owner(settings) as connection:
        for name in ("riverside", "hilltop"):
            sizes = {"district": name, "sections": sections, "days": DAYS, "schools": SCHOOLS}
            await fill(connection, sizes)
            async with runtime.context.database.district(name) as db:
                await districts.apply(db, replace(RIVERSIDE, id=name, lti=None, lti11=None))
        async with runtime.context.database.district("riverside") as db:
            taken = []
            for _ in range(times):
                began = perf_counter()
                found = await overview.read(db)
                taken.append((perf_counter() - began) * 1000)
    assert sum(found.sections.values()) == sections * 11 // 10
    name = f"{sections:,} sections, {DAYS} days of syncs"
    return [
        Measure(f"{name}: the overview, ms", TARGET_MS, median(taken)),
        Measure(f"{name}: the slowest overview of {times}, ms", None, max(taken)),
    ]
