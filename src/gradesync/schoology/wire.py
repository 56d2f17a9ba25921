"""Decode Schoology's responses: wrappers, pages and rows, no further than needed.

A list is decoded at once. Where that fails, each row is by itself, and of a row that fails each field: a
garbled text or number costs its own row only. A value nested so deep that JSON around it cannot be skipped
costs the whole response (upstream.md Schoology §1.8 to §1.10, §2.1 to §2.7).
"""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.scalars import (
    UNDECODABLE,
    decode_value,
    is_id,
    mark_halves,
    read_bare,
    read_id,
    read_leniently,
)

ABSENT = Raw(b"")
# Forms of a list that has nothing: absent, null, or PHP's empty array for an object; these as texts too.
EMPTY = frozenset({b"", b"null", b'""', b"[]", b"{}", b'"null"', b'"[]"', b'"{}"'})
BEYOND_EMPTY = 1 + max(map(len, EMPTY))

T = TypeVar("T")


class SectionRow(Struct, gc=False):
    id: Any = None
    course_title: Any = None
    section_title: Any = None
    building_id: Any = None
    section_school_code: Any = None
    synced: Any = None
    options: Raw = ABSENT


class SchoolRow(Struct, gc=False):
    id: Any = None
    title: Any = None


class OptionsRow(Struct, gc=False):
    weighted_grading_categories: Any = None


class EnrollmentRow(Struct, gc=False):
    id: Any = None
    uid: Any = None
    school_uid: Any = None
    admin: Any = None
    status: Any = None
    cross_listed_section_school_code: Any = None
    name_display: Any = None
    name_first: Any = None
    name_last: Any = None


class ItemRow(Struct, gc=False):
    id: Any = None
    title: Any = None
    due: Any = None
    max_points: Any = None
    factor: Any = None
    grading_category: Any = None
    grading_period: Any = None
    count_in_grade: Any = None
    collected_only: Any = None
    assignees: Any = None
    web_url: Any = None
    is_final: Any = None


class CategoryRow(Struct, gc=False):
    id: Any = None
    title: Any = None
    calculation_type: Any = None
    drop_lowest: Any = None
    weight: Any = None


class PeriodRow(Struct, gc=False):
    id: Any = None
    title: Any = None
    start: Any = None
    end: Any = None


class GradeRow(Struct, gc=False):
    """Hold a cell as raw JSON: there are very many, and most repeat values that are decoded once."""

    enrollment_id: Raw = ABSENT
    assignment_id: Raw = ABSENT
    grade: Raw = ABSENT
    exception: Raw = ABSENT
    timestamp: Raw = ABSENT


class InnerRow(Struct, gc=False):
    """Hold one response inside a multiget."""

    response_code: Any = None
    body: Raw = ABSENT


class _EmptyList(Struct, gc=False, forbid_unknown_fields=True):
    """Hold all that a list without its wrapper may have: with more, it is something else."""

    total: Raw = ABSENT
    links: Raw = ABSENT
    period: Raw = ABSENT
    final_grade: Raw = ABSENT


class _Links(Struct, gc=False):
    next: Any = None


_empty_list = msgspec.json.Decoder(_EmptyList)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Describe a kind of list: the wrapper keys from outside to inside, and the shape of its rows."""

    kind: str
    wrappers: tuple[str, ...]
    row: type[T]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Hold rows of a list, None for one that is no object; `total` where the response has it."""

    rows: list[T | None]
    next: str | None
    total: int | None


ENROLLMENTS = Listing("enrollments", ("enrollment",), EnrollmentRow)
ITEMS = Listing("grade_items", ("assignment",), ItemRow)
CATEGORIES = Listing("grading_categories", ("grading_category",), CategoryRow)
PERIODS = Listing("grading_periods", ("grading_period",), PeriodRow)
GRADES = Listing("grades", ("grades", "grade"), GradeRow)
MULTIGET = Listing("multiget", ("response",), InnerRow)
SECTIONS = Listing("user_sections", ("section",), SectionRow)
SCHOOLS = Listing("schools", ("school",), SchoolRow)
BUILDINGS = Listing("buildings", ("building",), SchoolRow)


def identify_row(row: object) -> object:
    """Return the key that distinguishes a row in its list; None where it has no id that can be read."""
    if isinstance(row, GradeRow):
        return tuple(bytes(each) for each in msgspec.structs.astuple(row))
    return read_leniently(read_id, "id", getattr(row, "id", None))


