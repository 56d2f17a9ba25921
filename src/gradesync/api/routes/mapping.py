"""Map the categories of many sections: by title rules, by imported pairs, or by copying a section."""

from collections.abc import Mapping, Sequence

from gradesync.api.auth import LinkReader, LinkWriter, RequestContext, SectionContext, SectionWriter
from gradesync.api.bulk import (
    NOT_ATTEMPTED,
    Deadline,
    ParsedRow,
    RawRows,
    RowError,
    attempt,
    describe_body,
    parse_rows,
    render_report,
    render_result,
)
from gradesync.api.live import OUTLINE_CALLS, SectionRef
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import mapping as schemas
from gradesync.core.category_preview import find_changed_titles
from gradesync.core.fit import normalize_title
from gradesync.core.gradebook import Category
from gradesync.core.sis import SisCategory
from gradesync.db import audit, districts, links
from gradesync.sync.link import pair_by_title
from gradesync.sync.manual_links import BothSides, pair_categories

router = Router("Categories")

EXAMPLE = [{"section": "7900000001", "category": "HW", "sis_category": "Homework"}]


@router.get("/categories/titles", summary="Get the title rules")
async def get_title_rules(*, context: LinkReader) -> schemas.TitleRules:
    """Return the titles that pair although they differ, in every section of the district."""
    return _render_rules((await context.district()).category_titles)


@router.put("/categories/titles", summary="Set the title rules")
async def set_title_rules(*, context: LinkWriter, wanted: schemas.TitleRulesRequest) -> schemas.TitleRules:
    """Map categories by title in all sections, from their next sync on, including sections of later terms.

    Letter case and surrounding spaces do not matter. Pairs that were set by hand stay. Pairs from a rule that
    no longer exists go back to equal titles.
    """
    rules = {rule.title.strip(): rule.sis_title.strip() for rule in wanted.rules}
    async with context.database() as db:
        await districts.lock(db)
        before = (await context.district()).category_titles
        await districts.set_category_titles(db, rules)
        await links.remove_pairs_titled(db, find_changed_titles(before, rules))
        await audit.append(db, context.by.actor, "category-titles.set", {"rules": rules}, context.source_ip)
    return _render_rules(rules)


def _render_rules(rules: Mapping[str, str]) -> schemas.TitleRules:
    ordered = sorted(rules.items())
    return schemas.TitleRules(rules=[schemas.TitleRule(title=a, sis_title=b) for a, b in ordered])


@router.post(
    "/categories/import",
    summary="Set many pairs",
    responses=problem_responses("rows-not-readable"),
    openapi_extra=describe_body(schemas.PairRow, EXAMPLE),
)
async def import_pairs(*, context: LinkWriter, rows: RawRows) -> schemas.ImportReport:
    """Set pairs of categories in many sections, in addition to the existing ones.

    Send JSON, or CSV (`Content-Type: text/csv`) with the heading `section,category,sis_category`. Name
    categories by id or by title. Every row gets a result, and a failed row does not stop the others.
    """
    parsed, deadline = parse_rows(rows, schemas.PairRow), Deadline.start(context)
    errors: dict[int, RowError | None] = {row.number: row.error for row in parsed}
    for section_id, section_rows in _by_section(parsed).items():
        errors |= await _import_section(context, deadline, section_id, section_rows)
    return render_report(parsed, [errors[row.number] for row in parsed])


def _by_section(parsed: Sequence[ParsedRow[schemas.PairRow]]) -> dict[str, dict[int, schemas.PairRow]]:
    sections: dict[str, dict[int, schemas.PairRow]] = {}
    for row in parsed:
        if row.row is not None:
            sections.setdefault(row.row.section, {})[row.number] = row.row
    return sections


async def _import_section(
    context: RequestContext, deadline: Deadline, section_id: str, rows: Mapping[int, schemas.PairRow]
) -> dict[int, RowError | None]:
    """Set the pairs of one section that fit; return the error of each row, or None."""
    if not await deadline.reserve_calls(OUTLINE_CALLS):
        return dict.fromkeys(rows, NOT_ATTEMPTED)
    errors: dict[int, RowError | None] = {}

    async def set_pairs() -> None:
        sides = await _read_sides(context, section_id)
        pairs: dict[str, str] = {}
        for number, row in rows.items():
            pair = _find_pair(row, sides)
            if pair is None:
                errors[number] = RowError(
                    "pair-not-possible",
                    "One of the categories does not exist, is inactive, or is not unique.",
                )
            elif error := await attempt(_add_pairs(context, section_id, pairs | dict([pair]), sides)):
                errors[number] = error
            else:
                pairs |= dict([pair])

    section_error = await attempt(set_pairs())
    return {number: errors.get(number, section_error) for number in rows}


