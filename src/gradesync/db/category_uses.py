"""Read the categories of all sections, as their last syncs read them."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.category_preview import KnownCategories, UnmappedTitle, merge_titles
from gradesync.core.overview import CategoryUse
from gradesync.core.sis import Ref, SisCategory
from gradesync.db.links import LINK
from gradesync.db.section_states import STATE

PART = 500  # rows
UNMAPPED = text("""
    SELECT category ->> 0 AS title, count(*) AS sections, sum((category ->> 1)::int) AS items
    FROM section_state, jsonb_array_elements(section_state.categories) category
    WHERE category -> 2 = 'null' GROUP BY 1
""")
SIS_TITLES = text("""
    SELECT category ->> 2 AS title, count(*) AS sections, 0 AS items
    FROM section_link, jsonb_array_elements(section_link.sis_categories) category
    WHERE category -> 3 = 'true' GROUP BY 1
""")


class CategoryTitles(NamedTuple):
    """Hold the titles that go nowhere, and those of active SIS categories, counted by section."""

    unmapped: list[UnmappedTitle]
    sis: list[UnmappedTitle]


async def count_titles(db: AsyncSession) -> CategoryTitles:
    """Count the titles of the district."""
    unmapped, sis = [
        merge_titles([UnmappedTitle(*row) for row in await db.execute(query)])
        for query in (UNMAPPED, SIS_TITLES)
    ]
    return CategoryTitles(unmapped, sis)


async def read_all(db: AsyncSession) -> AsyncIterator[KnownCategories]:
    """Yield the categories of every section that a sync has read, by section id."""
    query = (
        select(STATE.c.section_id, STATE.c.title, STATE.c.categories, LINK.c.sis_categories)
        .join(LINK, LINK.c.section_id == STATE.c.section_id)
        .order_by(STATE.c.section_id)
        .execution_options(yield_per=PART)
    )
    async for section_id, title, uses, listed in await db.stream(query):
        yield KnownCategories(
            section_id,
            title,
            [CategoryUse(*use) for use in uses],
            [SisCategory(Ref(key, value), name, active) for key, value, name, active, *_ in listed],
        )
