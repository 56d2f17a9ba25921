"""Check that a row is read alike whether its list can be decoded at once or not."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gradesync.errors import SyncStopped
from gradesync.schoology.section import Roster, read_assignments, read_roster
from gradesync.schoology.wire import (
    ENROLLMENTS,
    GRADES,
    ITEMS,
    MULTIGET,
    EnrollmentRow,
    ItemRow,
    Listing,
    Page,
    decode_by_row,
    decode_page,
)

# A byte that no text has; the first half of a character without the second, and the second alone.
ODD = st.sampled_from([b"\xff", rb"\ud83d", rb"\uDE00", rb"\\\ud83d \ud83d\ude00"])
garbled_rows = ODD.map(lambda odd: b'{"id": "9", "title": "%b", "name_first": "%b"}' % (odd, odd))
KNOWN = st.sampled_from(["", "0", "1", "null", "5790001", "9.50", "2026-09-30"])
numbers = st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False))
texts = st.one_of(st.text(st.characters(codec="utf-8"), max_size=9), KNOWN)
values = st.one_of(st.none(), st.booleans(), numbers, texts, st.lists(texts, max_size=2), st.just({}))


def rows(*names: str) -> st.SearchStrategy[list[bytes]]:
    row = st.dictionaries(st.sampled_from(names), values).map(lambda row: json.dumps(row).encode())
    return st.lists(row, max_size=4)


def wrap(listing: Listing[ItemRow] | Listing[EnrollmentRow], *given: bytes) -> bytes:
    return b'{"%s": [%s]}' % (listing.wrappers[0].encode(), b",".join(given))


@given(rows(*ItemRow.__struct_fields__), garbled_rows)
def test_garbled_assignment_costs_no_other_row(given: list[bytes], odd: bytes) -> None:
    alone = decode_page(ITEMS, wrap(ITEMS, *given)).rows
    beside = decode_page(ITEMS, wrap(ITEMS, *given, odd)).rows
    assert beside[:-1] == alone
    garbled = {each.id: each for each in read_assignments(beside, Roster())}["9"]
    assert garbled.unreadable == "title is no text"


@given(rows(*EnrollmentRow.__struct_fields__), garbled_rows)
def test_garbled_name_costs_no_enrollment(given: list[bytes], odd: bytes) -> None:
    alone = decode_page(ENROLLMENTS, wrap(ENROLLMENTS, *given)).rows
    beside = decode_page(ENROLLMENTS, wrap(ENROLLMENTS, *given, odd)).rows
    assert beside[:-1] == alone
    assert read_roster(beside[:-1]) == read_roster(alone)


LISTINGS = st.sampled_from([ITEMS, ENROLLMENTS, GRADES, MULTIGET])
NAMES = ["id", "title", "uid", "enrollment_id", "grade", "response_code", "body", "else"]
listed = st.lists(st.one_of(st.dictionaries(st.sampled_from(NAMES), values), values), max_size=3)
contents = st.one_of(
    st.dictionaries(st.sampled_from(["grade", *NAMES]), st.one_of(values, listed)), listed, values
)
pages = st.dictionaries(
    st.sampled_from(["assignment", "enrollment", "grades", "response", "total", "links", "period", "else"]),
    st.one_of(contents, st.fixed_dictionaries({"next": texts}), st.fixed_dictionaries({"grade": listed})),
)
SLIPS = st.sampled_from([b"", b",", b"[", b"{}", b"null", b"1e999999999999999999", b"-", b'""', b"\xff"])


def garble(page: dict[str, Any], at: int, length: int, slip: bytes) -> bytes:
    body = json.dumps(page).encode()
    return body[:at] + slip + body[at + length :]


def read(decode: Callable[[Any, bytes], Page[Any]], listing: Listing[Any], body: bytes) -> object:
    try:
        return decode(listing, body)
    except SyncStopped as stopped:
        return stopped.reason, stopped.detail


@given(LISTINGS, st.builds(garble, pages, st.integers(0, 200), st.sampled_from([0, 1, 4]), SLIPS))
def test_page_is_read_alike_at_once_and_by_row(listing: Listing[Any], body: bytes) -> None:
    assert read(decode_page, listing, body) == read(decode_by_row, listing, body)
