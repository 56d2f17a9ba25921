"""Describe a section as people look for it, and count sections by what their last syncs came to."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

# What a sync came to -> so many sections.
Counts: TypeAlias = Mapping[str, int]


class CategoryUse(NamedTuple):
    """Describe a grading category of a section: the `items` in it, and the SIS category that it goes to.

    `sis_title` is None where its assignments do not sync. `chosen`: the district set the pair in the section.
    """

    title: str
    items: int
    sis_title: str | None
    chosen: bool


class SectionProfile(NamedTuple):
    """Describe a section as a sync read it. `teachers` maps the uids of its course admins to their names.

    Of the term the first and the last day are None until the SIS section is found.
    """

    title: str
    code: str | None
    school: str | None
    teachers: Mapping[str, str]
    term_first: date | None = None
    term_last: date | None = None
    categories: tuple[CategoryUse, ...] = ()


class Change(NamedTuple):
    """Count sections that changed on a day: their last syncs came to `after`, those of before to `before`.

    `before` is None where there was none.
    """

    day: date
    before: str | None
    after: str
    sections: int


def trace_back(
    today: date, now: Counts, changes: Iterable[Change], days: int
) -> Iterator[tuple[date, Counts]]:
    """Yield how many sections stood where at the end of each of the last `days`, the oldest first.

    `now` counts them today. A section counts from its first sync on.
    """
    by_day: dict[date, list[Change]] = {}
    for change in changes:
        by_day.setdefault(change.day, []).append(change)
    standing, found = dict(now), list[tuple[date, Counts]]()
    for back in range(days):
        day = today - timedelta(days=back)
        found.append((day, dict(standing)))
        for change in by_day.get(day, ()):
            standing[change.after] = standing.get(change.after, 0) - change.sections
            if change.before is not None:
                standing[change.before] = standing.get(change.before, 0) + change.sections
    yield from reversed(found)
