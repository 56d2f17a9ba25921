"""Show the unmapped categories of all sections, and what rules by title would change."""

from collections.abc import Mapping

from gradesync.api.auth import LinkReader, RequestContext
from gradesync.api.middleware import Router
from gradesync.api.schemas import categories as schemas
from gradesync.api.schemas.mapping import TitleRulesRequest
from gradesync.core.category_preview import PairChange, find_changed_titles, is_concerned, preview_changes
from gradesync.db import category_uses

router = Router("Categories")

SHOWN = 200


@router.get("/categories/unmapped", summary="List the unmapped titles")
async def list_unmapped_titles(*, context: LinkReader) -> schemas.UnmappedTitles:
    """List the titles of categories that go nowhere, with the sections and the assignments behind each.

    They are those of the last sync of each section. A title rule maps one in all sections at once.
    """
    async with context.database() as db:
        titles = await category_uses.count_titles(db)
    sis = sorted(titles.sis, key=lambda one: (-one.sections, one.title))
    return schemas.UnmappedTitles(
        items=[schemas.UnmappedTitle(**one._asdict()) for one in titles.unmapped],
        sis_titles=[schemas.SisTitle(title=one.title, sections=one.sections) for one in sis],
    )


@router.post("/categories/titles/preview", summary="Preview title rules")
async def preview_title_rules(*, context: LinkReader, wanted: TitleRulesRequest) -> schemas.RulesPreview:
    """Show what `PUT /categories/titles` with the same body would change in which sections. Keeps nothing.

    It goes by what the last sync of each section read. Pairs that were set by hand stay.
    """
    rules = {rule.title.strip(): rule.sis_title.strip() for rule in wanted.rules}
    found = await _preview_all(context, rules)
    changes = [(section, change) for section, several in found.items() for change in several]
    return schemas.RulesPreview(
        sections=len(found),
        items=sum(change.items for _, change in changes),
        changes=[
            schemas.PairChange(
                section_id=section_id,
                section=title or None,
                category=change.title,
                items=change.items,
                before=change.before,
                after=change.after,
            )
            for (section_id, title), change in changes[:SHOWN]
        ],
    )


async def _preview_all(
    context: RequestContext, rules: Mapping[str, str]
) -> dict[tuple[str, str], list[PairChange]]:
    """Return the changes by section id and title; sections without any are left out."""
    district = await context.district()
    changed = find_changed_titles(district.category_titles, rules)
    found: dict[tuple[str, str], list[PairChange]] = {}
    async with context.database() as db:
        async for section in category_uses.read_all(db):
            if is_concerned(section, changed):
                changes = list(
                    preview_changes(section, rules, changed, many_to_one=district.policy.many_to_one)
                )
                if changes:
                    found[section.section_id, section.title] = changes
    return found
