"""Link a section to the SIS: its section there, the pairs of categories, the students' keys."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gradesync.core.categories import Pairing, pair, restore_pairs
from gradesync.core.district import District
from gradesync.core.gradebook import Category, Gradebook
from gradesync.core.ports import Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisCategory, SisSection
from gradesync.db.links import Pair, SectionLink
from gradesync.errors import SyncStopped

# While a category has no pair, the SIS's list is read again after so long: one may just have been made.
CATEGORIES_KEPT = timedelta(seconds=60)


async def resolve_section(
    district: District, link: SectionLink, code: str, target: Target
) -> tuple[SectionLink, SisSection]:
    """Return the link and its SIS section. Raises `SyncStopped` where the code names none.

    A link that the district chose stays; one that was resolved follows the school code.
    """
    if link.sis is not None and (link.chosen or link.code == code):
        return link, link.sis
    key = district.match.section_key(code)
    if key is None:
        raise SyncStopped(Reason.SECTION_UNMATCHED, "the school code does not fit the district's pattern")
    section = await target.resolve_section(key, link.teacher)
    return replace(link, code=code, sis=section), section


async def pair_categories(
    link: SectionLink,
    kept: Mapping[str, Pair],
    gradebook: Gradebook,
    target: Target,
    *,
    district: District,
    now: datetime,
    afresh: bool,
) -> tuple[SectionLink, Pairing]:
    """Pair the categories, asking the SIS for its own where one in use has no pair.

    `afresh` asks however recently they were read.
    """
    refs = {category_id: pair.ref for category_id, pair in kept.items()}
    unpaired = {item.category_id for item in gradebook.assignments if item.category_id} - refs.keys()
    known = link.categories_read_at is not None and now - link.categories_read_at < CATEGORIES_KEPT
    if unpaired and link.sis is not None and (afresh or not known):
        link = replace(link, sis_categories=await target.categories(link.sis), categories_read_at=now)
    return link, pair_by_title(district, gradebook.categories, link.sis_categories, refs)


def pair_by_title(
    district: District, source: Iterable[Category], sis: Iterable[SisCategory], kept: Mapping[str, Ref]
) -> Pairing:
    """Pair as the district chose; `kept` is by source category id."""
    many_to_one = district.policy.many_to_one
    return pair(source, sis, kept, many_to_one=many_to_one, titles=district.category_titles)


def new_pairs(pairing: Pairing) -> dict[str, Pair]:
    """Return the pairs that a pairing made by title, by source category id."""
    return {
        category_id: Pair(category_id=category_id, ref=made.ref, sis_title=made.title, chosen=False)
        for category_id, made in pairing.made.items()
    }


@dataclass(frozen=True, slots=True)
class Matched:
    """Hold the SIS keys of a section's students. `elsewhere` are SIS keys of those whose enrollment names
    another section."""

    keys: Mapping[str, str]
    elsewhere: frozenset[str]


async def match_students(
    district: District, gradebook: Gradebook, section: SisSection, target: Target
) -> Matched:
    """Match the active students to the SIS, by the district's pattern."""
    ids = {
        student.uid: sis_id
        for student in gradebook.students.values()
        if student.active and (sis_id := district.match.student_key(student.school_uid)) is not None
    }
    known = await target.resolve_students(section, sorted(set(ids.values())))
    keys = {uid: known[sis_id] for uid, sis_id in ids.items() if sis_id in known}
    elsewhere = frozenset(
        keys[uid]
        for uid in keys
        if gradebook.students[uid].other_section not in {None, gradebook.section_code}
    )
    return Matched(keys, elsewhere)


def hash_rules(district: District, section: SisSection, pairing: Pairing) -> str:
    """Hash the settings under which cursors move; with another hash everything is read again."""
    pairs = sorted((category_id, ref.key) for category_id, ref in pairing.pairs.items())
    settings = repr((district.match, district.policy, district.timezone, section.ref.key, pairs))
    return hashlib.sha256(settings.encode()).hexdigest()


async def change_teacher(
    link: SectionLink, before: SisSection, kept: Mapping[str, Pair], target: Target
) -> tuple[SectionLink, dict[str, Pair]]:
    """Resolve a link's section, as it was `before`, after the SIS refused its teacher.

    Categories belong to a teacher: the pairs are made anew by the SIS titles that they had. Raises
    `SyncStopped("teacher-not-in-sis-section")` where the SIS names the same teacher again.
    """
    section = await target.resolve_section(before.ref.key, link.teacher)
    if section.ref.value == before.ref.value:
        raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION)
    categories = await target.categories(section)
    refs = restore_pairs({category_id: pair.sis_title for category_id, pair in kept.items()}, categories)
    pairs = {category_id: replace(kept[category_id], ref=ref) for category_id, ref in refs.items()}
    return replace(link, sis=section, sis_categories=categories), pairs