def _find_pair(row: schemas.PairRow, sides: BothSides) -> tuple[str, str] | None:
    """Return the ids of both categories, which the row names by id or by title."""
    ours = {category.id for category in sides.source if row.category == category.id} or {
        category.id
        for category in sides.source
        if normalize_title(row.category) == normalize_title(category.title)
    }
    active = [category for category in sides.sis if category.active]
    theirs = {category.ref.key for category in active if row.sis_category == category.ref.key} or {
        category.ref.key
        for category in active
        if normalize_title(row.sis_category) == normalize_title(category.title)
    }
    return (ours.pop(), theirs.pop()) if len(ours) == len(theirs) == 1 else None


async def _read_sides(context: RequestContext, section_id: str) -> BothSides:
    section = SectionRef(context.caller.district_id, section_id)
    outline = await context.live.outline(section)
    return BothSides(outline.gradebook.categories, (await context.live.sis_side(section)).categories)


async def _add_pairs(
    context: RequestContext, section_id: str, wanted: Mapping[str, str], sides: BothSides
) -> None:
    """Set pairs in addition to the chosen ones whose categories still exist in both systems."""
    async with context.database() as db:
        kept = await links.get_pairs(db, section_id)
    source_ids = {category.id for category in sides.source}
    active = {category.ref.key for category in sides.sis if category.active}
    chosen = {
        category_id: pair.ref.key
        for category_id, pair in kept.items()
        if pair.chosen and category_id in source_ids and pair.ref.key in active
    }
    await pair_categories(
        context.runtime.context.database,
        district=await context.district(),
        section_id=section_id,
        wanted={**chosen, **wanted},
        sides=sides,
        by=context.by,
    )


@router.post(
    "/sections/{section_id}/categories/copy",
    summary="Copy the mapping to other sections",
    responses=problem_responses("section-not-found", "upstream-refused", "upstream-unavailable"),
)
async def copy_pairs(*, context: SectionWriter, wanted: schemas.CopyRequest) -> schemas.CopyReport:
    """Give other sections the mapping of this section, title by title: map once for all linked sections.

    Titles that a section does not have are listed as `left_out`; its other pairs are set.
    """
    deadline, titles = Deadline.start(context), await _mapped_titles(context)
    section_ids = dict.fromkeys(wanted.sections)
    results = [await _copy(context, deadline, section_id, titles) for section_id in section_ids]
    return schemas.CopyReport(sections=results)


async def _mapped_titles(context: SectionContext) -> dict[str, str]:
    """Return the title of each category of the section -> that of the SIS category it goes to, plain."""
    outline, sis = await context.outline(), (await context.sis_side()).categories
    async with context.database() as db:
        pairs = await links.get_pairs(db, context.section_id)
    categories = outline.gradebook.categories
    kept = {category_id: pair.ref for category_id, pair in pairs.items()}
    refs = pair_by_title(await context.district(), outline.gradebook, sis, kept).pairs
    sis_titles = {category.ref.key: normalize_title(category.title) for category in sis}
    return {
        normalize_title(category.title): sis_titles[refs[category.id].key]
        for category in categories
        if category.id in refs and refs[category.id].key in sis_titles
    }


async def _copy(
    context: RequestContext, deadline: Deadline, section_id: str, titles: Mapping[str, str]
) -> schemas.CopyResult:
    pairs: dict[str, str] = {}
    left_out: list[str] = []

    async def copy() -> None:
        sides = await _read_sides(context, section_id)
        pairs.update(_match_titles(titles, sides.source, sides.sis))
        paired = {normalize_title(category.title) for category in sides.source if category.id in pairs}
        left_out.extend(sorted(titles.keys() - paired))
        await _add_pairs(context, section_id, pairs, sides)

    error = await attempt(copy()) if await deadline.reserve_calls(OUTLINE_CALLS) else NOT_ATTEMPTED
    return schemas.CopyResult(
        section=section_id,
        result=render_result(error),
        pairs=0 if error else len(pairs),
        left_out=left_out,
        code=error and error.code,
        detail=error and error.detail,
    )


def _match_titles(
    titles: Mapping[str, str], source: Sequence[Category], sis: Sequence[SisCategory]
) -> dict[str, str]:
    """Return the pairs that these titles make; a title that occurs twice makes none."""
    ours: dict[str, list[str]] = {}
    theirs: dict[str, list[str]] = {}
    for category in source:
        ours.setdefault(normalize_title(category.title), []).append(category.id)
    for sis_category in sis:
        if sis_category.active:
            theirs.setdefault(normalize_title(sis_category.title), []).append(sis_category.ref.key)
    return {
        ours[title][0]: theirs[sis_title][0]
        for title, sis_title in titles.items()
        if len(ours.get(title, ())) == len(theirs.get(sis_title, ())) == 1
    }
