"""Gather the facts that the sentences about an assignment name: dates, lengths, points, its category."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from gradesync.core.catalogue import SIS_NAME
from gradesync.core.gradebook import Assignment
from gradesync.core.sis import Capabilities, SisSection

# Fact -> its words, as sentences of the catalogue name them in braces.
Facts: TypeAlias = Mapping[str, str]
SOURCE_NAME = "Schoology"
NO_FACTS: Facts = MappingProxyType({})


def gather_facts(
    assignment: Assignment, due: date, category: str, section: SisSection, capabilities: Capabilities
) -> Facts:
    """Return the facts of an assignment that is `due` at that date; leave out what is not known."""
    name = assignment.title.strip()
    points = assignment.max_points
    facts = {
        "name": name,
        "length": str(len(name)),
        "name_max": str(capabilities.name_max),
        "points": _format_points(points) if points is not None and points.is_finite() else "",
        "points_max": _format_points(capabilities.points_max),
        "due": format_date(due),
        "first": format_date(section.term_first),
        "last": format_date(section.term_last),
        "category": category,
    }
    return {fact: words for fact, words in facts.items() if words}


def name_system(detail: str) -> Facts:
    """Return the system that a detail of ours is about, unless it names none or both."""
    named = [name for name in (SOURCE_NAME, SIS_NAME) if name.casefold() in detail.casefold()]
    return {"system": named[0]} if len(named) == 1 else NO_FACTS


def format_date(day: date) -> str:
    """Format a date as American schools write it: "Nov 28, 2026"."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def _format_points(points: Decimal) -> str:
    whole = points == points.to_integral_value()
    return f"{int(points):,}" if whole else format(points.normalize(), "f")


# Not by the locale of the process.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
