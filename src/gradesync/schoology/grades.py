"""Read a section's grades, all at once or by assignment, and its grade setup: how they count."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from gradesync.core.gradebook import Assignment, Category
from gradesync.core.ports import Cells
from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.calls import PAGE, Calls, Payload, Request, gather_all
from gradesync.schoology.cells import EPOCH, merge_cells, parse_cells, select_cells
from gradesync.schoology.scalars import (
    UnreadableError,
    is_id,
    read_bare,
    read_day,
    read_flag,
    read_leniently,
    read_number,
    read_text,
    require_id,
)
from gradesync.schoology.section import Roster
from gradesync.schoology.wire import (
    GRADES,
    CategoryRow,
    OptionsRow,
    PeriodRow,
    SectionRow,
    decode_object,
    unexpected,
)
from gradesync.upstream.response import MEBIBYTE, ResponseTooLarge

MAX_CELLS_AT_ONCE: Final = 20_000
# So many cells and what is read beside them, once more where cells have comments. A larger section, met for
# the first time, is not read to the limit of every response before its size shows.
MAX_BYTES_AT_ONCE: Final = 12 * MEBIBYTE
# Assignments that are read once more, those with most gaps first; the others stay partial.
MAX_REREAD: Final = 100
CONCURRENT_READS: Final = 4
# A cell may be stamped before another one and shown after it.
OVERLAP: Final = timedelta(minutes=10)
BY_PERCENT: Final = "1"
MAX_DROPPED: Final = 10
# The part of the cells that may be missing before the response as a whole is not believed.
TOLERATED_GAPS: Final = 0.2


def grades_request(section_path: str, since: datetime | None, assignment_id: str | None = None) -> Request:
    """Build the call for grades: all, or those changed since a time of the cells' own clock.

    It asks from a little earlier, for what was being written when the last response was made
    (upstream.md Schoology §2.7).
    """
    path = f"{section_path}/grades?{PAGE}"
    if assignment_id is not None:
        path += f"&assignment_id={assignment_id}"
    if since is not None:
        # 0 could be taken for no time at all; cells that were never touched have it.
        path += f"&timestamp={max(1, int((since - OVERLAP).timestamp()))}"
    return Request(GRADES.kind, path)


@dataclass(frozen=True, slots=True)
class GradeReader:
    """Read the grades of some of a section's assignments, all of them or those changed `since`.

    `cell_count` is how many cells the section has. `known` is the latest time of the cells' own clock that
    an earlier response had seen.
    """

    calls: Calls
    section_path: str
    roster: Roster
    assignments: tuple[Assignment, ...]
    cell_count: int
    since: datetime | None = None
    known: datetime = EPOCH

    @property
    def is_large(self) -> bool:
        """Return True where all cells together are more than one response should have."""
        return self.since is None and self.cell_count > MAX_CELLS_AT_ONCE

    async def read_at_once(self, first: Payload | None = None) -> Cells:
        """Read all in one response and its pages, of which `first` may have been read already.

        A response that is too large is replaced by one for each assignment.
        """
        request = grades_request(self.section_path, self.since)
        try:
            rows = await self.calls.read_list(GRADES, request, first)
        except ResponseTooLarge:
            return await self.read_by_assignment()
        cells = parse_cells(rows, self.roster, self._ids(), self.since or self.known)
        if rows.complete or self.since is None:  # all cells are checked for gaps
            return cells
        return replace(cells, partial=frozenset(self._ids()), read_through={})

    async def read_by_assignment(self, ids: Iterable[str] | None = None) -> Cells:
        """Read some or all of the assignments with a call each."""
        slots = asyncio.Semaphore(CONCURRENT_READS)
        wanted = [each for each in (self._ids() if ids is None else ids) if is_id(each)]
        return merge_cells(await gather_all([self._read_one(each, slots) for each in wanted]))

    async def fill_gaps(self, cells: Cells, *, whole: bool) -> Cells:
        """Read once more what a full response left out, and name what is still missing `partial`.

        Raises `SyncStopped` where, of the `whole` section, more than a fifth is missing even then.
        """
        if not (gaps := count_gaps(self.assignments, self.roster, cells)).missing:
            return cells
        again = await self.read_by_assignment(gaps.widest(MAX_REREAD))
        cells = merge_cells([cells, again])
        remaining = count_gaps(self.assignments, self.roster, cells)
        if whole and not remaining.is_tolerable:
            missing = sum(remaining.missing.values())
            raise unexpected(GRADES.kind, f"{missing} of {remaining.expected} cells are missing")
        known = {a: moment for a, moment in cells.read_through.items() if a not in remaining.missing}
        return replace(cells, partial=frozenset(remaining.missing), read_through=known)

    async def _read_one(self, assignment_id: str, slots: asyncio.Semaphore) -> Cells:
        request = grades_request(self.section_path, self.since, assignment_id)
        async with slots:
            try:
                rows = await self.calls.read_list(GRADES, request)
            except SyncStopped as stopped:
                if stopped.reason != Reason.SECTION_NOT_FOUND:
                    raise
                return Cells({})  # deleted since it was listed
        return select_cells(
            parse_cells(rows, self.roster, [assignment_id], self.since or self.known), {assignment_id}
        )

    def _ids(self) -> list[str]:
        return [assignment.id for assignment in self.assignments]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Count the cells that a full response should have, and those `missing`, by assignment."""

    expected: int
    missing: Mapping[str, int]

    @property
    def is_tolerable(self) -> bool:
        return sum(self.missing.values()) <= TOLERATED_GAPS * self.expected

    def widest(self, limit: int) -> list[str]:
        """Return the assignments with gaps, the widest first, `limit` at most."""
        return sorted(self.missing, key=lambda each: (-self.missing[each], each))[:limit]


