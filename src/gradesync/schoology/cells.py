"""Make cells of the rows of a grades response (upstream.md Schoology §2.7)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Final, NamedTuple, TypeAlias

from gradesync.core.gradebook import ANONYMOUS, UNTOUCHED, Cell, Enrollment, Mark, Score
from gradesync.core.ports import Cells
from gradesync.schoology.calls import Rows
from gradesync.schoology.scalars import UnreadableError, decode_value, read_bare, read_number, require_id
from gradesync.schoology.section import Roster, foreign_key
from gradesync.schoology.wire import GradeRow

NO_ASSIGNMENT: Final = ""
CONFLICT: Final = "two rows of the same time differ"
YEAR_2100: Final = 4_102_444_800

# When a section's cells were last changed where nobody ever touched one.
EPOCH: Final = datetime.fromtimestamp(0, UTC)

# Why a row cannot be read. A cell is never a text, so the two can share a type.
Problem: TypeAlias = str
# What a row holds, and its timestamp as written.
ParsedCell: TypeAlias = tuple[Score | Problem, bytes]
# By assignment and key.
CellTable: TypeAlias = dict[str, dict[str, ParsedCell]]


class _Row(NamedTuple):
    """Hold the cell of one of a student's several enrollments."""

    enrollment: Enrollment
    cell: ParsedCell


def parse_cells(rows: Rows[GradeRow], roster: Roster, requested: Iterable[str], known: datetime) -> Cells:
    """Make cells of a response that stands for the assignments `requested` (upstream.md Schoology §2.7).

    A row that is given twice counts once; of two that differ the newer counts. `known` is a time that an
    earlier response had seen of the cells' clock. `read_through` leaves out the assignments with a row that
    could not be read, so that it is asked for again.
    """
    table = _CellCollector(roster).collect(rows.rows)
    times = {raw for column in table.values() for _, raw in column.values()}
    now = rows.begun.timestamp() if rows.begun else YEAR_2100
    latest = max((seconds for seconds in map(_parse_time, times) if seconds <= now), default=0)
    differing = _join_enrollments(table, roster) if roster.shared else frozenset[tuple[str, str]]()
    unreadable = {
        (assignment, key): value
        for assignment, parsed in table.items()
        for key, (value, _) in parsed.items()
        if isinstance(value, str)
    }
    doubted = {assignment for assignment, _ in unreadable}
    certain = [] if NO_ASSIGNMENT in doubted else [each for each in requested if each not in doubted]
    # No clock but the cells' own moves a cursor (R48), and it is one clock for the whole section. A cell from
    # the future moves none: changes that are stamped until then would be missed.
    cursor = max(known, datetime.fromtimestamp(latest, UTC))
    return Cells(
        cells={assignment: _keep_readable(parsed) for assignment, parsed in table.items() if assignment},
        unreadable=unreadable,
        differing=differing,
        blanked=_find_blanked(table),
        read_through=dict.fromkeys(certain, cursor),
    )


def select_cells(cells: Cells, assignments: Collection[str]) -> Cells:
    """Return the cells of some assignments; unreadable rows without an assignment stay."""
    return Cells(
        cells={a: row for a, row in cells.cells.items() if a in assignments},
        unreadable={k: why for k, why in cells.unreadable.items() if k[0] in (NO_ASSIGNMENT, *assignments)},
        differing=frozenset(key for key in cells.differing if key[0] in assignments),
        blanked={key: made for key, made in cells.blanked.items() if key[0] in assignments},
        partial=cells.partial & frozenset(assignments),
        read_through={a: t for a, t in cells.read_through.items() if a in assignments},
    )


def merge_cells(parts: Iterable[Cells]) -> Cells:
    """Merge several responses, later ones on top. What any of them could read is readable."""
    rows: dict[str, Mapping[str, Cell]] = {}
    unreadable: dict[tuple[str, str], str] = {}
    differing: set[tuple[str, str]] = set()
    blanked: dict[tuple[str, str], datetime] = {}
    read_through: dict[str, datetime] = {}
    for part in parts:
        for assignment, row in part.cells.items():
            known = rows.get(assignment)
            rows[assignment] = {**known, **row} if known else row  # nearly all are in one part: not copied
        unreadable |= part.unreadable
        differing = {key for key in differing if key[1] not in part.cells.get(key[0], {})} | part.differing
        blanked |= part.blanked
        read_through = {**part.read_through, **read_through}
    doubted = {key: why for key, why in unreadable.items() if key[1] not in rows.get(key[0], {})}
    return Cells(rows, doubted, frozenset(differing), blanked, read_through=read_through)


