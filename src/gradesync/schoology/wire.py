"""What Schoology's answers look like: wrappers, pages and rows, decoded no further than needed.

A row's fields stay raw JSON: each is read by itself, so that one garbled value costs its own row only.
(Contract 1.8 to 1.10 and 2.)
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.scalars import IDENT, bare

NOTHING = Raw(b"")

T = TypeVar("T")


class SectionRow(Struct, gc=False):
    id: Raw = NOTHING
    section_school_code: Raw = NOTHING
    synced: Raw = NOTHING


class EnrollmentRow(Struct, gc=False):
    id: Raw = NOTHING
    uid: Raw = NOTHING
    school_uid: Raw = NOTHING
    admin: Raw = NOTHING
    status: Raw = NOTHING
    cross_listed_section_school_code: Raw = NOTHING
    name_display: Raw = NOTHING
    name_first: Raw = NOTHING
    name_last: Raw = NOTHING


class ItemRow(Struct, gc=False):
    id: Raw = NOTHING
    title: Raw = NOTHING
    due: Raw = NOTHING
    max_points: Raw = NOTHING
    factor: Raw = NOTHING
    grading_category: Raw = NOTHING
    grading_period: Raw = NOTHING
    count_in_grade: Raw = NOTHING
    collected_only: Raw = NOTHING
    assignees: Raw = NOTHING


class CategoryRow(Struct, gc=False):
    id: Raw = NOTHING
    title: Raw = NOTHING


class PeriodRow(Struct, gc=False):
    id: Raw = NOTHING
    end: Raw = NOTHING


class GradeRow(Struct, gc=False):
    enrollment_id: Raw = NOTHING
    assignment_id: Raw = NOTHING
    grade: Raw = NOTHING
    exception: Raw = NOTHING
    timestamp: Raw = NOTHING


class InnerRow(Struct, gc=False):
    """One answer inside a multiget."""

    response_code: Raw = NOTHING
    body: Raw = NOTHING


class _Envelope(Struct, gc=False):
    """The wrappers of all lists; an answer has the one of its kind."""

    enrollment: Raw = NOTHING
    assignment: Raw = NOTHING
    grading_category: Raw = NOTHING
    grading_period: Raw = NOTHING
    grades: Raw = NOTHING
    grade: Raw = NOTHING
    response: Raw = NOTHING
    section: Raw = NOTHING
    total: Raw = NOTHING
    links: Raw = NOTHING


class _Bare(Struct, gc=False, forbid_unknown_fields=True):
    """All that a list without its wrapper may hold: with more, it is something else."""

    total: Raw = NOTHING
    links: Raw = NOTHING
    period: Raw = NOTHING
    final_grade: Raw = NOTHING


class _Links(Struct, gc=False):
    next: str | None = None


_bare = msgspec.json.Decoder(_Bare)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A kind of list: the wrapper keys from outside to inside, and the shape of its rows."""

    kind: str
    wrappers: tuple[str, ...]
    row: type[T]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of a list, None for one that is no object; `total` where the answer tells it."""

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


def unexpected(kind: str, what: str) -> SyncStopped:
    """The answer to a call makes no sense. Names the call and the trouble, never what was answered."""
    return SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"{kind}: {what}")


def one(kind: str, shape: type[T], body: bytes | Raw) -> T:
    """An answer that is a single object."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (ValueError, RecursionError):
        raise unexpected(kind, "the answer is no JSON object of the expected shape") from None


def page(listing: Listing[T], body: bytes | Raw) -> Page[T]:
    """An answer that is a list, or a page of one.

    Raises `SyncStopped` for anything that is not that list; the parent object, which Schoology answers
    to paths that it does not know, included.
    """
    kind = listing.kind
    outer = one(kind, _Envelope, body)
    raw: Raw = getattr(outer, listing.wrappers[0])
    total = _total(outer.total)
    if not memoryview(raw):
        _check_empty(kind, body, total)
    for wrapper in listing.wrappers[1:]:
        raw = _inner(kind, raw, wrapper)
    return Page(_children(kind, raw, listing.row), _next(kind, outer.links), total)


def _check_empty(kind: str, body: bytes | Raw, total: int | None) -> None:
    """An empty list may come without its wrapper; then nothing else may speak against it."""
    try:
        _bare.decode(body)
    except ValueError:
        raise unexpected(kind, "the answer has no such list") from None
    if total:
        raise unexpected(kind, "the answer announces rows and has none")


def _inner(kind: str, raw: Raw, wrapper: str) -> Raw:
    if _is_empty(raw):
        return NOTHING
    inner: Raw = getattr(one(kind, _Envelope, raw), wrapper)
    return inner


def _is_empty(raw: Raw) -> bool:
    """Whether a list is none at all: absent, null, or PHP's empty array where an object should be."""
    return bare(raw) in ("", "[]", "{}")


def _children(kind: str, raw: Raw, row: type[T]) -> list[T | None]:
    """The rows below a wrapper; a lone child may come as an object instead of a list."""
    if _is_empty(raw):
        return []
    if bytes(memoryview(raw)[:1]) == b"{":
        return [_child(raw, row)]
    try:
        return list(msgspec.json.decode(raw, type=list[row]))  # type: ignore[valid-type]
    except (ValueError, RecursionError):
        return [_child(each, row) for each in one(kind, list[Raw], raw)]


def _child(raw: Raw, row: type[T]) -> T | None:
    try:
        return msgspec.json.decode(raw, type=row)
    except (ValueError, RecursionError):
        return None


def _next(kind: str, links: Raw) -> str | None:
    """The address of the next page. Links of another shape than an object hold none."""
    if _is_empty(links):
        return None
    return one(kind, _Links, links).next or None


def _total(raw: Raw) -> int | None:
    text = bare(raw)
    return int(text) if IDENT.fullmatch(text) else None
