"""Store the link between a Schoology section and its SIS section, and the pairs of their categories."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, null, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.fit import normalize_title
from gradesync.core.overview import SectionProfile
from gradesync.core.sis import Ref, SisCategory, SisSection
from gradesync.db.codec import dump, storable
from gradesync.db.driver import Session, Statement, refuse_taken
from gradesync.db.tables import metadata
from gradesync.errors import GradeSyncError

LINK = metadata.tables["section_link"]
PAIR = metadata.tables["category_pair"]
LINK_OF = Statement(select(LINK).where(LINK.c.section_id == bindparam("section")))
HOLDER = func.jsonb_each_text(LINK.c.departed.op("||")(LINK.c.students)).table_valued("key", "value")
SAVED = (
    *("title", "school", "code", "sis_key", "sis", "teacher", "chosen", "students", "departed", "reassigned"),
    *("sis_categories", "categories_read_at", "last_full_read", "rules_hash"),
)
NEW_LINK = insert(LINK).values(
    section_id=bindparam("section"),
    **{name: bindparam(f"new_{name}", type_=LINK.c[name].type) for name in SAVED},
)
SAVE_LINK = Statement(
    NEW_LINK.on_conflict_do_update(
        index_elements=["district_id", "section_id"], set_={name: NEW_LINK.excluded[name] for name in SAVED}
    )
)
NAME_MAX = 200  # characters of a name that Schoology shows
PAIRS_OF = Statement(select(PAIR).where(PAIR.c.section_id == bindparam("section")))
LINKED_TO = Statement("SELECT section_id FROM section_link WHERE sis_key = ANY(:keys) AND section_id <> :but")
SAVE_PAIRS = Statement("""
    INSERT INTO category_pair AS old (section_id, category_id, ref_key, ref_value, sis_title, chosen)
    SELECT CAST(:section AS text), category_id, ref_key, CAST(ref_value AS jsonb), sis_title, chosen
    FROM unnest(CAST(:category_id AS text[]), CAST(:ref_key AS text[]), CAST(:ref_value AS text[]),
                CAST(:sis_title AS text[]), CAST(:chosen AS boolean[]))
        AS new (category_id, ref_key, ref_value, sis_title, chosen)
    ON CONFLICT (district_id, section_id, category_id) DO UPDATE SET (ref_key, ref_value, sis_title, chosen)
        = (excluded.ref_key, excluded.ref_value, excluded.sis_title, excluded.chosen)
    WHERE excluded.chosen OR NOT old.chosen
