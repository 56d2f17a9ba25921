"""Read a district at a glance, in one query: what its sections came to, why, and what waits."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.catalog import SyncResult
from gradesync.core.overview import Change, Counts, trace_back

DAYS = 30
NEVER = "never-synced"
STATES = (*SyncResult, NEVER)
# A district has some dozens of schools and terms, and some reasons: a list that is longer helps nobody.
ROWS_MAX = 200
TODAY = """CAST(statement_timestamp() AT TIME ZONE
    coalesce((SELECT config ->> 'timezone' FROM district), 'UTC') AS date)"""
OVERVIEW = text(f"""
    WITH groups AS (
        SELECT result AS state, school, term_first, term_last, count(*) AS sections
        FROM section_state GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT '{NEVER}', school, CAST(sis ->> 'term_first' AS date), CAST(sis ->> 'term_last' AS date),
               count(*)
        FROM section_link link
        WHERE NOT EXISTS (SELECT FROM section_state state WHERE state.section_id = link.section_id)
        GROUP BY 1, 2, 3, 4
    ), reasons AS (
        SELECT reason.key AS code, count(*) AS sections, sum(reason.value::int) AS items
        FROM section_state, jsonb_each_text(section_state.reasons) reason
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {ROWS_MAX}
    ), changes AS (
        SELECT day, before, after, count(*) AS sections FROM section_change GROUP BY 1, 2, 3
    ), waiting AS (
        SELECT lease_token IS NOT NULL AS runs, paused_at IS NOT NULL AS held, not_before, requested_at,
               settles_by, not_before > statement_timestamp() AS early
        FROM sync WHERE status = 'processing'
    ), queue AS (
        SELECT count(*) FILTER (WHERE runs AND NOT held) AS running,
            count(*) FILTER (WHERE NOT runs AND NOT held AND NOT early) AS ready,
            count(*) FILTER (WHERE NOT runs AND NOT held AND early) AS later,
            count(*) FILTER (WHERE held) AS paused,
            min(requested_at) FILTER (WHERE NOT runs AND NOT held) AS oldest,
            min(not_before) FILTER (WHERE NOT runs AND NOT held AND early) AS next_at,
            max(settles_by) FILTER (WHERE NOT held) AS settled_by
        FROM waiting
    )
    SELECT queue.*, statement_timestamp() AS as_of, {TODAY} AS today,
        (SELECT json_agg(json_build_array(state, school, term_first, term_last, sections)) FROM groups)
            AS groups,
        (SELECT json_agg(json_build_array(code, sections, items)) FROM reasons) AS reasons,
        (SELECT json_agg(json_build_array(day, before, after, sections)) FROM changes) AS changes
    FROM queue
""")  # noqa: S608 - our own text


Key: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Count the sections of a school, or of a term, by what their last syncs came to."""

    key: Key
    counts: Counts


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Count the sections for which a reason needs attention, and the assignments and scores in them."""

    code: str
    sections: int
    items: int


@dataclass(frozen=True, slots=True)
class Queue:
    """Count the syncs of the district that have not settled.

    `ready` ones start as soon as a worker may, `later` ones from `next_at` on. `settled_by` is when the last
    that is not paused settles, at the latest.
    """

    running: int
    ready: int
    later: int
    paused: int
    oldest: datetime | None
    next_at: datetime | None
    settled_by: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Describe a district at a glance; `days` are the last 30, the oldest first."""

    as_of: datetime
    sections: Counts
    schools: Sequence[Group]
    terms: Sequence[Group]
    days: Sequence[tuple[date, Counts]]
    reasons: Sequence[ReasonCount]
    queue: Queue


async def read(db: AsyncSession) -> Overview:
    """Read the overview of the district of the transaction."""
    row = (await db.execute(OVERVIEW)).one()
    groups = [_Sections(*group) for group in row.groups or []]
    changes = [
        Change(date.fromisoformat(day), before, after, number)
        for day, before, after, number in row.changes or []
    ]
    sections = _count(groups)
    synced = {state: number for state, number in sections.items() if state != NEVER}
    return Overview(
        as_of=row.as_of,
        sections=sections,
        schools=_group(groups, lambda one: (one.school,)),
        terms=_group(groups, lambda one: (one.term_first, one.term_last)),
        days=list(trace_back(row.today, synced, changes, DAYS)),
        reasons=[ReasonCount(*reason) for reason in row.reasons or []],
        queue=Queue(*(getattr(row, field.name) for field in fields(Queue))),
    )


class _Sections(NamedTuple):
    """Count sections of one state, school and term."""

    state: str
    school: str | None
    term_first: str | None
    term_last: str | None
    sections: int


def _count(groups: Iterable[_Sections]) -> dict[str, int]:
    counts = dict.fromkeys(STATES, 0)
    for group in groups:
        counts[group.state] += group.sections
    return counts


def _group(groups: Iterable[_Sections], key: Callable[[_Sections], Key]) -> list[Group]:
    """Return the counts by key, those with most sections first."""
    by_key: dict[Key, list[_Sections]] = {}
    for group in groups:
        by_key.setdefault(key(group), []).append(group)
    counted = [Group(key, _count(several)) for key, several in by_key.items()]
    counted.sort(key=lambda group: (-sum(group.counts.values()), [part or "" for part in group.key]))
    return counted[:ROWS_MAX]
