"""Link a section and its categories to the SIS by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.catalog import sis_name
from gradesync.core.district import District
from gradesync.core.fit import restore_pairs
from gradesync.core.gradebook import Category
from gradesync.core.ports import Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisCategory, SisSection
from gradesync.db import audit, ledger_changes, links, syncs
from gradesync.db.districts import open_staying
from gradesync.db.links import Pair, SectionLink, SisSectionTaken
from gradesync.db.session import Database
from gradesync.errors import RequestRefused, SyncStopped


@dataclass(frozen=True, slots=True)
class Author:
    """Identify for the audit log who makes a change."""

    actor: str
    source_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Name the SIS section that a section is linked to: by `key`, or (None) by its school code `code`."""

    code: str | None
    key: str | None = None
    teacher: str | None = None


async def resolve_destination(target: Target, district: District, to: Destination) -> SisSection:
    """Return the SIS section of a destination.

    Raises `SyncStopped`: `section-unmatched`, `sis-section-not-found`, …
    """
    key = _find_key(target, district, to)
    if key is None:
        raise SyncStopped(Reason.SECTION_UNMATCHED if to.code else Reason.SECTION_NOT_FROM_SIS)
    return await target.resolve_section(key, to.teacher)


def _find_key(target: Target, district: District, to: Destination) -> str | None:
    """Return the SIS's id of the section that a destination names, in its one written form."""
    return target.capabilities.normalize_id(to.key or district.match.section_key(to.code))


async def link_section(
    database: Database, *, target: Target, district: District, section_id: str, to: Destination, by: Author
) -> SectionLink:
    """Link a section, and unbind the ledger from another SIS section that it was linked to.

    Raises `RequestRefused`: `sis-section-taken`, `sync-in-progress`; and what the target raises.
    """
    section = await resolve_destination(target, district, to)
    categories = await target.categories(section)
    try:
        async with open_staying(database, district.id) as db:
            await _require_no_sync(db, section_id)
            if await links.find_other(db, target.capabilities.list_texts(section.ref.key), section_id):
                raise SisSectionTaken("another section is linked to it")
            before = await links.get(db, section_id) or SectionLink(section_id=section_id)
            link = replace(
                before,
                code=to.code,
                sis=section,
                sis_id=_find_key(target, district, to),
                section_read_at=None,
                term_read_at=None,
                teacher=to.teacher,
                chosen=to.key is not None,
                sis_categories=categories,
                categories_read_at=None,
            )
            await links.save(db, link)
            if before.sis is not None:
                await _move_pairs_and_refs(db, before.sis, section, link)
            detail = {"section": section_id, "sis_section": section.ref.key, "teacher": to.teacher}
            await audit.append(db, by.actor, "section.linked", detail, by.source_ip)
    except SisSectionTaken as taken:
        raise RequestRefused(
            "sis-section-taken", f"A {sis_name()} section can be linked to only one section."
        ) from taken
    return link


async def _require_no_sync(db: AsyncSession, section_id: str) -> None:
    """Refuse a change of the link while a sync works with it."""
    if running := await syncs.get_running(db, section_id):
        raise RequestRefused(
            "sync-in-progress", "", extensions={"sync_id": running.id, "section_id": section_id}
        )


async def _move_pairs_and_refs(
    db: AsyncSession, before: SisSection, after: SisSection, link: SectionLink
) -> None:
    """Keep pairs and refs right for a changed link: pairs belong to its teacher, refs to its SIS section."""
    if after.ref.is_other(before.ref):
        kept = await links.get_pairs(db, link.section_id)
        titles = {category_id: pair.sis_title for category_id, pair in kept.items()}
        refs = restore_pairs(titles, link.sis_categories)
        await links.remove_pairs(db, link.section_id, list(kept))
        pairs = [replace(kept[category_id], ref=ref) for category_id, ref in refs.items()]
        await links.save_pairs(db, link.section_id, pairs)
    if before.ref != after.ref:
        await ledger_changes.unbind(db, link.section_id)


@dataclass(frozen=True, slots=True)
class BothSides:
    """Hold the categories of a section, and those of its SIS section."""

    source: Sequence[Category]
    sis: Sequence[SisCategory]


async def pair_categories(
    database: Database,
    *,
    district: District,
    section_id: str,
    wanted: Mapping[str, str],
    sides: BothSides,
    by: Author,
) -> None:
    """Make `wanted` (category id -> SIS category key) the chosen pairs of a section, and no others.

    Raises `RequestRefused("pair-not-possible")`.
    """
    active = {category.ref.key: category for category in sides.sis if category.active}
    _require_possible(wanted, {category.id for category in sides.source}, active, district.policy.many_to_one)
    pairs = [
        Pair(category_id, active[key].ref, active[key].title, chosen=True)
        for category_id, key in wanted.items()
    ]
    async with open_staying(database, district.id) as db:
        kept = await links.get_pairs(db, section_id)
        await links.remove_pairs(db, section_id, _replaced(kept, wanted, district.policy.many_to_one))
        await links.save_pairs(db, section_id, pairs)
        detail = {"section": section_id, "pairs": dict(wanted)}
        await audit.append(db, by.actor, "categories.paired", detail, by.source_ip)


def _require_possible(
    wanted: Mapping[str, str], source: set[str], active: Mapping[str, SisCategory], many_to_one: bool
) -> None:
    unknown = sorted(wanted.keys() - source)
    absent = sorted(set(wanted.values()) - active.keys())
    if unknown or absent:
        raise RequestRefused(
            "pair-not-possible",
            f"Some of these categories don't exist, or are inactive in {sis_name()}.",
            extensions={"categories": unknown, "sis_categories": absent},
        )
    if not many_to_one and len(set(wanted.values())) < len(wanted):
        raise RequestRefused(
            "pair-not-possible", f"In this district, each {sis_name()} category takes only one category."
        )


def _replaced(kept: Mapping[str, Pair], wanted: Mapping[str, str], many_to_one: bool) -> list[str]:
    """Return pairs that were chosen before, and pairs by title whose SIS category is now another's."""
    taken = set() if many_to_one else set(wanted.values())
    return [
        category_id
        for category_id, pair in kept.items()
        if category_id not in wanted and (pair.chosen or pair.ref.key in taken)
    ]
