"""Test reading cells once more, for some assignments or for all."""

from harness.canned_schoology import (
    ADA,
    BEN,
    HERS,
    HIS,
    QUIZ,
    SECTION,
    CannedSchoology,
    canned_source,
    dense,
    enrollment,
    grades,
    item,
    read,
)


async def test_few_assignments_are_reread_one_by_one() -> None:
    schoology = CannedSchoology()
    book = await read(schoology)
    schoology.asked.clear()
    schoology.put("grades", grades(*dense(QUIZ)))
    async with canned_source(schoology) as source:
        cells = await source.cells(book, [QUIZ])
    assert cells.cells == {QUIZ: {ADA: 8, BEN: 8}}
    assert schoology.asked == [f"/sections/{SECTION}/grades?limit=200&assignment_id={QUIZ}"]
    assert cells.read_through.keys() == {QUIZ}


async def test_many_assignments_are_reread_in_one_call() -> None:
    ids = [str(number) for number in range(101, 106)]
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(each) for each in ids]})
    schoology.put("grades", grades(*dense(*ids)))
    book = await read(schoology)
    schoology.asked.clear()
    async with canned_source(schoology) as source:
        cells = await source.cells(book, ids[:4])
    assert cells.cells.keys() == cells.read_through.keys() == set(ids[:4])
    assert schoology.asked == [f"/sections/{SECTION}/grades?limit=200"]


async def test_all_cells_reread_equal_a_full_read() -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        cells = await source.cells(book, None)
    assert (cells.cells, cells.read_through) == (book.cells, book.read_through)
    assert schoology.kinds == ["grades"]


async def test_a_server_that_ignores_the_filter_adds_no_assignments() -> None:
    book = await read(CannedSchoology())
    async with canned_source(CannedSchoology()) as source:
        assert (await source.cells(book, [QUIZ])).cells.keys() == {QUIZ}


async def test_reread_cells_know_the_unreadable_enrollments() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [enrollment(HERS, ADA, status="?"), enrollment(HIS, BEN)]})
    book = await read(schoology)
    async with canned_source(schoology) as source:
        cells = await source.cells(book, [QUIZ])
    assert cells.cells == {QUIZ: {ADA: 8, BEN: 8}}


async def test_rereading_no_assignments_sends_nothing() -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        assert (await source.cells(book, [])).cells == {}
    assert schoology.asked == []
