"""Test grade rows: types as they come, exceptions, duplicates, and rows that cannot be read."""

from decimal import Decimal
from typing import Any

import pytest

from gradesync.core.gradebook import ENROLLMENTS, Cell, Gradebook, Mark
from harness.canned_schoology import (
    ADA,
    BEN,
    ESSAY,
    HERS,
    HIS,
    QUIZ,
    SINCE,
    CannedSchoology,
    Literal,
    dense,
    enrollment,
    grade,
    grades,
    read,
)


async def book_of(*rows: object) -> Gradebook:
    """Read a gradebook with these rows for the quiz, and ordinary ones for the essay."""
    schoology = CannedSchoology()
    schoology.put("grades", grades(*rows, *dense(ESSAY)))
    return await read(schoology)


async def cell_of(**fields: Any) -> Cell:
    book = await book_of(grade(HERS, QUIZ, **fields), grade(HIS, QUIZ))
    assert not book.unreadable
    return book.cells[QUIZ][ADA]


@pytest.mark.parametrize(
    ("written", "points"),
    [
        (Literal("9.5"), "9.5"),
        ("9.5", "9.5"),
        (Literal("0.1"), "0.1"),
        (Literal("100"), "100"),
        (Literal("9.50"), "9.50"),
        (Literal("1e2"), "100"),
        (Literal("1.25E+1"), "12.5"),
        (Literal("25e-1"), "2.5"),
        (Literal("-0"), "0"),
        (Literal("-5"), "-5"),
        (Literal("0"), "0"),
        ("0", "0"),
        (Literal("33.333333333333336"), "33.333333333333336"),
    ],
)
async def test_R26_points_are_exactly_what_was_written(written: object, points: str) -> None:
    assert str(await cell_of(points=written)) == points


@pytest.mark.parametrize("blank", [None, ""])
async def test_R6_a_blank_is_a_row_without_grade_and_exception(blank: object) -> None:
    assert await cell_of(points=blank) is None


@pytest.mark.parametrize("none", [0, "0", None, ""])
async def test_no_exception_comes_in_four_ways(none: object) -> None:
    assert await cell_of(points=7, exception=none) == Decimal(7)


@pytest.mark.parametrize(
    ("points", "exception", "mark"),
    [
        (None, 1, Mark(1)),
        (None, "2", Mark(2)),
        (0, 3, Mark(3, Decimal(0))),
        (None, 3, Mark(3)),
        (Literal("7.5"), 4, Mark(4, Decimal("7.5"))),
        (None, 99, Mark(99)),
    ],
)
async def test_exceptions_keep_their_code_and_their_points(
    points: object, exception: object, mark: Mark
) -> None:
    assert await cell_of(points=points, exception=exception) == mark


async def test_ids_join_whether_they_are_numbers_or_texts() -> None:
    book = await book_of(grade(HERS, QUIZ, enrollment_id=HERS, assignment_id=QUIZ), grade(HIS, QUIZ))
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}


ABSURD = [
    Literal("1e999999"),
    Literal("1e99999999999999999999"),
    Literal("9" * 5000),
    Literal("0." + "3" * 5000),
    "NaN",
    "sNaN",
    "Infinity",
    "-inf",
    "A+",
    "9,5",
    "1_000",
    "٣",
    " ",
    Literal("1000000000000"),
    Literal("true"),
    [],
    [8],
    {},
    {"points": 8},
]


@pytest.mark.parametrize("points", ABSURD)
async def test_an_absurd_grade_costs_its_own_row_only(points: object) -> None:
    book = await book_of(grade(HERS, QUIZ, points), grade(HIS, QUIZ))
    assert book.unreadable == {(QUIZ, ADA): "grade is no number"}
    assert book.cells[QUIZ] == {BEN: 8}
    assert len(book.cells[ESSAY]) == 2


