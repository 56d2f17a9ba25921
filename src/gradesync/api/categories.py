"""Which SIS category each grading category of a section goes to."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from gradesync.api import schemas, told
from gradesync.api.auth import SectionReader, SectionWriter
from gradesync.api.live import Outline
from gradesync.api.problems import answers
from gradesync.api.visit import SectionVisit
from gradesync.core.categories import Pairing
from gradesync.core.gradebook import Category
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisCategory
from gradesync.db import links
from gradesync.db.links import Pair
from gradesync.errors import Retriable, SyncStopped
from gradesync.sync.choose import BothSides, pair_categories
from gradesync.sync.link import pair_by_title

router = APIRouter(tags=["Categories"])


@router.get(
    "/sections/{section_id}/categories",
    summary="The category mapping",
    responses=answers("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def get_categories(*, visit: SectionReader) -> schemas.SectionCategories:
    """The pairs of categories and what is unmapped, as the next sync would see them, also before the first.

    Both sides are read live and remembered for a minute; where the SIS does not answer, its categories are
    those of the last sync.
    """
    outline = await visit.outline()
    try:
        sis = await visit.sis_side()
    except (SyncStopped, Retriable):
        return await _mapping(visit, outline, await _remembered(visit), live=False)
    return await _mapping(visit, outline, sis.categories, live=True)


@router.put(
    "/sections/{section_id}/categories",
    summary="Set category pairs",
    responses=answers("section-not-found", "pair-not-possible", "upstream-refused", "upstream-unavailable"),
)
async def set_categories(*, visit: SectionWriter, wanted: schemas.WantedPairs) -> schemas.SectionCategories:
    """Set the pairs that titles do not give. What was set before and is not named pairs by title again."""
    outline, sis = await visit.outline(), (await visit.sis_side()).categories
    sides = BothSides(outline.gradebook.categories, sis)
    pairs = {one.id: one.sis_category for one in wanted.pairs}
    await pair_categories(
        visit.service.database,
        district=await visit.district(),
        section_id=visit.section_id,
        wanted=pairs,
        sides=sides,
        by=visit.by,
    )
    return await _mapping(visit, outline, sis, live=True)


async def _remembered(visit: SectionVisit) -> Sequence[SisCategory]:
    async with visit.database() as db:
        link = await links.get(db, visit.section_id)
    return link.sis_categories if link else ()


async def _mapping(
    visit: SectionVisit, outline: Outline, sis: Sequence[SisCategory], *, live: bool
) -> schemas.SectionCategories:
    district = await visit.district()
    async with visit.database() as db:
        kept = await links.pairs(db, visit.section_id)
    refs = {category_id: one.ref for category_id, one in kept.items()}
    categories = outline.gradebook.categories
    pairing = pair_by_title(district, categories, sis, refs)
    titles = {one.ref.key: one.sis_title for one in kept.values()} | {one.ref.key: one.title for one in sis}
    items = [_told(category, pairing, kept, titles) for category in categories]
    return schemas.SectionCategories(
        items=items,
        sis_categories=[told.sis_category(one) for one in sis],
        unmapped=[item.id for item in items if item.sis_category is None],
        live=live,
        as_of=outline.as_of,
    )


def _told(
    category: Category, pairing: Pairing, kept: Mapping[str, Pair], titles: Mapping[str, str]
) -> schemas.CategoryPair:
    ref = pairing.pairs.get(category.id)
    problem = pairing.refused.get(category.id, Reason.CATEGORY_UNMAPPED)
    return schemas.CategoryPair(
        id=category.id,
        title=category.title,
        sis_category=ref and schemas.AssignmentCategory(id=ref.key, title=titles.get(ref.key)),
        chosen=category.id in kept and kept[category.id].chosen,
        problem=None if ref else told.said(problem),
    )
