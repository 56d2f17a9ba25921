"""Read a section's grade setup: its categories, how they count, and its grading periods."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Final

from msgspec import Raw

from gradesync.core.gradebook import Category
from gradesync.errors import SyncStopped
from gradesync.schoology.scalars import (
    UnreadableError,
    read_bare,
    read_day,
    read_flag,
    read_number,
    read_text,
    require_id,
)
from gradesync.schoology.wire import CategoryRow, OptionsRow, PeriodRow, SectionRow, decode_object

BY_PERCENT: Final = "1"
MAX_DROPPED: Final = 10


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
    dropped = _read_number(row.drop_lowest) or Decimal(0)
    return Category(
        require_id("id", row.id),
        read_text("title", row.title),
        by_percent=read_bare(row.calculation_type) == BY_PERCENT,
        drop_lowest=min(max(int(dropped), 0), MAX_DROPPED),
        weight=_read_number(row.weight),
    )


def _read_number(raw: Raw) -> Decimal | None:
    try:
        return read_number("number", raw)
    except UnreadableError:
        return None


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


def _read_days(rows: Iterable[tuple[Raw, Raw]]) -> dict[str, date]:
    days: dict[str, date] = {}
    for key, raw in rows:
        with suppress(UnreadableError):
            if day := read_day("date", raw):
                days[require_id("id", key)] = day
    return days


def read_period_titles(rows: Iterable[PeriodRow | None]) -> dict[str, str]:
    """Return the title of each grading period; an unreadable one is left out."""
    titles: dict[str, str] = {}
    for row in filter(None, rows):
        with suppress(UnreadableError):
            titles[require_id("id", row.id)] = read_text("title", row.title).strip()
    return titles
