"""Which SIS category each grading category of a section goes to."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from gradesync.api import schemas
from gradesync.api.auth import SectionReader, SectionWriter
from gradesync.api.context import SectionContext
from gradesync.api.live import Outline
from gradesync.api.problems import answers
from gradesync.api.schemas import render
from gradesync.core.categories import Pairing
from gradesync.core.gradebook import Category
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisCategory
from gradesync.db import links
from gradesync.db.links import Pair
from gradesync.errors import Retriable, SyncStopped
from gradesync.sync.link import pair_by_title
from gradesync.sync.manual_links import BothSides, pair_categories

router = APIRouter(tags=["Categories"])


@router.get(
    "/sections/{section_id}/categories",
    summary="The category mapping",
    responses=answers("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def get_categories(*, context: SectionReader) -> schemas.SectionCategories:
    """The pairs of categories and what is unmapped, as the next sync would see them, also before the first.

    Both sides are read live and remembered for a minute; where the SIS does not answer, its categories are
    those of the last sync.
    """
    outline = await context.outline()
    try:
        sis = await context.sis_side()
    except (SyncStopped, Retriable):
        return await _mapping(context, outline, await _remembered(context), live=False)
    return await _mapping(context, outline, sis.categories, live=True)


@router.put(
    "/sections/{section_id}/categories",
    summary="Set category pairs",
    responses=answers("section-not-found", "pair-not-possible", "upstream-refused", "upstream-unavailable"),
)
async def set_categories(*, context: SectionWriter, wanted: schemas.WantedPairs) -> schemas.SectionCategories:
    """Set the pairs that titles do not give. What was set before and is not named pairs by title again."""
    outline, sis = await context.outline(), (await context.sis_side()).categories
    sides = BothSides(outline.gradebook.categories, sis)
    pairs = {one.id: one.sis_category for one in wanted.pairs}
    await pair_categories(
        context.service.database,
        district=await context.district(),
        section_id=context.section_id,
        wanted=pairs,
        sides=sides,
        by=context.by,
    )
    return await _mapping(context, outline, sis, live=True)


async def _remembered(context: SectionContext) -> Sequence[SisCategory]:
    async with context.database() as db:
        link = await links.get(db, context.section_id)
    return link.sis_categories if link else ()


async def _mapping(
    context: SectionContext, outline: Outline, sis: Sequence[SisCategory], *, live: bool
) -> schemas.SectionCategories:
    district = await context.district()
    async with context.database() as db:
        kept = await links.pairs(db, context.section_id)
    refs = {category_id: one.ref for category_id, one in kept.items()}
    categories = outline.gradebook.categories
    pairing = pair_by_title(district, categories, sis, refs)
    titles = {one.ref.key: one.sis_title for one in kept.values()} | {one.ref.key: one.title for one in sis}
    items = [_told(category, pairing, kept, titles) for category in categories]
    return schemas.SectionCategories(
        items=items,
        sis_categories=[render.sis_category(one) for one in sis],
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
        problem=None if ref else render.said(problem),
    )
