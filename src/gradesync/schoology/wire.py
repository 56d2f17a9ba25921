"""Decode Schoology's responses: wrappers, pages and rows, no further than needed.

A row's fields stay raw JSON: each is read by itself, so that one garbled value costs its own row only
(upstream.md Schoology §1.8 to §1.10, §2.1 to §2.7).
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.scalars import ID, read_bare

ABSENT = Raw(b"")

T = TypeVar("T")


class SectionRow(Struct, gc=False):
    id: Raw = ABSENT
    course_title: Raw = ABSENT
    section_title: Raw = ABSENT
    building_id: Raw = ABSENT
    section_school_code: Raw = ABSENT
    synced: Raw = ABSENT
    options: Raw = ABSENT


class SchoolRow(Struct, gc=False):
    id: Raw = ABSENT
    title: Raw = ABSENT


class OptionsRow(Struct, gc=False):
    weighted_grading_categories: Raw = ABSENT


class EnrollmentRow(Struct, gc=False):
    id: Raw = ABSENT
    uid: Raw = ABSENT
    school_uid: Raw = ABSENT
    admin: Raw = ABSENT
    status: Raw = ABSENT
    cross_listed_section_school_code: Raw = ABSENT
    name_display: Raw = ABSENT
    name_first: Raw = ABSENT
    name_last: Raw = ABSENT


class ItemRow(Struct, gc=False):
    id: Raw = ABSENT
    title: Raw = ABSENT
    due: Raw = ABSENT
    max_points: Raw = ABSENT
    factor: Raw = ABSENT
    grading_category: Raw = ABSENT
    grading_period: Raw = ABSENT
    count_in_grade: Raw = ABSENT
    collected_only: Raw = ABSENT
    assignees: Raw = ABSENT
    web_url: Raw = ABSENT
    is_final: Raw = ABSENT


class CategoryRow(Struct, gc=False):
    id: Raw = ABSENT
    title: Raw = ABSENT
    calculation_type: Raw = ABSENT
    drop_lowest: Raw = ABSENT
    weight: Raw = ABSENT


class PeriodRow(Struct, gc=False):
    id: Raw = ABSENT
    title: Raw = ABSENT
    start: Raw = ABSENT
    end: Raw = ABSENT


class GradeRow(Struct, gc=False):
    enrollment_id: Raw = ABSENT
    assignment_id: Raw = ABSENT
    grade: Raw = ABSENT
    exception: Raw = ABSENT
    timestamp: Raw = ABSENT


class InnerRow(Struct, gc=False):
    """Hold one response inside a multiget."""

    response_code: Raw = ABSENT
    body: Raw = ABSENT


class _Envelope(Struct, gc=False):
    """Hold the wrappers of all lists; a response has the one of its kind."""

    enrollment: Raw = ABSENT
    assignment: Raw = ABSENT
    grading_category: Raw = ABSENT
    grading_period: Raw = ABSENT
    grades: Raw = ABSENT
    grade: Raw = ABSENT
    response: Raw = ABSENT
    section: Raw = ABSENT
    school: Raw = ABSENT
    building: Raw = ABSENT
    total: Raw = ABSENT
    links: Raw = ABSENT


class _EmptyList(Struct, gc=False, forbid_unknown_fields=True):
    """Hold all that a list without its wrapper may have: with more, it is something else."""

    total: Raw = ABSENT
    links: Raw = ABSENT
    period: Raw = ABSENT
    final_grade: Raw = ABSENT


class _Links(Struct, gc=False):
    next: str | None = None


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
    """Return the key that distinguishes a row in its list; None where it has none."""
    if isinstance(row, GradeRow):
        return tuple(bytes(each) for each in msgspec.structs.astuple(row))
    return read_bare(getattr(row, "id", ABSENT)) or None


def unexpected(kind: str, problem: str) -> SyncStopped:
    """Make the error for a response that makes no sense; its text names the call, never the content."""
    return SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"Schoology's {kind}: {problem}")


def decode_object(kind: str, shape: type[T], body: bytes | Raw) -> T:
    """Decode a response that is a single object."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (ValueError, RecursionError):
        raise unexpected(kind, "the response is no JSON object of the expected shape") from None


def decode_page(listing: Listing[T], body: bytes | Raw) -> Page[T]:
    """Decode a response that is a list, or a page of one.

    Raises `SyncStopped` for anything that is not that list; the parent object, which Schoology answers
    to paths that it does not know, included.
    """
    kind = listing.kind
    envelope = decode_object(kind, _Envelope, body)
    raw: Raw = getattr(envelope, listing.wrappers[0])
    total = _read_total(envelope.total)
    if not memoryview(raw):
        _check_empty(kind, body, total)
    for wrapper in listing.wrappers[1:]:
        raw = _unwrap(kind, raw, wrapper)
    return Page(_decode_rows(kind, raw, listing.row), _read_next(kind, envelope.links), total)


def _check_empty(kind: str, body: bytes | Raw, total: int | None) -> None:
    """Raise `SyncStopped` unless a list without its wrapper is an empty list and nothing else."""
    try:
        _empty_list.decode(body)
    except ValueError:
        raise unexpected(kind, "the response has no such list") from None
    if total:
        raise unexpected(kind, "the response announces rows and has none")


def _unwrap(kind: str, raw: Raw, wrapper: str) -> Raw:
    if _is_empty(raw):
        return ABSENT
    inner: Raw = getattr(decode_object(kind, _Envelope, raw), wrapper)
    return inner


def _is_empty(raw: Raw) -> bool:
    """Return True for a list that is absent, null, or PHP's empty array where an object should be."""
    return read_bare(raw) in ("", "[]", "{}")


def _decode_rows(kind: str, raw: Raw, row: type[T]) -> list[T | None]:
    """Decode the rows below a wrapper; a lone row may come as an object instead of a list."""
    if _is_empty(raw):
        return []
    if bytes(memoryview(raw)[:1]) == b"{":
        return [_decode_row(raw, row)]
    try:
        return list(msgspec.json.decode(raw, type=list[row]))  # type: ignore[valid-type]
    except (ValueError, RecursionError):
        return [_decode_row(each, row) for each in decode_object(kind, list[Raw], raw)]


def _decode_row(raw: Raw, row: type[T]) -> T | None:
    try:
        return msgspec.json.decode(raw, type=row)
    except (ValueError, RecursionError):
        return None


def _read_next(kind: str, links: Raw) -> str | None:
    """Return the address of the next page. Links of another shape than an object have none."""
    if _is_empty(links):
        return None
    return decode_object(kind, _Links, links).next or None


def _read_total(raw: Raw) -> int | None:
    text = read_bare(raw)
    return int(text) if ID.fullmatch(text) else None
