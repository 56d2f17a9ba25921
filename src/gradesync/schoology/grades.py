"""Read a section's grades: all at once or assignment by assignment, and make cells of their rows."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, TypeAlias

from gradesync.core.gradebook import Assignment, Cell, Mark
from gradesync.core.ports import Cells
from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.calls import PAGE, Calls, Payload, Request, Rows, gather_all
from gradesync.schoology.completeness import count_gaps
from gradesync.schoology.scalars import ID, UnreadableError, read_bare, read_number, require_id
from gradesync.schoology.section import ENROLLMENT_UNREADABLE, Roster
from gradesync.schoology.wire import GRADES, GradeRow, unexpected
from gradesync.upstream.response import ResponseTooLarge

MAX_CELLS_AT_ONCE: Final = 20_000
# Assignments that are read once more, those with most gaps first; the others stay partial.
MAX_REREAD: Final = 100
CONCURRENT_READS: Final = 4
# A cell written while a response was made may bear an earlier time than the response's Date.
OVERLAP: Final = timedelta(seconds=120)

NO_ASSIGNMENT: Final = ""
CONFLICT: Final = "two rows of the same time differ"
YEAR_2100: Final = 4_102_444_800

# Why a row cannot be read. A cell is never a text, so the two can share a type.
Problem: TypeAlias = str
# What a row holds, and its timestamp as written.
ParsedCell: TypeAlias = tuple[Cell | Problem, bytes]
# By assignment and key.
CellTable: TypeAlias = dict[str, dict[str, ParsedCell]]


def grades_request(section_path: str, since: datetime | None, assignment_id: str | None = None) -> Request:
    """Build the call for grades: all, or those changed since a time of Schoology's clock.

    It asks from a little earlier, for what was being written when the last response was made
    (upstream.md Schoology §2.7).
    """
    path = f"{section_path}/grades?{PAGE}"
    if assignment_id is not None:
        path += f"&assignment_id={assignment_id}"
    if since is not None:
        path += f"&timestamp={int((since - OVERLAP).timestamp())}"
    return Request(GRADES.kind, path)


@dataclass(frozen=True, slots=True)
class GradeReader:
    """Read the grades of some of a section's assignments, all of them or those changed `since`.

    `cell_count` is how many cells the section has.
    """

    calls: Calls
    section_path: str
    roster: Roster
    assignments: tuple[Assignment, ...]
    cell_count: int
    since: datetime | None = None

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
        return parse_cells(rows, self.roster, self._ids())

    async def read_by_assignment(self, ids: Iterable[str] | None = None) -> Cells:
        """Read some or all of the assignments with a call each."""
        slots = asyncio.Semaphore(CONCURRENT_READS)
        wanted = [each for each in (self._ids() if ids is None else ids) if ID.fullmatch(each)]
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
        return select_cells(parse_cells(rows, self.roster, [assignment_id]), {assignment_id})

    def _ids(self) -> list[str]:
        return [assignment.id for assignment in self.assignments]


def parse_cells(rows: Rows[GradeRow], roster: Roster, requested: Iterable[str]) -> Cells:
    """Make cells of a response that stands for the assignments `requested` (upstream.md Schoology §2.7).

    A row that is given twice counts once; of two that differ the newer counts. `read_through` leaves out
    the assignments with a row that could not be read, so that it is asked for again.
    """
    table = _CellCollector(roster).collect(rows.rows)
    unreadable = {
        (assignment, key): value
        for assignment, parsed in table.items()
        for key, (value, _) in parsed.items()
        if isinstance(value, str)
    }
    doubted = {assignment for assignment, _ in unreadable}
    return Cells(
        cells={assignment: _keep_readable(parsed) for assignment, parsed in table.items() if assignment},
        unreadable=unreadable,
        read_through=_compute_cursors(table, rows.date, requested, doubted),
    )


def select_cells(cells: Cells, assignments: Collection[str]) -> Cells:
    """Return the cells of some assignments; unreadable rows without an assignment stay."""
    return Cells(
        cells={a: row for a, row in cells.cells.items() if a in assignments},
        unreadable={k: why for k, why in cells.unreadable.items() if k[0] in (NO_ASSIGNMENT, *assignments)},
        partial=cells.partial & frozenset(assignments),
        read_through={a: t for a, t in cells.read_through.items() if a in assignments},
    )


def merge_cells(parts: Iterable[Cells]) -> Cells:
    """Merge several responses, later ones on top. What any of them could read is readable."""
    rows: dict[str, dict[str, Cell]] = {}
    unreadable: dict[tuple[str, str], str] = {}
    read_through: dict[str, datetime] = {}
    for part in parts:
        for assignment, row in part.cells.items():
            rows.setdefault(assignment, {}).update(row)
        unreadable |= part.unreadable
        read_through = {**part.read_through, **read_through}
    doubted = {key: why for key, why in unreadable.items() if key[1] not in rows.get(key[0], {})}
    return Cells(rows, doubted, read_through=read_through)


class _CellCollector:
    """Collect rows by assignment and student. Values repeat, so each is parsed once for a response."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._is_doubtful = cache(roster.is_doubtful)
        self._parse_assignment = cache(_parse_id)
        self._parse_student = cache(self._parse_key)
        self._parse_value = cache(_parse_value)

    def collect(self, rows: Iterable[GradeRow | None]) -> CellTable:
        table: CellTable = {}
        for number, row in enumerate(rows, 1):
            assignment, key, parsed = self._parse_row(number, row or GradeRow())
            column = table.setdefault(assignment, {})
            known = column.setdefault(key, parsed)
            if known is not parsed:
                column[key] = _pick_newer(known, parsed)
        return table

    def _parse_row(self, number: int, row: GradeRow) -> tuple[str, str, ParsedCell]:
        assignment = self._parse_assignment(bytes(row.assignment_id))
        key = self._parse_student(bytes(row.enrollment_id))
        value = self._parse_value(bytes(row.grade), bytes(row.exception))
        if not (assignment and key):
            key, value = f"row:{number}", "the row has no readable enrollment or assignment"
        elif self._is_doubtful(key):
            value = ENROLLMENT_UNREADABLE
        return assignment, key, (value, bytes(row.timestamp))

    def _parse_key(self, raw: bytes) -> str:
        enrollment = _parse_id(raw)
        return self._roster.cell_key(enrollment) if enrollment else ""


