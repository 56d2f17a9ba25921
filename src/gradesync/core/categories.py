"""Pairs grading categories of the source with those of the SIS (R10, R11, R34)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gradesync.core.gradebook import Category
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisCategory


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which SIS category each category of the source goes to.

    `pairs`: source category id -> SIS category, the kept ones and the new. `made`: the new ones alone, to be
    kept from now on. `refused`: why a source category whose title leads to the SIS has no pair all the same.
    """

    pairs: Mapping[str, Ref]
    made: Mapping[str, SisCategory]
    refused: Mapping[str, Reason]


def pair(
    source: Iterable[Category],
    sis: Iterable[SisCategory],
    kept: Mapping[str, Ref],
    *,
    many_to_one: bool,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Pairing:
    """Keep every kept pair, whatever its titles are by now, and pair the rest by title.

    `kept` is by source category id. Without `many_to_one` a SIS category takes one source category.
    `titles` (source -> SIS) says where the titles of a pair differ; elsewhere they are equal.
    """
    source, sis = tuple(source), tuple(sis)
    leads = {plain(one): plain(other) for one, other in titles.items()}
    wanted = {category.id: leads.get(plain(category.title), plain(category.title)) for category in source}
    alike = Counter(plain(category.title) for category in source)
    rivals = Counter(title for category_id, title in wanted.items() if category_id not in kept)
    sis_titles = Counter(plain(category.title) for category in sis if category.active)
    unique = {plain(c.title): c for c in sis if c.active and sis_titles[plain(c.title)] == 1}
    taken = set() if many_to_one else {ref.key for ref in kept.values()}
    made: dict[str, SisCategory] = {}
    refused: dict[str, Reason] = {}
    for category in source:
        title = wanted[category.id]
        if category.id in kept or title not in sis_titles:
            continue
        if alike[plain(category.title)] > 1 or sis_titles[title] > 1:
            refused[category.id] = Reason.CATEGORY_AMBIGUOUS
        elif unique[title].ref.key in taken or (rivals[title] > 1 and not many_to_one):
            refused[category.id] = Reason.CATEGORY_TAKEN
        else:
            made[category.id] = unique[title]
    new = {category_id: category.ref for category_id, category in made.items()}
    return Pairing(dict(kept) | new, made, refused)


def remake(titles: Mapping[str, str], sis: Iterable[SisCategory]) -> dict[str, Ref]:
    """Find pairs again among another teacher's SIS categories, by the SIS titles that they had.

    `titles` is by source category id. A title that no active category has, or several, is left out.
    """
    by_title: dict[str, list[Ref]] = {}
    for category in sis:
        if category.active:
            by_title.setdefault(plain(category.title), []).append(category.ref)
    found = {category_id: by_title.get(plain(title), []) for category_id, title in titles.items()}
    return {category_id: refs[0] for category_id, refs in found.items() if len(refs) == 1}


def plain(title: str) -> str:
    """A title as titles are compared."""
    return title.strip().casefold()