""")
REMOVE_PAIRS = Statement(
    "DELETE FROM category_pair WHERE section_id = :section AND category_id = ANY(CAST(:categories AS text[]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLink:
    """Link a section to the SIS section that it goes to.

    `code` is the school code it was resolved from; `chosen`: the district set the link itself, with `teacher`
    where it named one. `students` maps uids of matched students to SIS student keys, `departed` those of who
    was matched before; `reassigned` maps SIS keys to the last time that they became another student's, and
    `former` those that a student had before to the uid. `rules_hash` identifies the match rules and policy
    of all this, `sis_id` what the school code was matched to, `school` its school in Schoology.
    `section_read_at` and `term_read_at` are the times of the last reads of the SIS.
    """

    section_id: str
    title: str = ""
    school: str | None = None
    code: str | None = None
    sis: SisSection | None = None
    sis_id: str | None = None
    section_read_at: datetime | None = None
    term_read_at: datetime | None = None
    teacher: str | None = None
    chosen: bool = False
    students: Mapping[str, str] = field(default_factory=dict)
    departed: Mapping[str, str] = field(default_factory=dict)
    reassigned: Mapping[str, datetime] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)
    sis_categories: tuple[SisCategory, ...] = ()
    categories_read_at: datetime | None = None
    last_full_read: datetime | None = None
    rules_hash: str = ""

    @property
    def remembered(self) -> Mapping[str, str]:
        """Return the last known SIS key of every student who was ever matched, by uid."""
        return {**self.departed, **self.students}


@dataclass(frozen=True, slots=True)
class Pair:
    """Pair a Schoology category with a SIS category; `chosen` by the district, or by title."""

    category_id: str
    ref: Ref
    sis_title: str
    chosen: bool = False


class SisSectionTaken(GradeSyncError):
    """Report that another section of the district is linked to that SIS section."""


async def get(db: Session, section_id: str) -> SectionLink | None:
    row = await LINK_OF.fetch_one(db, {"section": section_id})
    return None if row is None else open_link(row)


async def find_other(db: Session, sis_keys: Sequence[str], section_id: str) -> str | None:
    """Return the other section that is linked to a SIS section, by the texts that its key may have."""
    rows = await LINKED_TO.fetch(db, {"keys": list(sis_keys), "but": section_id})
    return rows[0].section_id if rows else None


@dataclass(frozen=True, slots=True)
class StudentLink:
    """Name a student in one section: the uid, and the SIS record that the scores went to."""

    section_id: str
    title: str
    student_id: str
    sis_student: str


async def find_student(db: AsyncSession, id_: str, *, by_sis: bool) -> list[StudentLink]:
    """List the sections in which a student was ever matched, by the uid or by the SIS key."""
    query = (
        select(LINK.c.section_id, LINK.c.title, HOLDER.c.key, HOLDER.c.value)
        .join_from(LINK, HOLDER, true())
        .where((HOLDER.c.value if by_sis else HOLDER.c.key) == id_)
    )
    rows = await db.execute(query.order_by(func.length(LINK.c.section_id), LINK.c.section_id))
    return [StudentLink(*row) for row in rows]


async def page(db: AsyncSession, *, after: str | None = None, limit: int = 50) -> list[SectionLink]:
    """List the district's links in the order of section ids, after one."""
    query = select(LINK).order_by(LINK.c.section_id).limit(limit)
    if after is not None:
        query = query.where(LINK.c.section_id > after)
    return [open_link(row) for row in await db.execute(query)]


async def get_all(db: AsyncSession, section_ids: Collection[str]) -> dict[str, SectionLink]:
    """Return the links of some sections by id; those without one are left out."""
    rows = await db.execute(select(LINK).where(LINK.c.section_id.in_(section_ids)))
    return {row.section_id: open_link(row) for row in rows}


async def save(db: Session, link: SectionLink) -> None:
    """Write a whole link. Raises `SisSectionTaken`, after which the transaction can only be rolled back."""
    new = _values(link)
    with refuse_taken(SisSectionTaken("another section of the district is linked to that SIS section")):
        await SAVE_LINK.run(db, {"section": link.section_id, **{f"new_{name}": new[name] for name in SAVED}})


def _values(link: SectionLink) -> dict[str, Any]:
    return {
        "title": storable(link.title),
        "school": link.school,
        "code": link.code,
        "sis_key": link.sis.ref.key if link.sis else None,
        "sis": link.sis and _dump_section(link, link.sis),
        "teacher": link.teacher,
        "chosen": link.chosen,
        "students": dict(link.students),
        "departed": dict(link.departed),
        "reassigned": {key: at.isoformat() for key, at in link.reassigned.items()},
        "sis_categories": [
            [c.ref.key, c.ref.value, storable(c.title), c.active, *([True] if c.takes_all else [])]
            for c in link.sis_categories
        ],
        "categories_read_at": link.categories_read_at,
        "last_full_read": link.last_full_read,
        "rules_hash": link.rules_hash,
    }


def _dump_section(link: SectionLink, section: SisSection) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": link.sis_id,
        "teacher_until": section.teacher_until and section.teacher_until.isoformat(),
        "read_at": link.section_read_at and link.section_read_at.isoformat(),
        "term_read_at": link.term_read_at and link.term_read_at.isoformat(),
        "former": dict(link.former) or None,
    }
    return {
        "value": section.ref.value,
        "term_first": section.term_first.isoformat(),
        "term_last": section.term_last.isoformat(),
        **{name: value for name, value in known.items() if value is not None},
    }


def _load_section(key: str, stored: Mapping[str, Any]) -> SisSection:
    until = stored.get("teacher_until")
    return SisSection(
        Ref(key, stored["value"]),
        date.fromisoformat(stored["term_first"]),
        date.fromisoformat(stored["term_last"]),
        until and date.fromisoformat(until),
    )