class _CellCollector:
    """Collect rows by assignment and student. Values repeat, so each is parsed once for a response."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
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
            key, value = f"{ANONYMOUS}{number}", "the row has no readable enrollment or assignment"
        return assignment, key, (value, bytes(row.timestamp))

    def _parse_key(self, raw: bytes) -> str:
        """Return the key of an enrollment's cells; an empty text where there is none."""
        enrollment = _parse_id(raw)
        if not enrollment:
            return ""
        foreign = foreign_key(enrollment)
        return foreign if foreign in self._roster.shared else self._roster.cell_key(enrollment)


def _join_enrollments(table: CellTable, roster: Roster) -> frozenset[tuple[str, str]]:
    """Join the cells of students with several enrollments (R39), and return those whose scores differ."""
    differing = set()
    for assignment, column in table.items():
        joined: dict[str, list[_Row]] = {}
        for key in column.keys() & roster.shared.keys():
            uid, enrollment = roster.shared[key]
            joined.setdefault(uid, []).append(_Row(enrollment, column.pop(key)))
        for uid, rows in joined.items():
            if (chosen := _choose_row(rows, active=roster.students[uid].active)) is not None:
                column[uid] = _take_back_nothing(chosen, rows)
                if _differs(chosen, rows):
                    differing.add((assignment, uid))
    return frozenset(differing)


def _find_blanked(table: CellTable) -> dict[tuple[str, str], datetime]:
    """Return when the blanks were made that somebody made."""
    return {
        (assignment, key): datetime.fromtimestamp(made, UTC)
        for assignment, column in table.items()
        for key, (value, raw) in column.items()
        if value is None and (made := _parse_time(raw))
    }


def _choose_row(rows: Iterable[_Row], *, active: bool) -> _Row | None:
    """Return the row that counts: an active student's of an active enrollment; of those the latest."""
    candidates = [row for row in rows if row.enrollment.active or not active]
    return max(candidates, key=_recency, default=None)


def _recency(row: _Row) -> tuple[int, bool, int]:
    return _parse_timestamp(row.cell), row.cell[0] is not None, int(row.enrollment.id)


def _take_back_nothing(chosen: _Row, rows: Iterable[_Row]) -> ParsedCell:
    """Return the cell that counts; never touched where it is a blank older than a score beside it (R38)."""
    value, _ = chosen.cell
    newer = [row for row in rows if _parse_timestamp(row.cell) > _parse_timestamp(chosen.cell)]
    overtaken = value is None and any(row.cell[0] is not None for row in newer)
    return (None, b"") if overtaken else chosen.cell


def _differs(chosen: _Row, rows: Iterable[_Row]) -> bool:
    """Return True where another enrollment was given another score. A blank never touched is none."""
    touched = [row for row in (chosen, *rows) if row.cell[0] is not None or _parse_timestamp(row.cell)]
    return chosen in touched and any(row.cell[0] != chosen.cell[0] for row in touched)


def _pick_newer(first: ParsedCell, second: ParsedCell) -> ParsedCell:
    older, newer = sorted((first, second), key=_parse_timestamp)
    if _parse_timestamp(older) == _parse_timestamp(newer) and older[0] != newer[0]:
        return CONFLICT, newer[1]
    return newer


def _keep_readable(column: Mapping[str, ParsedCell]) -> dict[str, Cell]:
    return {
        key: _to_cell(value, cell) for key, cell in column.items() if not isinstance(value := cell[0], str)
    }


def _to_cell(value: Score, cell: ParsedCell) -> Cell:
    return UNTOUCHED if value is None and not _parse_timestamp(cell) else value


def _parse_timestamp(cell: ParsedCell) -> int:
    """Return Unix seconds; 0, which means never, also for what is no time."""
    return _parse_time(cell[1])


# Many cells are touched in one second, and most never.
@lru_cache(maxsize=4096)
def _parse_time(raw: bytes) -> int:
    text = read_bare(decode_value(raw))
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return 0
    seconds = int(text)
    return seconds if seconds < YEAR_2100 else 0


def _parse_id(raw: bytes) -> str:
    try:
        return require_id("id", decode_value(raw))
    except UnreadableError:
        return ""


def _parse_value(grade: bytes, exception: bytes) -> Score | Problem:
    """Return what a row holds. A blank needs a grade and an exception in the row, both none (R36)."""
    code = read_bare(decode_value(exception)) or "0"
    if not (code.isascii() and code.isdigit() and len(code) <= 6):
        return "exception is no code"
    try:
        points = read_number("grade", decode_value(grade))
    except UnreadableError as problem:
        return str(problem)
    if int(code):
        return Mark(int(code), points)
    if points is None and not (grade and exception):
        return "the row has no grade or no exception"
    return points