@pytest.mark.parametrize("exception", [-1, "-1", "late", Literal("1.5"), Literal("1e3"), [], 10**30])
async def test_an_exception_that_is_no_code_makes_the_row_unreadable(exception: object) -> None:
    book = await book_of(grade(HERS, QUIZ, exception=exception), grade(HIS, QUIZ))
    assert book.unreadable == {(QUIZ, ADA): "exception is no code"}


@pytest.mark.parametrize("absent", ["grade", "exception"])
async def test_R36_a_row_without_grade_or_exception_is_no_blank(absent: str) -> None:
    row = grade(HERS, QUIZ, None)
    del row[absent]
    book = await book_of(row, grade(HIS, QUIZ))
    assert book.cells[QUIZ] == {BEN: 8}
    assert (QUIZ, ADA) in book.unreadable


@pytest.mark.parametrize("row", [None, 7, "row", [], {}, {"grade": 9, "assignment_id": {}}])
async def test_a_row_without_ids_is_counted_and_stops_every_cursor(row: object) -> None:
    book = await book_of(row, *dense(QUIZ))
    assert book.unreadable == {("", "row:1"): "the row has no readable enrollment or assignment"}
    assert len(book.cells[QUIZ]) == 2
    assert book.read_through == {}


async def test_a_row_without_an_enrollment_belongs_to_its_assignment() -> None:
    row = grade(HERS, QUIZ, enrollment_id=None)
    book = await book_of(row, *dense(QUIZ))
    assert list(book.unreadable) == [(QUIZ, "row:1")]
    assert list(book.read_through) == [ESSAY]


async def test_an_identical_row_counts_once() -> None:
    book = await book_of(*dense(QUIZ), grade(HERS, QUIZ))
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}
    assert not book.unreadable


@pytest.mark.parametrize("swapped", [False, True])
async def test_of_two_rows_that_differ_the_newer_wins(swapped: bool) -> None:
    old, new = grade(HERS, QUIZ, 5, timestamp=100), grade(HERS, QUIZ, 6, timestamp="200")
    rows = (new, old) if swapped else (old, new)
    assert (await book_of(*rows, grade(HIS, QUIZ))).cells[QUIZ][ADA] == 6


async def test_two_rows_of_one_time_that_differ_are_unreadable() -> None:
    book = await book_of(grade(HERS, QUIZ, 5), grade(HERS, QUIZ, 6), grade(HIS, QUIZ))
    assert book.unreadable == {(QUIZ, ADA): "two rows of the same time differ"}
    assert ADA not in book.cells[QUIZ]


async def test_rows_of_an_unknown_enrollment_keep_a_key_of_their_own() -> None:
    book = await book_of(*dense(QUIZ), grade("3490000000", QUIZ, 3))
    assert book.cells[QUIZ]["enrollment:3490000000"] == 3


async def test_rows_of_a_course_admin_are_no_students() -> None:
    book = await book_of(*dense(QUIZ), grade("3490989707", QUIZ, 3))
    assert book.cells[QUIZ].keys() == {ADA, BEN, "enrollment:3490989707"}


async def test_rows_of_an_assignment_that_is_not_listed_are_kept() -> None:
    book = await book_of(*dense(QUIZ), grade(HERS, "8269049999", 3))
    assert book.cells["8269049999"] == {ADA: 3}
    assert "8269049999" not in book.read_through


@pytest.mark.parametrize("row", [enrollment(HERS, None), {"uid": ADA}, None])
async def test_an_enrollment_of_nobody_makes_the_roster_partial(row: object) -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [row, enrollment(HIS, BEN)], "total": 2})
    book = await read(schoology)
    assert book.partial_lists == {ENROLLMENTS}
    assert book.cells[QUIZ] == {f"enrollment:{HERS}": 8, BEN: 8}


async def test_a_row_with_a_comment_alone_is_a_cell_like_any_other() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, None, comment="see me", comment_status=1)))
    assert (await read(schoology, SINCE)).cells == {QUIZ: {ADA: None}}
