"""Test cursors: the time of Schoology's own clock up to which cells are known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from harness.canned_schoology import (
    ESSAY,
    HERS,
    HIS,
    NOW,
    QUIZ,
    SECTION,
    SINCE,
    CannedSchoology,
    Literal,
    canned_source,
    dense,
    grade,
    grades,
    read,
)

CELL = datetime.fromtimestamp(1775041468, UTC)


@pytest.mark.parametrize("since", [None, SINCE])
async def test_the_cursor_is_the_date_of_the_response(since: datetime | None) -> None:
    book = await read(CannedSchoology(), since)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], NOW)


async def test_our_own_clock_does_not_move_a_cursor() -> None:
    book = await read(CannedSchoology(), clock=lambda: NOW + timedelta(hours=5))
    assert set(book.read_through.values()) == {NOW}


async def test_an_empty_changes_read_moves_every_cursor() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades())
    book = await read(schoology, SINCE)
    assert (book.cells, book.full) == ({}, False)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], NOW)


@pytest.mark.parametrize("since", [None, SINCE])
async def test_the_cursor_without_a_date_is_the_latest_cell(since: datetime | None) -> None:
    schoology = CannedSchoology(date=None)
    rows = [grade(HERS, QUIZ, timestamp=100), grade(HIS, QUIZ, timestamp="300"), *dense(ESSAY)]
    schoology.put("grades", grades(*rows))
    book = await read(schoology, since)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], CELL)


@pytest.mark.parametrize("never", [0, "0", None, "", -5, "soon", Literal("1e99"), 10**40, Literal("1.5"), []])
async def test_an_untouched_cell_moves_no_cursor(never: object) -> None:
    schoology = CannedSchoology(date=None)
    untouched = [grade(who, what, None, timestamp=never) for who in (HERS, HIS) for what in (QUIZ, ESSAY)]
    schoology.put("grades", grades(*untouched))
    book = await read(schoology)
    assert (book.read_through, book.unreadable) == ({}, {})
    schoology.put("grades", grades(*untouched[:3], grade(HIS, ESSAY, timestamp=300)))
    book = await read(schoology)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], datetime.fromtimestamp(300, UTC))


@pytest.mark.parametrize("header", ["yesterday", ""])
async def test_a_date_that_is_none_counts_as_no_date(header: str) -> None:
    schoology = CannedSchoology(date=None)

    def respond(request: httpx.Request) -> httpx.Response:
        given = schoology(request)
        given.headers["date"] = header
        return given

    async with canned_source(schoology, httpx.MockTransport(respond)) as source:
        assert set((await source.read(SECTION, None)).read_through.values()) == {CELL}


def two_pages(first: datetime | None, second: datetime | None) -> Any:
    """Open a source with grades on two pages of two times."""
    schoology = CannedSchoology()
    link = f"https://api.schoology.example/v1/sections/{SECTION}/grades?start=2"
    schoology.put("grades", grades(*dense(QUIZ), links={"next": link}))
    schoology.put("grades?start=2", grades(*dense(ESSAY)))

    def respond(request: httpx.Request) -> httpx.Response:
        schoology.date = second if "start=2" in str(request.url) else first
        return schoology(request)

    return canned_source(schoology, httpx.MockTransport(respond))


async def test_the_cursor_is_the_earliest_date_of_the_pages() -> None:
    async with two_pages(NOW, NOW + timedelta(minutes=3)) as source:
        book = await source.read(SECTION, None)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], NOW)


async def test_the_cursor_with_a_dateless_page_is_the_latest_cell() -> None:
    async with two_pages(NOW, None) as source:
        assert set((await source.read(SECTION, None)).read_through.values()) == {CELL}


async def test_no_cursor_passes_an_unreadable_row() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, "A+"), grade(HIS, QUIZ), *dense(ESSAY)))
    for since in (None, SINCE):
        assert (await read(schoology, since)).read_through.keys() == {ESSAY}


async def test_reread_cells_have_the_date_of_their_own_response() -> None:
    book = await read(CannedSchoology())
    later = NOW + timedelta(minutes=9)
    async with canned_source(CannedSchoology(date=later)) as source:
        cells = await source.cells(book, [QUIZ])
    assert cells.read_through == {QUIZ: later}