def _load_time(stored: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(stored[name]) if name in stored else None


def open_link(row: Any) -> SectionLink:
    stored = row.sis or {}
    return SectionLink(
        section_id=row.section_id,
        title=row.title,
        school=row.school,
        code=row.code,
        sis=_load_section(row.sis_key, stored) if stored else None,
        sis_id=stored.get("id", row.sis_key),
        section_read_at=_load_time(stored, "read_at"),
        term_read_at=_load_time(stored, "term_read_at"),
        teacher=row.teacher,
        chosen=row.chosen,
        students=row.students,
        departed=row.departed,
        reassigned={key: datetime.fromisoformat(at) for key, at in row.reassigned.items()},
        former=stored.get("former", {}),
        sis_categories=tuple(
            SisCategory(Ref(key, value), title, active, *taker)
            for key, value, title, active, *taker in row.sis_categories
        ),
        categories_read_at=row.categories_read_at,
        last_full_read=row.last_full_read,
        rules_hash=row.rules_hash,
    )


def dump_profile(profile: SectionProfile | None) -> dict[str, Any]:
    """Return what `section_state` keeps of a section; null for what is not known."""
    if profile is None:
        return dict.fromkeys(SectionProfile._fields)
    return profile._asdict() | {
        "title": storable(profile.title) or None,
        "code": profile.code and storable(profile.code),
        "teachers": {uid: storable(name)[:NAME_MAX] for uid, name in profile.teachers.items()} or None,
        "categories": [[storable(use.title), *use[1:]] for use in profile.categories] or None,
    }


async def release(db: AsyncSession, section_id: str) -> None:
    """Unlink a section from its SIS section: its next sync resolves it anew."""
    nowhere = {"sis": null(), "sis_key": None, "code": None}
    await db.execute(update(LINK).where(LINK.c.section_id == section_id).values(nowhere))


async def get_titles(db: AsyncSession, section_id: str) -> dict[str, str]:
    """Return the known titles of SIS categories in a section, by key."""
    link, paired = await get(db, section_id), await get_pairs(db, section_id)
    return {
        **{pair.ref.key: pair.sis_title for pair in paired.values()},
        **{category.ref.key: category.title for category in (link.sis_categories if link else ())},
    }


async def get_pairs(db: Session, section_id: str) -> dict[str, Pair]:
    """Read the pairs of a section: Schoology category id -> its pair."""
    rows = await PAIRS_OF.fetch(db, {"section": section_id})
    return {
        row.category_id: Pair(row.category_id, Ref(row.ref_key, row.ref_value), row.sis_title, row.chosen)
        for row in rows
    }


async def save_pairs(db: Session, section_id: str, new: Sequence[Pair]) -> None:
    """Write these pairs and keep others. A guess does not replace what the district chose."""
    if new:
        columns = {
            "category_id": [pair.category_id for pair in new],
            "ref_key": [pair.ref.key for pair in new],
            "ref_value": [dump(dict(pair.ref.value)) for pair in new],
            "sis_title": [storable(pair.sis_title) for pair in new],
            "chosen": [pair.chosen for pair in new],
        }
        await SAVE_PAIRS.run(db, {"section": section_id, **columns})


async def remove_pairs_titled(db: AsyncSession, sis_titles: Collection[str]) -> None:
    """Delete pairs by title, in all sections, that lead to SIS categories of these normalized titles."""
    # PostgreSQL folds case by its collation and knows no NFC of ours: the few titles are compared here.
    stored = await db.scalars(select(PAIR.c.sis_title).where(~PAIR.c.chosen).distinct())
    titles = [title for title in stored if normalize_title(title) in sis_titles]
    await db.execute(delete(PAIR).where(~PAIR.c.chosen, PAIR.c.sis_title.in_(titles)))


async def remove_pairs(db: Session, section_id: str, category_ids: Sequence[str]) -> None:
    if category_ids:
        await REMOVE_PAIRS.run(db, {"section": section_id, "categories": list(category_ids)})
