"""The category mapping of many sections at once: by titles, by explicit pairs, alike in linked sections."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from gradesync.api.auth import LinkReader, LinkWriter, SectionWriter
from gradesync.api.bulk import (
    NOT_ATTEMPTED,
    Deadline,
    ParsedRow,
    RawRows,
    RowError,
    answered,
    attempt,
    body_of,
    read,
    result,
)
from gradesync.api.context import RequestContext, SectionContext
from gradesync.api.live import Place
from gradesync.api.problems import answers
from gradesync.api.schemas import district as schemas
from gradesync.core.categories import plain
from gradesync.core.gradebook import Category
from gradesync.core.sis import SisCategory
from gradesync.db import audit, districts, links
from gradesync.sync.link import pair_by_title
from gradesync.sync.manual_links import BothSides, pair_categories

router = APIRouter(tags=["Categories"])

OUTLINE_CALLS = 4
EXAMPLE = [{"section": "7900000001", "category": "HW", "sis_category": "Homework"}]


@router.get("/categories/titles", summary="The title rules")
async def get_title_rules(*, context: LinkReader) -> schemas.ToldTitleRules:
    """Which titles pair although they differ, in every section of the district."""
    return _told((await context.district()).category_titles)


@router.put("/categories/titles", summary="Set the title rules")
async def set_title_rules(*, context: LinkWriter, wanted: schemas.TitleRules) -> schemas.ToldTitleRules:
    """Map categories by title in all sections, the ones of next term too, from their next sync on.

    Letter case and spaces around do not matter. Pairs that somebody set stay; pairs that a rule made and that
    no rule makes any more go back to equal titles.
    """
    rules = {rule.title.strip(): rule.sis_title.strip() for rule in wanted.rules}
    async with context.database() as db:
        await districts.hold(db)
        before = (await context.district()).category_titles
        await districts.set_category_titles(db, rules)
        await links.remove_pairs_titled(db, _touched(before, rules))
        await audit.append(db, context.by.actor, "category-titles.set", {"rules": rules}, context.source_ip)
    return _told(rules)


def _touched(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """SIS titles whose pairs by title another rule, or none, would make now."""
    changed = before.items() ^ after.items()
    return {plain(title) for rule in changed for title in rule}


def _told(rules: Mapping[str, str]) -> schemas.ToldTitleRules:
    ordered = sorted(rules.items())
    return schemas.ToldTitleRules(rules=[schemas.TitleRule(title=a, sis_title=b) for a, b in ordered])


@router.post(
    "/categories/import",
    summary="Set many pairs",
    responses=answers("rows-not-readable"),
    openapi_extra=body_of(schemas.PairRow, "section,category,sis_category", EXAMPLE),
)
async def import_pairs(*, context: LinkWriter, rows: RawRows) -> schemas.Imported:
    """Set pairs of categories in many sections, beside the ones that stand.

    As JSON, or as CSV (`Content-Type: text/csv`) with a heading. Categories are named by id or by title.
    Every row is answered; a row that fails keeps no other from being done.
    """
    told, hours = read(rows, schemas.PairRow), Deadline.of(context)
    troubles: dict[int, RowError | None] = {one.number: one.trouble for one in told}
    for section_id, group in _by_section(told).items():
        troubles |= await _set(context, hours, section_id, group)
    return answered(told, [troubles[one.number] for one in told])


def _by_section(told: Sequence[ParsedRow[schemas.PairRow]]) -> dict[str, dict[int, schemas.PairRow]]:
    groups: dict[str, dict[int, schemas.PairRow]] = {}
    for one in told:
        if one.row is not None:
            groups.setdefault(one.row.section, {})[one.number] = one.row
    return groups


async def _set(
    context: RequestContext, hours: Deadline, section_id: str, rows: Mapping[int, schemas.PairRow]
) -> dict[int, RowError | None]:
    """Set the pairs of one section, those that fit; answers each row."""
    if not await hours.room(OUTLINE_CALLS):
        return dict.fromkeys(rows, NOT_ATTEMPTED)
    troubles: dict[int, RowError | None] = {}

    async def pair() -> None:
        sides = await _sides(context, section_id)
        wanted: dict[str, str] = {}
        for number, row in rows.items():
            found = _found(row, sides)
            if found is None:
                troubles[number] = RowError(
                    "pair-not-possible", "One of the two is not there, not active, or not the only one."
                )
            elif trouble := await attempt(_pair(context, section_id, wanted | dict([found]), sides)):
                troubles[number] = trouble
            else:
                wanted |= dict([found])

    trouble = await attempt(pair())
    return {number: troubles.get(number, trouble) for number in rows}


def _found(row: schemas.PairRow, sides: BothSides) -> tuple[str, str] | None:
    """The ids of both categories, which the row names by id or by title."""
    ours = {one.id for one in sides.source if row.category == one.id} or {
        one.id for one in sides.source if plain(row.category) == plain(one.title)
    }
    active = [one for one in sides.sis if one.active]
    theirs = {one.ref.key for one in active if row.sis_category == one.ref.key} or {
        one.ref.key for one in active if plain(row.sis_category) == plain(one.title)
    }
    return (ours.pop(), theirs.pop()) if len(ours) == len(theirs) == 1 else None


async def _sides(context: RequestContext, section_id: str) -> BothSides:
    place = Place(context.caller.district_id, section_id)
    outline = await context.service.live.outline(place)
    return BothSides(outline.gradebook.categories, (await context.service.live.sis_side(place)).categories)


async def _pair(
    context: RequestContext, section_id: str, wanted: Mapping[str, str], sides: BothSides
) -> None:
    """Set pairs beside the chosen ones that stand, as far as they stand on both sides still."""
    async with context.database() as db:
        kept = await links.pairs(db, section_id)
    there = {one.id for one in sides.source}
    active = {one.ref.key for one in sides.sis if one.active}
    chosen = {
        category_id: one.ref.key
        for category_id, one in kept.items()
        if one.chosen and category_id in there and one.ref.key in active
    }
    await pair_categories(
        context.service.database,
        district=await context.district(),
        section_id=section_id,
        wanted={**chosen, **wanted},
        sides=sides,
        by=context.by,
    )


@router.post(
    "/sections/{section_id}/categories/copy",
    summary="Map other sections alike",
    responses=answers("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def copy_pairs(*, context: SectionWriter, wanted: schemas.CopyTo) -> schemas.Copied:
    """Give other sections the mapping of this one, title by title: map once for all linked sections.

    What a section lacks is told as `left_out`, and the rest of its pairs is set.
    """
    hours, titles = Deadline.of(context), await _titles(context)
    told = [await _copy(context, hours, section_id, titles) for section_id in dict.fromkeys(wanted.sections)]
    return schemas.Copied(sections=told)


async def _titles(context: SectionContext) -> dict[str, str]:
    """Title of a category of the section -> title of the SIS category that it goes to, plain."""
    outline, sis = await context.outline(), (await context.sis_side()).categories
    async with context.database() as db:
        kept = {
            category_id: one.ref for category_id, one in (await links.pairs(db, context.section_id)).items()
        }
    pairing = pair_by_title(await context.district(), outline.gradebook.categories, sis, kept)
    named = {one.ref.key: plain(one.title) for one in sis}
    return {
        plain(one.title): named[pairing.pairs[one.id].key]
        for one in outline.gradebook.categories
        if one.id in pairing.pairs and pairing.pairs[one.id].key in named
    }


async def _copy(
    context: RequestContext, hours: Deadline, section_id: str, titles: Mapping[str, str]
) -> schemas.CopiedPairs:
    pairs: dict[str, str] = {}
    left_out: list[str] = []

    async def copy() -> None:
        sides = await _sides(context, section_id)
        pairs.update(_alike(titles, sides.source, sides.sis))
        paired = {plain(one.title) for one in sides.source if one.id in pairs}
        left_out.extend(sorted(titles.keys() - paired))
        await _pair(context, section_id, pairs, sides)

    trouble = await attempt(copy()) if await hours.room(OUTLINE_CALLS) else NOT_ATTEMPTED
    return schemas.CopiedPairs(
        section=section_id,
        result=result(trouble),
        pairs=0 if trouble else len(pairs),
        left_out=left_out,
        code=trouble and trouble.code,
        detail=trouble and trouble.detail,
    )


def _alike(
    titles: Mapping[str, str], source: Sequence[Category], sis: Sequence[SisCategory]
) -> dict[str, str]:
    """The pairs that these titles make here; a title that stands twice makes none."""
    ours: dict[str, list[str]] = {}
    theirs: dict[str, list[str]] = {}
    for category in source:
        ours.setdefault(plain(category.title), []).append(category.id)
    for one in sis:
        if one.active:
            theirs.setdefault(plain(one.title), []).append(one.ref.key)
    return {
        ours[title][0]: theirs[sis_title][0]
        for title, sis_title in titles.items()
        if len(ours.get(title, ())) == len(theirs.get(sis_title, ())) == 1
    }
