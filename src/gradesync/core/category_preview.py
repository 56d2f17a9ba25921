"""Preview what rules by title would change in a section, from what its last sync read."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from gradesync.core.fit import normalize_title, pair
from gradesync.core.gradebook import Category
from gradesync.core.overview import CategoryUse
from gradesync.core.sis import Ref, SisCategory

# Stands for a SIS category of which only the title is known.
UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class KnownCategories:
    """Hold the categories of a section as its last sync read them, and those of its SIS section."""

    section_id: str
    title: str
    uses: Sequence[CategoryUse]
    sis: Sequence[SisCategory]


class PairChange(NamedTuple):
    """Describe a category that would go to another SIS category; None stands for none."""

    title: str
    items: int
    before: str | None
    after: str | None


def find_changed_titles(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Return the titles, plain, of all rules that were added, changed or removed."""
    changed = before.items() ^ after.items()
    return {normalize_title(title) for rule in changed for title in rule}


def preview_changes(
    section: KnownCategories, rules: Mapping[str, str], changed: Set[str], *, many_to_one: bool
) -> Iterator[PairChange]:
    """Yield what would change in a section with these rules, as its next sync would pair.

    `changed` are the titles of the rules that differ. A pair that the district chose in the section stays,
    and so does one that has nothing to do with these titles.
    """
    sis = {normalize_title(category.title): category for category in section.sis}
    names = {category.ref.key: category.title for category in section.sis}
    kept: dict[str, Ref] = {}
    for number, use in enumerate(section.uses):
        if use.sis_title is not None and (use.chosen or normalize_title(use.sis_title) not in changed):
            known = sis.get(normalize_title(use.sis_title))
            kept[str(number)] = known.ref if known else Ref(f"{UNLISTED}:{number}")
            names.setdefault(kept[str(number)].key, use.sis_title)
    source = [Category(str(number), use.title) for number, use in enumerate(section.uses)]
    pairing = pair(source, section.sis, kept, many_to_one=many_to_one, titles=rules)
    for number, use in enumerate(section.uses):
        ref = pairing.pairs.get(str(number))
        after = None if ref is None else names[ref.key]
        if _plain(after) != _plain(use.sis_title):
            yield PairChange(use.title, use.items, use.sis_title, after)


def _plain(title: str | None) -> str | None:
    return None if title is None else normalize_title(title)


def is_concerned(section: KnownCategories, changed: Set[str]) -> bool:
    """Return True where a rule of these titles may change something in a section."""
    return any(
        normalize_title(title) in changed
        for use in section.uses
        for title in (use.title, use.sis_title or "")
    )


class UnmappedTitle(NamedTuple):
    """Count the sections in which a title goes to no SIS category, and the items of it in them."""

    title: str
    sections: int
    items: int


def merge_titles(counted: Sequence[UnmappedTitle]) -> list[UnmappedTitle]:
    """Add up the counts of titles that compare as equal, under the commonest spelling; most items first."""
    by_title: dict[str, list[UnmappedTitle]] = {}
    for one in counted:
        by_title.setdefault(normalize_title(one.title), []).append(one)
    merged = [
        UnmappedTitle(
            max(several, key=lambda one: (one.sections, one.title)).title,
            sum(one.sections for one in several),
            sum(one.items for one in several),
        )
        for several in by_title.values()
    ]
    return sorted(merged, key=lambda one: (-one.items, -one.sections, one.title))
