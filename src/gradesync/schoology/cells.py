"""Grade rows become cells: whose, of which assignment, and what they hold (contract 2.7)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final, TypeAlias

from gradesync.core.gradebook import Cell, Mark
from gradesync.core.ports import Cells
from gradesync.schoology.calls import Rows
from gradesync.schoology.roster import ROW_UNREADABLE, Roster
from gradesync.schoology.scalars import UnreadableError, bare, number, required_ident
from gradesync.schoology.wire import GradeRow

Problem: TypeAlias = str
"""Why a row cannot be read. A cell is never a text."""

Reading: TypeAlias = tuple[Cell | Problem, bytes]
"""What a row says, and its timestamp as written."""

Sheet: TypeAlias = dict[str, dict[str, Reading]]

NAMELESS: Final = ""
"""The assignment of a row that does not tell it."""

CONFLICT: Final = "two rows of the same time differ"
YEAR_2100: Final = 4_102_444_800


def cells(rows: Rows[GradeRow], roster: Roster, asked: Iterable[str]) -> Cells:
    """Read an answer that speaks for the assignments `asked`.

    A row that is given twice counts once; of two that differ the newer counts. `read_through` leaves out
    the assignments with a row that could not be read, so that it is asked for again.
    """
    sheet = _Sheet(roster).filled(rows.rows)
    unreadable = {
        (assignment, key): value
        for assignment, readings in sheet.items()
        for key, (value, _) in readings.items()
        if isinstance(value, str)
    }
    return Cells(
        cells={assignment: _cells(readings) for assignment, readings in sheet.items() if assignment},
        unreadable=unreadable,
        read_through=_read_through(sheet, rows.date, asked, {assignment for assignment, _ in unreadable}),
    )


def only(found: Cells, assignments: Collection[str]) -> Cells:
    """The part of an answer that was asked for; rows that tell no assignment stay in it."""
    return Cells(
        cells={a: row for a, row in found.cells.items() if a in assignments},
        unreadable={k: why for k, why in found.unreadable.items() if k[0] in (NAMELESS, *assignments)},
        partial=found.partial & frozenset(assignments),
        read_through={a: t for a, t in found.read_through.items() if a in assignments},
    )


def joined(parts: Iterable[Cells]) -> Cells:
    """Several answers as one, later ones on top. What any of them could read is readable."""
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


class _Sheet:
    """Collects rows by assignment and student. Values repeat, so each is read once for an answer."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._doubts = cache(roster.doubts)
        self._assignment = cache(_id)
        self._student = cache(self._key)
        self._value = cache(_value)

    def filled(self, rows: Iterable[GradeRow | None]) -> Sheet:
        sheet: Sheet = {}
        for place, row in enumerate(rows, 1):
            assignment, key, reading = self._entry(place, row or GradeRow())
            readings = sheet.setdefault(assignment, {})
            known = readings.setdefault(key, reading)
            if known is not reading:
                readings[key] = _newer(known, reading)
        return sheet

    def _entry(self, place: int, row: GradeRow) -> tuple[str, str, Reading]:
        assignment = self._assignment(bytes(row.assignment_id))
        key = self._student(bytes(row.enrollment_id))
        value = self._value(bytes(row.grade), bytes(row.exception))
        if not (assignment and key):
            key, value = f"row:{place}", "the row does not tell whose it is"
        elif self._doubts(key):
            value = ROW_UNREADABLE
        return assignment, key, (value, bytes(row.timestamp))

    def _key(self, raw: bytes) -> str:
        enrollment = _id(raw)
        return self._roster.key(enrollment) if enrollment else ""


def _newer(one: Reading, other: Reading) -> Reading:
    first, second = sorted((one, other), key=_seconds)
    if _seconds(first) == _seconds(second) and first[0] != second[0]:
        return CONFLICT, second[1]
    return second


def _cells(readings: Mapping[str, Reading]) -> dict[str, Cell]:
    return {key: value for key, (value, _) in readings.items() if not isinstance(value, str)}


def _read_through(
    sheet: Sheet, date: datetime | None, asked: Iterable[str], doubted: set[str]
) -> dict[str, datetime]:
    """Until when the cells of each assignment are known: Schoology's Date, else the answer's latest time."""
    if NAMELESS in doubted:
        return {}
    certain = [assignment for assignment in asked if assignment not in doubted]
    if date is not None:
        return dict.fromkeys(certain, date)
    latest = max((_seconds(reading) for column in sheet.values() for reading in column.values()), default=0)
    return dict.fromkeys(certain, datetime.fromtimestamp(latest, UTC)) if latest else {}


def _seconds(reading: Reading) -> int:
    """Unix seconds; 0, which means never, also for what is no time."""
    text = bare(reading[1])
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return 0
    seconds = int(text)
    return seconds if seconds < YEAR_2100 else 0


def _id(raw: bytes) -> str:
    try:
        return required_ident("id", raw)
    except UnreadableError:
        return ""


def _value(grade: bytes, exception: bytes) -> Cell | Problem:
    """What a row says. A blank must be said: with a grade and an exception in the row, both none (R36)."""
    code = bare(exception) or "0"
    if not (code.isascii() and code.isdigit() and len(code) <= 6):
        return "exception is no code"
    try:
        points = number("grade", grade)
    except UnreadableError as problem:
        return str(problem)
    if int(code):
        return Mark(int(code), points)
    if points is None and not (grade and exception):
        return "the row has no grade or no exception"
    return points