def unexpected(kind: str, problem: str) -> SyncStopped:
    """Make the error for a response that makes no sense; its text names the call, never the content."""
    return SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"Schoology's {kind}: {problem}")


def decode_object(kind: str, shape: type[T], body: bytes | Raw) -> T:
    """Decode a response that is a single object."""
    found: T | None = _decode_row(body, shape)
    if found is None:
        raise unexpected(kind, "the response is no JSON object of the expected shape")
    return found


def decode_page(listing: Listing[T], body: bytes | Raw) -> Page[T]:
    """Decode a response that is a list, or a page of one.

    Raises `SyncStopped` for anything that is not that list; the parent object, which Schoology answers
    to paths that it does not know, included.
    """
    with suppress(*UNDECODABLE):
        page = rows = _decoder(_shape_whole(listing)).decode(body)
        for wrapper in listing.wrappers:
            rows = getattr(rows, wrapper, None)
        if isinstance(rows, list):
            return Page(rows, _read_next(listing.kind, page.links), _read_total(page.total))
    return decode_by_row(listing, body)


def decode_by_row(listing: Listing[T], body: bytes | Raw) -> Page[T]:
    """Decode a page in which something is missing, garbled, or of another shape than a list of objects."""
    kind, (wrapper, *inner) = listing.kind, listing.wrappers
    page = decode_object(kind, _shape_page(wrapper, Raw), body)
    raw, total = getattr(page, wrapper), _read_total(page.total)
    if not memoryview(raw):
        _check_empty(kind, body, total)
    for each in inner:
        raw = ABSENT if _is_empty(raw) else getattr(decode_object(kind, _shape_page(each, Raw), raw), each)
    return Page(_decode_rows(kind, raw, listing.row), _read_next(kind, page.links), total)


@cache
def _shape_whole(listing: Listing[Any]) -> Any:
    """Return the shape of a page in which nothing is missing."""
    shape: Any = list[listing.row]  # type: ignore[name-defined]
    for wrapper in reversed(listing.wrappers):
        shape = _shape_page(wrapper, shape)
    return shape


@cache
def _shape_page(wrapper: str, rows: Any) -> Any:
    """Return the shape of an object that has a wrapper, and beside it what a page has."""
    fields: Any = [(wrapper, rows, ABSENT), ("total", Raw, ABSENT), ("links", Raw, ABSENT)]
    return msgspec.defstruct("PageShape", fields, gc=False)


def _check_empty(kind: str, body: bytes | Raw, total: int | None) -> None:
    """Raise `SyncStopped` unless a list without its wrapper is an empty list and nothing else."""
    try:
        _empty_list.decode(body)
    except ValueError:
        raise unexpected(kind, "the response has no such list") from None
    if total:
        raise unexpected(kind, "the response announces rows and has none")


def _is_empty(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:BEYOND_EMPTY]) in EMPTY


def _decode_rows(kind: str, raw: Raw, row: type[T]) -> list[T | None]:
    """Decode the rows below a wrapper; a lone row may come as an object instead of a list."""
    if _is_empty(raw):
        return []
    if bytes(memoryview(raw)[:1]) == b"{":
        return [_decode_row(raw, row)]
    try:
        listed: list[Raw] = _decoder(list[Raw]).decode(raw)
    except UNDECODABLE:
        raise unexpected(kind, "the response is no list") from None
    return [_decode_row(each, row) for each in listed]


def _decode_row(raw: bytes | Raw, row: Any) -> Any:
    """Decode an object, `GARBLED` where a field cannot be; None where it is no object."""
    with suppress(*UNDECODABLE):
        return _decoder(row).decode(raw)
    with suppress(*UNDECODABLE):
        raws = _decoder(dict[str, Raw]).decode(mark_halves(raw))
        fields = ((each.name, each.type is Raw) for each in msgspec.structs.fields(row) if each.name in raws)
        return row(**{name: raws[name] if keep else decode_value(raws[name]) for name, keep in fields})
    return None


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape, float_hook=Decimal)


def _read_next(kind: str, links: Raw) -> str | None:
    """Return the address of the next page. Links of another shape than an object have none."""
    if _is_empty(links):
        return None
    link = decode_object(kind, _Links, links).next
    if not isinstance(link, str | None):
        raise unexpected(kind, "its link to the next page is no address")
    return link or None


def _read_total(raw: Raw) -> int | None:
    text = read_bare(decode_value(raw))
    return int(text) if is_id(text) else None
