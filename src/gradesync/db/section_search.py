"""Find sections by what people know of them: title, code, teacher, school, term, state, reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, Text, cast, func, literal, null, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.overview import NEVER
from gradesync.db.section_states import STATE
from gradesync.db.tables import metadata

LINK = metadata.tables["section_link"]
EMPTY = literal({}, JSONB)
SYNCED = select(
    *(STATE.c[name] for name in ("section_id", "title", "code", "school", "teachers")),
    *(STATE.c[name] for name in ("term_first", "term_last", "sync_id", "result", "reasons", "settled_at")),
)
LINKED = select(
    *(LINK.c[name] for name in ("section_id", "title", "code", "school")),
    EMPTY.label("teachers"),
    cast(LINK.c.sis["term_first"].astext, Date).label("term_first"),
    cast(LINK.c.sis["term_last"].astext, Date).label("term_last"),
    cast(null(), UUID_TYPE).label("sync_id"),
    literal(NEVER).label("result"),
    EMPTY.label("reasons"),
    cast(null(), STATE.c.settled_at.type).label("settled_at"),
).where(~select(STATE.c.section_id).where(STATE.c.section_id == LINK.c.section_id).exists())
KNOWN = SYNCED.union_all(LINKED).subquery("known")


@dataclass(frozen=True, slots=True)
class SectionState:
    """Describe a section, and what its last sync came to: `never-synced`, without a sync, before the first.

    `teachers` are names by uid; `reasons` count what needs attention by code.
    """

    section_id: str
    title: str
    code: str | None
    school: str | None
    teachers: Mapping[str, str]
    term_first: date | None
    term_last: date | None
    sync_id: UUID | None
    result: str
    reasons: Mapping[str, int]
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SectionFilter:
    """Filter sections. `title` and `teacher` are parts of names in any letter case, `code` is a beginning."""

    title: str | None = None
    code: str | None = None
    teacher: str | None = None
    school: str | None = None
    term: tuple[date, date] | None = None
    state: str | None = None
    reason: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what a section must meet."""
        if self.title is not None:
            yield KNOWN.c.title.icontains(self.title, autoescape=True)
        if self.code is not None:
            yield KNOWN.c.code.istartswith(self.code, autoescape=True)
        if self.teacher is not None:
            yield _is_taught_by(self.teacher)
        if self.school is not None:
            yield KNOWN.c.school == self.school
        if self.term is not None:
            first, last = self.term
            yield KNOWN.c.term_first == first
            yield KNOWN.c.term_last == last
        if self.state is not None:
            yield KNOWN.c.result == self.state
        if self.reason is not None:
            yield KNOWN.c.reasons.has_key(literal(self.reason, Text))


def _is_taught_by(teacher: str) -> ColumnElement[bool]:
    """Match a part of a teacher's name, or the whole uid."""
    each = func.jsonb_each_text(KNOWN.c.teachers).table_valued("key", "value")
    return (
        select(literal(1))
        .select_from(each)
        .where(or_(each.c.key == teacher, each.c.value.icontains(teacher, autoescape=True)))
        .exists()
    )


async def search(
    db: AsyncSession, wanted: SectionFilter, *, after: str | None = None, limit: int = 50
) -> list[SectionState]:
    """List the sections that meet every filter in the order of their ids, after one."""
    query = select(KNOWN).where(*wanted.conditions()).order_by(KNOWN.c.section_id).limit(limit)
    if after is not None:
        query = query.where(KNOWN.c.section_id > after)
    return [_state(row) for row in await db.execute(query)]


async def get(db: AsyncSession, section_id: str) -> SectionState | None:
    """Return what is known of a section; None where no sync and no link knows it."""
    row = (await db.execute(select(KNOWN).where(KNOWN.c.section_id == section_id))).one_or_none()
    return None if row is None else _state(row)


def _state(row: Row[Any]) -> SectionState:
    return SectionState(**row._mapping)
