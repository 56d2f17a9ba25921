"""A section without its cells: what it is, its assignments, categories and grading periods."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from decimal import Decimal

from gradesync.core.gradebook import Assignment, Category
from gradesync.schoology.roster import Roster
from gradesync.schoology.scalars import (
    UnreadableError,
    day,
    flag,
    ident,
    idents,
    number,
    required_ident,
    text,
)
from gradesync.schoology.wire import CategoryRow, ItemRow, PeriodRow, SectionRow, unexpected


def section(section_id: str, row: SectionRow) -> tuple[str | None, bool]:
    """The section's school code, and whether the SIS made it (contract 2.1).

    Raises `SyncStopped` where the answer is not that section.
    """
    try:
        if ident("id", row.id) != section_id:
            raise unexpected("section", "the answer is another object than the section")
        return text("section_school_code", row.section_school_code) or None, flag("synced", row.synced)
    except UnreadableError as problem:
        raise unexpected("section", str(problem)) from None


def assignments(rows: Iterable[ItemRow | None], roster: Roster) -> tuple[Assignment, ...]:
    """The assignments in the order of the answer; a row without an id has the id `row:<place>`."""
    found: dict[str, Assignment] = {}
    for place, row in enumerate(rows, 1):
        read = _assignment(row or ItemRow(), place, roster)
        found[read.id] = read
    return tuple(found.values())


def _assignment(row: ItemRow, place: int, roster: Roster) -> Assignment:
    try:
        return _readable(row, roster)
    except UnreadableError as problem:
        return Assignment(
            _lenient(row, "id") or f"row:{place}", _lenient(row, "title"), None, unreadable=str(problem)
        )


def _readable(row: ItemRow, roster: Roster) -> Assignment:
    """An assignment (contract 2.6). Points and factor have an answer of their own where they are garbled."""
    return Assignment(
        id=required_ident("id", row.id),
        title=text("title", row.title),
        max_points=_points(row),
        due=day("due", row.due),
        category_id=ident("grading_category", row.grading_category),
        period_id=ident("grading_period", row.grading_period),
        factor=_factor(row),
        counts=flag("count_in_grade", row.count_in_grade, absent=True),
        collected_only=flag("collected_only", row.collected_only),
        assignees=frozenset(roster.key(each) for each in idents("assignees", row.assignees)) or None,
    )


def _lenient(row: ItemRow, name: str) -> str:
    """What can be told of a row that is unreadable elsewhere, so that a teacher can find it."""
    read = ident if name == "id" else text
    try:
        return read(name, getattr(row, name)) or ""
    except UnreadableError:
        return ""


def _points(row: ItemRow) -> Decimal | None:
    try:
        return number("max_points", row.max_points)
    except UnreadableError:
        return None


def _factor(row: ItemRow) -> Decimal:
    try:
        factor = number("factor", row.factor)
    except UnreadableError:
        factor = None
    return Decimal(1) if factor is None else factor


def categories(rows: Iterable[CategoryRow | None]) -> tuple[Category, ...]:
    """The grading categories; an unreadable one is left out, so that its assignments count as unmapped."""
    found: dict[str, Category] = {}
    for row in rows:
        with suppress(UnreadableError):
            read = _category(row or CategoryRow())
            found[read.id] = read
    return tuple(found.values())


def _category(row: CategoryRow) -> Category:
    return Category(required_ident("id", row.id), text("title", row.title))


def periods(rows: Iterable[PeriodRow | None]) -> dict[str, date]:
    """The last date of each grading period; one without a readable date is left out."""
    found: dict[str, date] = {}
    for row in filter(None, rows):
        with suppress(UnreadableError):
            last = day("end", row.end)
            if last is not None:
                found[required_ident("id", row.id)] = last
    return found
