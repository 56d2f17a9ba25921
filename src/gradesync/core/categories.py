"""Pair grading categories of the source with those of the SIS (R10, R11, R34, R44)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from unicodedata import normalize

from gradesync.core.gradebook import Category
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisCategory


@dataclass(frozen=True, slots=True)
class Pairing:
    """Map the categories of the source to those of the SIS.

    `pairs`: source category id -> SIS category, the kept ones and the new. `made`: the new ones alone, to be
    kept from now on. `refused`: the reason why a source category has no pair although its title leads to the
    SIS. `inactive`: kept pairs whose SIS category takes no new assignments. `titles`: source category titles.
    """

    pairs: Mapping[str, Ref]
    made: Mapping[str, SisCategory]
    refused: Mapping[str, Reason]
    inactive: Mapping[str, Ref] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


def pair(
    source: Iterable[Category],
    sis: Iterable[SisCategory],
    kept: Mapping[str, Ref],
    *,
    many_to_one: bool,
    in_use: Set[str] = frozenset(),
    listed: bool = False,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Pairing:
    """Keep every kept pair whose two sides live, whatever their titles are by now, and pair the rest (R44).

    `kept` is by source category id. Without `many_to_one` a SIS category takes one source category.
    `in_use` are the source categories that assignments have. `listed`: `sis` is the SIS's list of today, so
    that a category which it lacks is gone. `titles` (source -> SIS) lists the pairs whose titles differ.
    """
    source, sis = tuple(source), tuple(sis)
    alive, inactive = _select_alive(kept, {category.id for category in source} | in_use, sis, listed=listed)
    renamed = {normalize_title(ours): normalize_title(theirs) for ours, theirs in titles.items()}
    own = {category.id: normalize_title(category.title) for category in source}
    wanted = {category_id: renamed.get(title, title) for category_id, title in own.items()}
    alike = Counter(own[category.id] for category in source)
    rivals = Counter(title for category_id, title in wanted.items() if category_id not in alive)
    active = [(normalize_title(category.title), category) for category in sis if category.active]
    sis_titles = Counter(title for title, _ in active)
    unique = {title: category for title, category in active if sis_titles[title] == 1}
    taken = set() if many_to_one else {ref.key for ref in alive.values()}
    made: dict[str, SisCategory] = {}
    refused: dict[str, Reason] = dict.fromkeys(inactive, Reason.CATEGORY_INACTIVE)
    for category in source:
        title = wanted[category.id]
        if category.id in alive or title not in sis_titles:
            continue
        if alike[own[category.id]] > 1 or sis_titles[title] > 1:
            refused[category.id] = Reason.CATEGORY_AMBIGUOUS
        elif unique[title].ref.key in taken or (rivals[title] > 1 and not many_to_one):
            refused[category.id] = Reason.CATEGORY_TAKEN
        else:
            made[category.id] = unique[title]
    new = {category_id: category.ref for category_id, category in made.items()}
    names = {category.id: category.title for category in source}
    still = {category_id: ref for category_id, ref in inactive.items() if category_id not in made}
    return Pairing(alive | new, made, refused, still, names)


def _select_alive(
    kept: Mapping[str, Ref], ours: Set[str], sis: Sequence[SisCategory], *, listed: bool
) -> tuple[dict[str, Ref], dict[str, Ref]]:
    """Return the kept pairs both of whose sides live, and those whose SIS category is inactive."""
    states = {category.ref.key: category.active for category in sis}
    pairs = {category_id: ref for category_id, ref in kept.items() if category_id in ours}
    if not listed:
        return pairs, {}
    alive = {category_id: ref for category_id, ref in pairs.items() if states.get(ref.key)}
    inactive = {category_id: ref for category_id, ref in pairs.items() if states.get(ref.key) is False}
    return alive, inactive


def restore_pairs(titles: Mapping[str, str], sis: Iterable[SisCategory]) -> dict[str, Ref]:
    """Find pairs again among another teacher's SIS categories, by the SIS titles that they had.

    `titles` is by source category id. A title that no active category has, or several, is left out.
    """
    by_title: dict[str, list[Ref]] = {}
    for category in sis:
        if category.active:
            by_title.setdefault(normalize_title(category.title), []).append(category.ref)
    matches = {category_id: by_title.get(normalize_title(title), []) for category_id, title in titles.items()}
    return {category_id: refs[0] for category_id, refs in matches.items() if len(refs) == 1}


def normalize_title(title: str) -> str:
    """Return a title in the form in which titles are compared: NFC, single spaces, trimmed, case-folded."""
    return normalize("NFC", " ".join(normalize("NFC", title).split()).casefold())
