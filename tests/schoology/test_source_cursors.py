"""Test cursors: the time of the cells' own clock up to which they are known."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gradesync.core.gradebook import UNTOUCHED
from harness.canned_schoology import (
    ADA,
    BEN,
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


EPOCH = datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize("date", [None, NOW, CELL])
async def test_R48_the_cursor_is_the_latest_time_of_a_cell(date: datetime | None) -> None:
    schoology = CannedSchoology(date=date)
    rows = [grade(HERS, QUIZ, timestamp=100), grade(HIS, QUIZ, timestamp="300"), *dense(ESSAY)]
    schoology.put("grades", grades(*rows))
    book = await read(schoology)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], CELL)


async def test_R48_a_cell_from_the_future_moves_no_cursor() -> None:
    ahead = int(NOW.timestamp()) + 1
    for since, rest, moment in (
        (None, dense(ESSAY), CELL),
        (None, [grade(HERS, ESSAY, timestamp=2**31 - 1), grade(HIS, ESSAY, timestamp=ahead)], EPOCH),
        (SINCE, [], SINCE),
    ):
        schoology = CannedSchoology()
        schoology.put("grades", grades(*(grade(who, QUIZ, timestamp=ahead) for who in (HERS, HIS)), *rest))
        book = await read(schoology, since)
        assert book.read_through == dict.fromkeys([QUIZ, ESSAY], moment)
        assert book.cells[QUIZ] == {ADA: 8, BEN: 8}


async def test_R48_a_read_of_changes_moves_no_cursor_back() -> None:
    schoology = CannedSchoology()
    for rows in ((), dense(QUIZ)):
        schoology.put("grades", grades(*rows))
        book = await read(schoology, SINCE)
        assert (book.read_through, book.full) == (dict.fromkeys([QUIZ, ESSAY], SINCE), False)


async def test_changes_are_asked_for_from_ten_minutes_before() -> None:
    schoology = CannedSchoology()
    for since, asked in ((SINCE, int(SINCE.timestamp()) - 600), (EPOCH, 1)):
        schoology.asked.clear()
        await read(schoology, since, multiget_refused=True)
        assert f"/sections/{SECTION}/grades?limit=200&timestamp={asked}" in schoology.asked


@pytest.mark.parametrize("never", [0, "0", None, "", -5, "soon", Literal("1e99"), 10**40, Literal("1.5"), []])
async def test_R38_an_untouched_cell_is_no_blank_and_moves_no_cursor(never: object) -> None:
    schoology = CannedSchoology(date=None)
    untouched = [grade(who, what, None, timestamp=never) for who in (HERS, HIS) for what in (QUIZ, ESSAY)]
    schoology.put("grades", grades(*untouched))
    book = await read(schoology)
    assert (book.read_through, book.unreadable) == (dict.fromkeys([QUIZ, ESSAY], EPOCH), {})
    assert book.cells == {QUIZ: {ADA: UNTOUCHED, BEN: UNTOUCHED}, ESSAY: {ADA: UNTOUCHED, BEN: UNTOUCHED}}
    schoology.put("grades", grades(*untouched[:3], grade(HIS, ESSAY, timestamp=300)))
    book = await read(schoology)
    assert book.read_through == dict.fromkeys([QUIZ, ESSAY], datetime.fromtimestamp(300, UTC))


async def test_no_cursor_passes_an_unreadable_row() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, "A+"), grade(HIS, QUIZ), *dense(ESSAY)))
    for since in (None, SINCE):
        assert (await read(schoology, since)).read_through.keys() == {ESSAY}


async def test_R48_reread_cells_have_the_latest_time_of_the_section() -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, timestamp=100), grade(HIS, QUIZ, timestamp=0)))
    async with canned_source(schoology) as source:
        cells = await source.cells(book, [QUIZ])
        alone = await source.cells(replace(book, read_through={}), [QUIZ])
    assert cells.read_through == {QUIZ: CELL}
    assert alone.read_through == {QUIZ: datetime.fromtimestamp(100, UTC)}
