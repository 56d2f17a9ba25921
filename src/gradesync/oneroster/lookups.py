"""Find a class, its terms, its categories and its students (upstream.md OneRoster §2)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisCategory, SisSection
from gradesync.errors import SyncStopped
from gradesync.oneroster.calls import Calls, path_to
from gradesync.oneroster.objects import Object, is_gone, read_categories, read_id, read_ref
from gradesync.oneroster.profiles import CONSTANT_CATEGORY, Profile
from gradesync.upstream.response import read_both, read_day, read_each

Period = tuple[str, date, date]


async def resolve_section(
    calls: Calls, profile: Profile, key: str, *, known: SisSection | None = None, term: bool = True
) -> SisSection:
    """Find a class by its sourcedId, and the days of its terms.

    With the class as it was `known` before, its terms are read only where they are wanted or are others.
    """
    found = await calls.read_one(calls.rostering, "class.get", "classes", key, "class")
    if found is None or is_gone(found):
        raise SyncStopped(Reason.SIS_SECTION_NOT_FOUND, f"the SIS has no class {key}")
    terms, school = _read_terms(found), read_ref(found, "school") or ""
    if not school and profile.version == "1.2":
        raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS names no school of class {key}")
    value: dict[str, Any] = {"school": school, "terms": terms}
    before = {} if known is None else known.ref.value
    if known is not None and not term and before.get("terms") == value["terms"]:
        value["periods"] = before.get("periods", [])
        return SisSection(Ref(key, value), known.term_first, known.term_last, date.max)
    if not terms:
        raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS names no term of class {key}")
    reads = (_read_term(calls, profile, each) for each in terms)
    sessions, periods = await read_both(read_each(reads), _read_periods(calls, profile, terms))
    named = [] if profile.grading_period == "omit" else periods or sessions
    ordered = sorted(named, key=lambda period: (period[2] - period[1], period[1]))
    value["periods"] = [[key, first.isoformat(), last.isoformat()] for key, first, last in ordered]
    first, last = min(first for _, first, _ in sessions), max(last for _, _, last in sessions)
    # Nobody acts for a class here: there is no teacher whose days could end.
    return SisSection(Ref(key, value), first, last, date.max)


def _read_terms(found: Object) -> list[str]:
    """Return the ids of a class's terms; none where one of them cannot be read: dates would be refused."""
    listed = found.get("terms")
    entries = listed if isinstance(listed, list) else []
    terms = [read_id(entry) if isinstance(entry, dict) else None for entry in entries]
    named = [term for term in terms if term is not None]
    return named if len(named) == len(terms) else []


async def _read_term(calls: Calls, profile: Profile, term: str) -> Period:
    found = await calls.read_one(calls.rostering, "term.get", "terms", term, "academicSession")
    period = None if found is None else _read_period(found, profile)
    if period is None:
        raise SyncStopped(Reason.SIS_UNREADABLE, "the SIS doesn't show the dates of the class's term")
    return period


def _read_period(entry: Object, profile: Profile) -> Period | None:
    key, first, end = read_id(entry), read_day(entry.get("startDate")), read_day(entry.get("endDate"))
    if key is None or first is None or end is None or end == date.min:
        return None
    last = end - timedelta(days=1) if profile.term_end == "excluded" else end
    return key, first, max(first, last)


async def _read_periods(calls: Calls, profile: Profile, terms: Sequence[str]) -> list[Period]:
    """Return the grading periods of terms; none where line items name none."""
    if profile.grading_period == "omit":
        return []
    paths = (path_to("terms", term, "gradingPeriods") for term in terms)
    listed = await read_each(
        calls.read_all(calls.rostering, "gradingPeriod.list", path, "academicSessions") for path in paths
    )
    read = (_read_period(entry, profile) for entries in listed for entry in entries)
    return [period for period in read if period is not None]


async def read_section_categories(calls: Calls, profile: Profile, class_id: str) -> tuple[SisCategory, ...]:
    """Return the categories that line items of a class may have."""
    if profile.categories == "constant":
        return (SisCategory(Ref(CONSTANT_CATEGORY), "Uncategorized", takes_all=True),)
    of_class = ("classes", class_id) if profile.categories == "class" else ()
    path = path_to(*of_class, "categories")
    return read_categories(await calls.read_all(calls.gradebook, "category.list", path, "categories"))


async def read_students(calls: Calls, class_id: str) -> list[Object]:
    """Return the active students of a class."""
    path = path_to("classes", class_id, "students")
    entries = await calls.read_all(calls.rostering, "student.list", path, "users")
    return [entry for entry in entries if not is_gone(entry)]
