"""Store the link between a Schoology section and its SIS section, and the pairs of their categories."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.sis import Ref, SisCategory, SisSection
from gradesync.db.codec import storable
from gradesync.db.tables import metadata
from gradesync.errors import GradeSyncError

LINK = metadata.tables["section_link"]
PAIR = metadata.tables["category_pair"]
LINK_OF = select(LINK).where(LINK.c.section_id == bindparam("section"))
PAIRS_OF = select(PAIR).where(PAIR.c.section_id == bindparam("section"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLink:
    """Link a section to the SIS section that it goes to.

    `code` is the school code it was resolved from; `chosen` means that the district set the link itself, with
    `teacher` where it named one. `students` maps a uid to a SIS student key. `rules_hash` identifies the
    match rules and the policy that all this was made under.
    """

    section_id: str
    title: str = ""
    code: str | None = None
    sis: SisSection | None = None
    teacher: str | None = None
    chosen: bool = False
    students: Mapping[str, str] = field(default_factory=dict)
    sis_categories: tuple[SisCategory, ...] = ()
    categories_read_at: datetime | None = None
    last_full_read: datetime | None = None
    rules_hash: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Pair a Schoology category with a SIS category; `chosen` by the district, or by title."""

    category_id: str
    ref: Ref
    sis_title: str
    chosen: bool = False


class SisSectionTaken(GradeSyncError):
    """Report that another section of the district is linked to that SIS section."""


async def get(db: AsyncSession, section_id: str) -> SectionLink | None:
    row = (await db.execute(LINK_OF, {"section": section_id})).one_or_none()
    return None if row is None else _link(row)


async def find_section(db: AsyncSession, sis_key: str) -> str | None:
    """Return the section of the district that is linked to a SIS section."""
    return await db.scalar(select(LINK.c.section_id).where(LINK.c.sis_key == sis_key))


async def page(db: AsyncSession, *, after: str | None = None, limit: int = 50) -> list[SectionLink]:
    """List the district's links in the order of section ids, after one."""
    query = select(LINK).order_by(LINK.c.section_id).limit(limit)
    if after is not None:
        query = query.where(LINK.c.section_id > after)
    return [_link(row) for row in await db.execute(query)]


async def save(db: AsyncSession, link: SectionLink) -> None:
    """Write a whole link. Raises `SisSectionTaken`, after which the transaction can only be rolled back."""
    values = _values(link)
    statement = insert(LINK).values(section_id=link.section_id, **values)
    try:
        await db.execute(
            statement.on_conflict_do_update(index_elements=["district_id", "section_id"], set_=values)
        )
    except IntegrityError as error:
        raise SisSectionTaken("another section of the district is linked to that SIS section") from error


def _values(link: SectionLink) -> dict[str, Any]:
    sis = link.sis and {
        "value": link.sis.ref.value,
        "term_first": link.sis.term_first.isoformat(),
        "term_last": link.sis.term_last.isoformat(),
    }
    return {
        "title": storable(link.title),
        "code": link.code,
        "sis_key": link.sis.ref.key if link.sis else None,
        "sis": sis,
        "teacher": link.teacher,
        "chosen": link.chosen,
        "students": dict(link.students),
        "sis_categories": [
            [c.ref.key, c.ref.value, storable(c.title), c.active] for c in link.sis_categories
        ],
        "categories_read_at": link.categories_read_at,
        "last_full_read": link.last_full_read,
        "rules_hash": link.rules_hash,
    }


def _link(row: Row[Any]) -> SectionLink:
    sis = row.sis and SisSection(
        Ref(row.sis_key, row.sis["value"]),
        date.fromisoformat(row.sis["term_first"]),
        date.fromisoformat(row.sis["term_last"]),
    )
    return SectionLink(
        section_id=row.section_id,
        title=row.title,
        code=row.code,
        sis=sis,
        teacher=row.teacher,
        chosen=row.chosen,
        students=row.students,
        sis_categories=tuple(
            SisCategory(Ref(key, value), title, active) for key, value, title, active in row.sis_categories
        ),
        categories_read_at=row.categories_read_at,
        last_full_read=row.last_full_read,
        rules_hash=row.rules_hash,
    )


async def get_titles(db: AsyncSession, section_id: str) -> dict[str, str]:
    """Return the known titles of SIS categories in a section, by key."""
    link, paired = await get(db, section_id), await get_pairs(db, section_id)
    listed = link.sis_categories if link else ()
    return {
        **{pair.ref.key: pair.sis_title for pair in paired.values()},
        **{category.ref.key: category.title for category in listed},
    }


async def get_pairs(db: AsyncSession, section_id: str) -> dict[str, Pair]:
    """Read the pairs of a section: Schoology category id -> its pair."""
    rows = await db.execute(PAIRS_OF, {"section": section_id})
    return {
        row.category_id: Pair(row.category_id, Ref(row.ref_key, row.ref_value), row.sis_title, row.chosen)
        for row in rows
    }


async def save_pairs(db: AsyncSession, section_id: str, new: Iterable[Pair]) -> None:
    """Write these pairs and keep others. A guess does not replace what the district chose."""
    rows = [
        {
            "section_id": section_id,
            "category_id": pair.category_id,
            "ref_key": pair.ref.key,
            "ref_value": dict(pair.ref.value),
            "sis_title": storable(pair.sis_title),
            "chosen": pair.chosen,
        }
        for pair in new
    ]
    if rows:
        statement = insert(PAIR)
        new_row = statement.excluded
        await db.execute(
            statement.on_conflict_do_update(
                index_elements=["district_id", "section_id", "category_id"],
                set_={name: new_row[name] for name in ("ref_key", "ref_value", "sis_title", "chosen")},
                where=new_row.chosen | ~PAIR.c.chosen,
            ),
            rows,
        )


async def remove_pairs_titled(db: AsyncSession, sis_titles: Collection[str]) -> None:
    """Delete pairs by title, in all sections, that lead to SIS categories of these plain titles."""
    titled = func.lower(func.trim(PAIR.c.sis_title)).in_(sis_titles)
    await db.execute(delete(PAIR).where(~PAIR.c.chosen, titled))


async def remove_pairs(db: AsyncSession, section_id: str, category_ids: Sequence[str]) -> None:
    await db.execute(
        delete(PAIR).where(PAIR.c.section_id == section_id, PAIR.c.category_id.in_(category_ids))
    )