def count_gaps(assignments: Iterable[Assignment], roster: Roster, cells: Cells) -> Gaps:
    """Count the cells of the active students, for an assignment with assignees of those among them."""
    active = roster.active_uids()
    doubted: dict[str, set[str]] = {}
    for assignment, key in cells.unreadable:
        doubted.setdefault(assignment, set()).add(key)
    expected = 0
    missing: Counter[str] = Counter()
    for each in assignments:
        if each.unreadable is None:
            wanted = active if each.assignees is None else active & each.assignees
            expected += len(wanted)
            missing[each.id] = len(wanted - cells.cells.get(each.id, {}).keys() - doubted.get(each.id, set()))
    return Gaps(expected, +missing)


def read_categories(rows: Iterable[CategoryRow | None]) -> tuple[Category, ...]:
    """Return the grading categories; an unreadable one is left out: its assignments count as unmapped."""
    categories: dict[str, Category] = {}
    for row in rows:
        with suppress(UnreadableError):
            category = _read_category(row or CategoryRow())
            categories[category.id] = category
    return tuple(categories.values())


def _read_category(row: CategoryRow) -> Category:
    """Read a category (upstream.md Schoology §2.4). How it counts has a default where it is garbled."""
    dropped = read_leniently(read_number, "drop_lowest", row.drop_lowest) or Decimal(0)
    return Category(
        require_id("id", row.id),
        read_text("title", row.title),
        by_percent=read_bare(row.calculation_type) == BY_PERCENT,
        drop_lowest=min(max(int(dropped), 0), MAX_DROPPED),
        weight=read_leniently(read_number, "weight", row.weight),
    )


def read_weighted(row: SectionRow) -> bool:
    """Return True where the section's categories have weights; False also where that is unreadable."""
    with suppress(UnreadableError, SyncStopped):
        options = decode_object("section", OptionsRow, row.options)
        return read_flag("weighted_grading_categories", options.weighted_grading_categories)
    return False


def read_periods(rows: Iterable[PeriodRow | None]) -> dict[str, date]:
    """Return the last date of each grading period; one without a readable date is left out."""
    return _read_days((row.id, row.end) for row in rows if row)


def read_period_starts(rows: Iterable[PeriodRow | None]) -> dict[str, date]:
    """Return the first date of each grading period; one without a readable date is left out."""
    return _read_days((row.id, row.start) for row in rows if row)


def _read_days(rows: Iterable[tuple[object, object]]) -> dict[str, date]:
    days: dict[str, date] = {}
    for key, value in rows:
        with suppress(UnreadableError):
            if day := read_day("date", value):
                days[require_id("id", key)] = day
    return days


def read_period_titles(rows: Iterable[PeriodRow | None]) -> dict[str, str]:
    """Return the title of each grading period; an unreadable one is left out."""
    titles: dict[str, str] = {}
    for row in filter(None, rows):
        with suppress(UnreadableError):
            titles[require_id("id", row.id)] = read_text("title", row.title).strip()
    return titles
