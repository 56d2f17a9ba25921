"""Read the findings of pre-flight reports, with what is known of their sections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, Text, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.preflight import Obstacle
from gradesync.db.codec import parse
from gradesync.db.preflights import FINDING
from gradesync.db.section_search import KNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one numbered finding of a report; `section_code` is the section's school code.

    `title`, `school` and `teachers` (names by uid) are the section's, as far as a sync has read it.
    """

    number: int
    section_id: str
    section_code: str
    obstacle: Obstacle
    title: str = ""
    school: str | None = None
    teachers: Mapping[str, str] = field(default_factory=dict)


async def page_findings(
    db: AsyncSession,
    preflight_id: str,
    *,
    section_id: str | None = None,
    school: str | None = None,
    teacher: str | None = None,
    result: str | None = None,
    reason: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Finding]:
    """List the findings of a report in their order, after a number. `teacher` is a uid."""
    query = _of_report(preflight_id, teacher).where(FINDING.c.number > after)
    for column, wanted in (
        (FINDING.c.section_id, section_id),
        (KNOWN.c.school, school),
        (FINDING.c.result, result),
        (FINDING.c.reason, reason),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return [_finding(row) for row in await db.execute(query.order_by(FINDING.c.number).limit(limit))]


async def page_sections(
    db: AsyncSession,
    preflight_id: str,
    *,
    school: str | None,
    teacher: str | None,
    after: tuple[str, ...] | None,
    limit: int,
) -> list[list[Finding]]:
    """List the findings of sections by school, section by section, after a (school, section id)."""
    key = tuple_(func.coalesce(KNOWN.c.school, ""), FINDING.c.section_id)
    query = _of_report(preflight_id, teacher)
    if school is not None:
        query = query.where(KNOWN.c.school == school)
    if after is not None:
        query = query.where(key > after)
    chosen = query.with_only_columns(FINDING.c.section_id, key.clauses[0].label("at")).distinct().subquery()
    ids = select(chosen.c.section_id).order_by(chosen.c["at"], chosen.c.section_id).limit(limit)
    rows = await db.execute(
        query.where(FINDING.c.section_id.in_(ids)).order_by(*key.clauses, FINDING.c.number)
    )
    return [list(several) for _, several in groupby(map(_finding, rows), lambda found: found.section_id)]


def _of_report(preflight_id: str, teacher: str | None) -> Select[Any]:
    """Select the findings of a report with what is known of their sections; of a teacher's, by uid."""
    query = (
        select(FINDING, KNOWN.c.title.label("section_title"), KNOWN.c.school, KNOWN.c.teachers)
        .outerjoin(KNOWN, KNOWN.c.section_id == FINDING.c.section_id)
        .where(FINDING.c.preflight_id == parse(preflight_id))
    )
    return query if teacher is None else query.where(KNOWN.c.teachers.has_key(literal(teacher, Text)))


def _finding(row: Row[Any]) -> Finding:
    return Finding(
        row.number,
        row.section_id,
        row.section_code,
        Obstacle(row.result, row.reason, row.assignment_id, row.title, row.student_id, row.category),
        title=row.section_title or "",
        school=row.school,
        teachers=row.teachers or {},
    )
