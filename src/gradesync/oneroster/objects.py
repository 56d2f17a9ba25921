"""Read the objects that a SIS lists (upstream.md OneRoster §2, §4)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from gradesync.core.sis import LiveAssignment, Ref, SisCategory, Spec
from gradesync.oneroster.ids import is_ours
from gradesync.oneroster.profiles import CONSTANT_CATEGORY, Profile
from gradesync.upstream.response import (
    MalformedError,
    UpstreamResponse,
    decode,
    read_day,
    read_number,
    to_plain,
)

Object = Mapping[str, Any]

# What may be deleted is as good as gone; `inactive` is the word of version 1.0.
GONE = frozenset({"tobedeleted", "inactive"})


def is_gone(entry: Object) -> bool:
    """Return True for an object that the SIS keeps only to show that it was deleted."""
    return str(entry.get("status", "")).lower() in GONE


def read_id(entry: Object) -> str | None:
    """Return the sourcedId of an object or a reference; None where it has none."""
    value = entry.get("sourcedId")
    return value if isinstance(value, str) and value else None


def read_ref(entry: Object, name: str) -> str | None:
    """Return the sourcedId that a reference of an object has; None where there is no such reference."""
    ref = entry.get(name)
    return read_id(ref) if isinstance(ref, Mapping) else None


def read_due(value: object, zone: ZoneInfo) -> date | None:
    """Return the day of a due date in the district.

    Midnight in UTC is what a SIS shows that keeps the day alone: there it is the day as written.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None or moment.tzinfo is None or moment.astimezone(UTC).time() == time():
            return read_day(value)
        return moment.astimezone(zone).date()
    except (ValueError, OverflowError):  # the first and the last day of all stand for none
        return None


def read_line_item(
    entry: Object, class_id: str, tenant: str, zone: ZoneInfo, profile: Profile
) -> LiveAssignment | None:
    """Return a line item as listed; None where it was deleted or has no id.

    `spec` is None where a field of it makes no sense.
    """
    key = read_id(entry)
    if key is None or is_gone(entry):
        return None
    name, due = entry.get("title"), read_due(entry.get("dueDate"), zone)
    points = _read_points(entry)
    return LiveAssignment(
        ref=Ref(key),
        name=name if isinstance(name, str) else "",
        due=due,
        spec=_read_spec(entry, due, points, profile),
        ours=is_ours(key, tenant, class_id),
        takes_points=points is not None or read_ref(entry, "scoreScale") is None,
    )


def _read_points(entry: Object) -> Decimal | None:
    try:
        return read_decimal(entry.get("resultValueMax"))
    except MalformedError:
        return None


def read_decimal(value: object) -> Decimal:
    """Return a finite number, which some servers send as text. Raises `MalformedError`."""
    try:
        number = Decimal(value) if isinstance(value, str) else read_number(value)
        if number.is_finite():
            return to_plain(number)
    except ArithmeticError:
        pass
    raise MalformedError("a number makes no sense")


def _read_spec(entry: Object, due: date | None, points: Decimal | None, profile: Profile) -> Spec | None:
    name, category = entry.get("title"), read_ref(entry, "category")
    if profile.categories == "constant":
        category = CONSTANT_CATEGORY  # its teachers move the items to others
    if not isinstance(name, str) or due is None or points is None or category is None:
        return None
    return Spec(name, points, due, Ref(category))


def read_categories(entries: Iterable[Object]) -> tuple[SisCategory, ...]:
    """Return categories. One without id or title is left out."""
    return tuple(_read_each_category(entries))


def _read_each_category(entries: Iterable[Object]) -> Iterator[SisCategory]:
    for entry in entries:
        key, title = read_id(entry), entry.get("title")
        if key is not None and isinstance(title, str):
            yield SisCategory(Ref(key), title, active=not is_gone(entry))


Cells = dict[tuple[str, str], Object]


def index_results(entries: Iterable[Object]) -> tuple[Cells, set[str]]:
    """Return results by line item and student. Of several for one cell the one changed last counts.

    The second value are the line items with a result of nobody knows whom. Raises `MalformedError` where a
    result names no line item either: any cell may have it.
    """
    found: Cells = {}
    unreadable: set[str] = set()
    for entry in sorted(entries, key=lambda entry: str(entry.get("dateLastModified", ""))):
        line_item, student = read_ref(entry, "lineItem"), read_ref(entry, "student")
        if is_gone(entry):
            continue
        if line_item is None:
            raise MalformedError("a result names no line item")
        if student is None:
            unreadable.add(line_item)
        else:
            found[line_item, student] = entry
    return found, unreadable


def read_supplied_ids(response: UpstreamResponse) -> set[str] | None:
    """Return the ids that the SIS confirms, in whose place it may have put its own; None where it names none.

    What is no JSON confirms nothing (R41).
    """
    if not response.body.strip():
        return None
    try:
        content = decode(response.body)
    except MalformedError:
        return set()
    pairs = content.get("sourcedIdPairs") if isinstance(content, Mapping) else None
    if not isinstance(pairs, list):
        return None
    return {str(pair.get("suppliedSourcedId")) for pair in pairs if isinstance(pair, Mapping)}
