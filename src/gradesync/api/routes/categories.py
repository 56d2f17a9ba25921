"""Serve the SIS category that each grading category of a section goes to."""

from collections.abc import Mapping, Sequence

from gradesync.api import schemas
from gradesync.api.auth import SectionContext, SectionReader, SectionWriter
from gradesync.api.live import Outline
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas.render import render_reason, render_sis_category
from gradesync.core.fit import Pairing
from gradesync.core.gradebook import Category
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisCategory
from gradesync.db import links
from gradesync.db.links import Pair
from gradesync.errors import Retriable, SyncStopped
from gradesync.sync.link import pair_by_title
from gradesync.sync.manual_links import BothSides, pair_categories

router = Router("Categories")


@router.get(
    "/sections/{section_id}/categories",
    summary="Get the category mapping",
    responses=problem_responses("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def get_categories(*, context: SectionReader) -> schemas.SectionCategories:
    """Return the category pairs and the unmapped categories as the next sync would see them.

    Works before the first sync too. Both systems are read live and cached for a minute. While the SIS does
    not respond, its categories are those of the last sync.
    """
    outline = await context.outline()
    try:
        sis = await context.sis_side()
    except (SyncStopped, Retriable):
        return await _render_mapping(context, outline, await _last_known(context), live=False)
    return await _render_mapping(context, outline, sis.categories, live=True)


@router.put(
    "/sections/{section_id}/categories",
    summary="Set category pairs",
    responses=problem_responses(
        "section-not-found", "pair-not-possible", "upstream-refused", "upstream-unavailable"
    ),
)
async def set_categories(
    *, context: SectionWriter, wanted: schemas.PairsRequest
) -> schemas.SectionCategories:
    """Set the pairs that titles do not give. Categories that are left out pair by title again."""
    outline, sis = await context.outline(), (await context.sis_side()).categories
    sides = BothSides(outline.gradebook.categories, sis)
    pairs = {pair.id: pair.sis_category for pair in wanted.pairs}
    await pair_categories(
        context.runtime.context.database,
        district=await context.district(),
        section_id=context.section_id,
        wanted=pairs,
        sides=sides,
        by=context.by,
    )
    return await _render_mapping(context, outline, sis, live=True)


async def _last_known(context: SectionContext) -> Sequence[SisCategory]:
    async with context.database() as db:
        link = await links.get(db, context.section_id)
    return link.sis_categories if link else ()


async def _render_mapping(
    context: SectionContext, outline: Outline, sis: Sequence[SisCategory], *, live: bool
) -> schemas.SectionCategories:
    district = await context.district()
    async with context.database() as db:
        kept = await links.get_pairs(db, context.section_id)
    refs = {category_id: pair.ref for category_id, pair in kept.items()}
    categories = outline.gradebook.categories
    pairing = pair_by_title(district, outline.gradebook, sis, refs)
    titles = {pair.ref.key: pair.sis_title for pair in kept.values()}
    titles |= {category.ref.key: category.title for category in sis}
    items = [_render_pair(category, pairing, kept, titles) for category in categories]
    return schemas.SectionCategories(
        items=items,
        sis_categories=[render_sis_category(category) for category in sis],
        unmapped=[item.id for item in items if item.sis_category is None],
        live=live,
        as_of=outline.as_of,
    )


def _render_pair(
    category: Category, pairing: Pairing, kept: Mapping[str, Pair], titles: Mapping[str, str]
) -> schemas.CategoryPair:
    ref = pairing.pairs.get(category.id)
    problem = pairing.refused.get(category.id, Reason.CATEGORY_UNMAPPED)
    return schemas.CategoryPair(
        id=category.id,
        title=category.title,
        sis_category=ref and schemas.AssignmentCategory(id=ref.key, title=titles.get(ref.key)),
        chosen=category.id in kept and kept[category.id].chosen,
        problem=None if ref else render_reason(problem),
    )
