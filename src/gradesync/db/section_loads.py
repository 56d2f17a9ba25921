"""Read from the stored syncs what the sections of a district write, and how long a call takes."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.rehearsal import SectionLoad, Writing

FIRST_READS = 4  # calls: a multiget, categories and grading periods, and a list of the SIS

# A `usual` sync was carried out whole, though some rows may have failed: nothing stopped it, and it was no
# dry run, no undo, and of no selection. `number` counts those of a section: the first writes everything.
USUAL = """error_code IS NULL AND NOT dry_run AND coalesce(jsonb_typeof(selection), 'null') = 'null'
    AND coalesce(jsonb_typeof(undo), 'null') = 'null'"""
SETTLED = f"""
    SELECT section_id, started_at, finished_at, attempt, usual,
           coalesce((assignments ->> 'created')::int, 0) + coalesce((assignments ->> 'recreated')::int, 0)
               + coalesce((assignments ->> 'updated')::int, 0) AS assignments,
           coalesce((scores ->> 'written')::int, 0) + coalesce((scores ->> 'cleared')::int, 0) AS scores,
           row_number() OVER (PARTITION BY section_id, usual ORDER BY id) AS number,
           count(*) OVER (PARTITION BY section_id, usual) AS syncs
    FROM sync CROSS JOIN LATERAL (SELECT {USUAL} AS usual) kind WHERE status <> 'processing'
"""  # noqa: S608 - our own text
LOADS = text(f"""
    SELECT section_id, avg(assignments)::float AS assignments, avg(scores)::float AS scores
    FROM ({SETTLED}) settled WHERE usual AND (number > 1 OR syncs = 1) GROUP BY section_id ORDER BY section_id
""")  # noqa: S608 - our own text
WITHOUT_LOAD = text(f"""
    SELECT count(*) FROM (
        SELECT section_id FROM section_link UNION SELECT section_id FROM section_state
        UNION SELECT section_id FROM sync
        EXCEPT SELECT section_id FROM sync WHERE status <> 'processing' AND {USUAL}
    ) known
""")  # noqa: S608 - our own text
# Of later syncs that ran alone: none of them waited for a call of another. Reads are one round of calls, and
# writes are one more for as many as the SIS takes at once. What the worker's processor took of each call is
# no part of its answer's time. A write that failed is in no count, here as in the loads.
LATENCY = text(f"""
    SELECT percentile_cont(0.5) WITHIN GROUP (
               ORDER BY greatest(seconds - (:reads + assignments + score_calls) * :processor, 0.001)
                   / (1 + ceil(assignments / :at_once) + ceil(score_calls / :at_once))
           ) AS latency, count(*) AS syncs
    FROM (
        SELECT extract(epoch FROM finished_at - started_at)::float AS seconds, attempt, number, usual,
               assignments::float, ceil(scores::float / :scores_per_call) AS score_calls,
               max(finished_at) OVER (ORDER BY started_at
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
               lead(started_at) OVER (ORDER BY started_at) AS next, started_at, finished_at
        FROM ({SETTLED}) settled WHERE started_at IS NOT NULL
    ) timed
    WHERE usual AND number > 1 AND attempt = 1
        AND coalesce(before < started_at, true) AND coalesce(next > finished_at, true)
""")  # noqa: S608 - our own text


class Latency(NamedTuple):
    """Hold the seconds until a call is answered, as `syncs` took them; None without any."""

    seconds: float | None
    syncs: int


async def list_loads(db: AsyncSession) -> list[SectionLoad]:
    """List what a sync of each section writes: the mean of those in the log, without the first."""
    return [SectionLoad(*row) for row in await db.execute(LOADS)]


async def count_without_load(db: AsyncSession) -> int:
    """Count the known sections of which the log has no sync that was carried out."""
    return int((await db.execute(WITHOUT_LOAD)).scalar_one())


async def measure_latency(db: AsyncSession, writing: Writing, *, processor: float = 0) -> Latency:
    """Measure a call by the syncs of the log that ran alone in the district, whose SIS takes `writing`.

    `processor`: the seconds of it that are the worker's own work.
    """
    values = {
        "scores_per_call": writing.scores_per_call,
        "at_once": writing.at_once,
        "processor": processor,
        "reads": FIRST_READS,
    }
    return Latency(*(await db.execute(LATENCY, values)).one())