def _pick_newer(first: ParsedCell, second: ParsedCell) -> ParsedCell:
    older, newer = sorted((first, second), key=_parse_timestamp)
    if _parse_timestamp(older) == _parse_timestamp(newer) and older[0] != newer[0]:
        return CONFLICT, newer[1]
    return newer


def _keep_readable(column: Mapping[str, ParsedCell]) -> dict[str, Cell]:
    return {key: value for key, (value, _) in column.items() if not isinstance(value, str)}


def _compute_cursors(
    table: CellTable, date: datetime | None, requested: Iterable[str], doubted: set[str]
) -> dict[str, datetime]:
    """Return the cursor of each certain assignment: Schoology's Date, else the latest time of a cell."""
    if NO_ASSIGNMENT in doubted:
        return {}
    certain = [assignment for assignment in requested if assignment not in doubted]
    if date is not None:
        return dict.fromkeys(certain, date)
    latest = max((_parse_timestamp(cell) for column in table.values() for cell in column.values()), default=0)
    return dict.fromkeys(certain, datetime.fromtimestamp(latest, UTC)) if latest else {}


def _parse_timestamp(cell: ParsedCell) -> int:
    """Return Unix seconds; 0, which means never, also for what is no time."""
    text = read_bare(cell[1])
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return 0
    seconds = int(text)
    return seconds if seconds < YEAR_2100 else 0


def _parse_id(raw: bytes) -> str:
    try:
        return require_id("id", raw)
    except UnreadableError:
        return ""


def _parse_value(grade: bytes, exception: bytes) -> Cell | Problem:
    """Return what a row holds. A blank needs a grade and an exception in the row, both none (R36)."""
    code = read_bare(exception) or "0"
    if not (code.isascii() and code.isdigit() and len(code) <= 6):
        return "exception is no code"
    try:
        points = read_number("grade", grade)
    except UnreadableError as problem:
        return str(problem)
    if int(code):
        return Mark(int(code), points)
    if points is None and not (grade and exception):
        return "the row has no grade or no exception"
    return points
