"""Test full reads that lack cells: read again, partial, or stopped."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from harness.canned_schoology import (
    ADA,
    BEN,
    ESSAY,
    HERS,
    HIS,
    NOW,
    QUIZ,
    SECTION,
    CannedResponse,
    CannedSchoology,
    canned_source,
    dense,
    enrollment,
    grade,
    grades,
    item,
    read,
)
from harness.errors import expect_stop

ITEMS = [str(number) for number in range(501, 511)]


def ten_items(*rows: Any, **fields: Any) -> CannedSchoology:
    """Make ten assignments of two students; the response for all has these rows."""
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(each, **fields) for each in ITEMS]})
    schoology.put("grades", grades(*rows))
    return schoology


def alone(assignment: str) -> str:
    return f"grades?limit=200&assignment_id={assignment}"


def asked_alone(schoology: CannedSchoology) -> list[str]:
    return [path.rpartition("=")[2] for path in schoology.asked if "assignment_id" in path]


def all_but(*gone: tuple[str, str]) -> list[Any]:
    return [grade(each, wanted) for wanted in ITEMS for each in (HERS, HIS) if (wanted, each) not in gone]


async def test_R36_missing_cells_are_read_once_more() -> None:
    schoology = ten_items(*all_but(("503", HIS), ("507", HERS), ("507", HIS)))
    schoology.put(alone("503"), grades(*dense("503")))
    schoology.put(alone("507"), grades(*dense("507")))
    book = await read(schoology)
    assert sorted(asked_alone(schoology)) == ["503", "507"]
    assert all(row.keys() == {ADA, BEN} for row in book.cells.values())
    assert book.partial == frozenset()
    assert book.read_through.keys() == set(ITEMS)


async def test_R36_a_missing_cell_is_partial_and_no_blank() -> None:
    schoology = ten_items(*all_but(("503", HIS), ("504", HIS)))
    schoology.put(alone("503"), grades(*dense("503")))
    schoology.put(alone("504"), grades(grade(HERS, "504")))
    book = await read(schoology)
    assert book.partial == {"504"}
    assert book.cells["504"] == {ADA: 8}
    assert book.read_through.keys() == set(ITEMS) - {"504"}
    assert len(asked_alone(schoology)) == 2


async def test_an_assignment_deleted_meanwhile_is_partial() -> None:
    schoology = ten_items(*all_but(("503", HIS)))
    schoology.put(alone("503"), CannedResponse(status=404))
    assert (await read(schoology)).partial == {"503"}


@pytest.mark.parametrize(("missing", "stopped"), [(4, False), (5, True)])
async def test_more_than_a_fifth_missing_stops_the_sync(missing: int, stopped: bool) -> None:
    gone = [(each, HIS) for each in ITEMS[:missing]]
    schoology = ten_items(*all_but(*gone))
    for each in ITEMS:
        schoology.put(alone(each), grades())
    if stopped:
        with expect_stop("upstream-answer-unexpected", "Schoology's grades: 5 of 20 cells are missing"):
            await read(schoology)
    else:
        assert (await read(schoology)).partial == set(ITEMS[:4])


async def test_a_matrix_that_was_cut_is_completed_by_assignment() -> None:
    schoology = ten_items(*dense(*ITEMS[:2]))
    for each in ITEMS:
        schoology.put(alone(each), grades(*dense(each)))
    book = await read(schoology)
    assert sorted(asked_alone(schoology)) == ITEMS[2:]
    assert sum(map(len, book.cells.values())) == 20


async def test_a_hundred_at_most_are_reread_widest_gaps_first() -> None:
    many = [str(number) for number in range(1001, 1131)]
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(each) for each in many]})
    schoology.put("grades", grades(*[grade(HERS, each) for each in many[:60]]))

    def respond(request: httpx.Request) -> dict[str, Any]:
        wanted = request.url.params.get("assignment_id")
        return grades(*(dense(wanted) if wanted else [grade(HERS, each) for each in many[:60]]))

    schoology.put("grades", respond)
    book = await read(schoology)
    asked = asked_alone(schoology)
    assert len(asked) == len(set(asked)) == 100
    assert set(many[60:]) <= set(asked)
    assert book.partial == set(many) - set(asked)


async def no_question(schoology: CannedSchoology) -> None:
    """Assert that a read is complete without reading again."""
    assert (await read(schoology)).partial == frozenset()
    assert asked_alone(schoology) == []


async def test_only_assignees_are_expected() -> None:
    rows = [grade(HERS, each) for each in ITEMS]
    await no_question(ten_items(*rows, assignees=[int(HERS), 4040]))


@pytest.mark.parametrize("fields", [{"status": "5"}, {"status": 2}, {"admin": 1}, {"uid": None}])
async def test_only_active_students_are_expected(fields: dict[str, Any]) -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [enrollment(HERS, ADA), enrollment(HIS, BEN) | fields]})
    schoology.put("grades", grades(grade(HERS, QUIZ), grade(HERS, ESSAY)))
    await no_question(schoology)


async def test_an_unreadable_row_is_not_missing() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, "A+"), grade(HIS, QUIZ), *dense(ESSAY)))
    await no_question(schoology)


async def test_nothing_is_expected_of_an_unreadable_assignment() -> None:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(int(QUIZ), due="?"), item(int(ESSAY))]})
    schoology.put("grades", grades(*dense(ESSAY)))
    await no_question(schoology)


async def test_a_section_without_students_is_complete() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [enrollment(1, 11, admin=1)]})
    schoology.put("grades", grades())
    await no_question(schoology)


async def test_changes_are_never_checked_for_completeness() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ)))
    book = await read(schoology, NOW - timedelta(days=1))
    assert book.cells == {QUIZ: {ADA: 8}}
    assert book.partial == frozenset()
    assert asked_alone(schoology) == []


@pytest.mark.parametrize(("ids", "times"), [([QUIZ], 2), ([QUIZ, ESSAY], 3)])
async def test_reread_cells_are_completed_without_stopping(ids: list[str], times: int) -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    schoology.put("grades", grades(*dense(ESSAY)))
    async with canned_source(schoology) as source:
        cells = await source.cells(book, ids)
    assert cells.partial == {QUIZ}
    assert QUIZ not in cells.read_through
    assert len(schoology.asked) == times


async def test_rereading_all_cells_is_checked_like_a_full_read() -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    schoology.put("grades", grades(*dense(ESSAY)))
    async with canned_source(schoology) as source:
        with expect_stop("upstream-answer-unexpected", "2 of 4 cells are missing"):
            await source.cells(book, None)


async def test_a_second_read_repairs_unreadable_rows_only() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, "A+"), *dense(ESSAY)))
    schoology.put(alone(QUIZ), grades(*dense(QUIZ)))
    book = await read(schoology)
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}
    assert book.unreadable == {}
    schoology.put("grades", grades(grade(HERS, QUIZ), *dense(ESSAY)))
    schoology.put(alone(QUIZ), grades(grade(HERS, QUIZ, "A+"), grade(HIS, QUIZ)))
    book = await read(schoology)
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}
    assert book.unreadable == {}


def large(students: int, assignments: int) -> tuple[CannedSchoology, list[str]]:
    """Make a section of so many cells, which it has by assignment and not at once."""
    schoology = CannedSchoology()
    people = [enrollment(10_000 + n, 20_000 + n) for n in range(students)]
    ids = [str(30_000 + n) for n in range(assignments)]
    schoology.put("enrollments", {"enrollment": people})
    schoology.put("grade_items", {"assignment": [item(each) for each in ids]})

    def respond(request: httpx.Request) -> dict[str, Any]:
        return grades(*rows_of([request.url.params.get("assignment_id")]))

    def rows_of(wanted: Iterable[Any]) -> list[Any]:
        return [grade(10_000 + n, each) for each in wanted if each for n in range(students)]

    schoology.put("grades", respond)
    return schoology, ids


async def test_above_20000_cells_grades_are_read_by_assignment() -> None:
    schoology, ids = large(667, 30)
    book = await read(schoology)
    assert sorted(asked_alone(schoology)) == ids
    assert sum(map(len, book.cells.values())) == 667 * 30
    assert book.read_through.keys() == set(ids)


async def test_a_section_is_known_as_large_while_it_is() -> None:
    schoology, _ = large(667, 30)
    known: set[str] = set()
    await read(schoology, large=known)
    assert known == {SECTION}
    await read(large(3, 4)[0], large=known)
    assert not known


async def test_a_section_known_as_large_is_read_by_assignment() -> None:
    schoology, ids = large(3, 4)
    assert len((await read(schoology, large={SECTION})).cells) == 4
    multiget = next(r for r in schoology.sent if r.url.path.endswith("/multiget"))
    assert b"/grades?" not in multiget.content
    assert sorted(asked_alone(schoology)) == ids


@pytest.mark.parametrize(("refused", "since"), [(False, None), (True, NOW - timedelta(days=1))])
async def test_a_response_over_32_megabytes_is_read_by_assignment(refused: bool, since: Any) -> None:
    schoology, ids = large(3, 4)
    small = schoology.answers[f"/sections/{SECTION}/grades"]
    assert callable(small)

    def respond(request: httpx.Request) -> Any:
        wide = b'{"grades":{"grade":[]},"period":[' + b" " * (33 << 20) + b"]}"
        return small(request) if "assignment_id" in request.url.params else wide

    schoology.put("grades", respond)
    book = await read(schoology, since, multiget_refused=refused)
    assert sum(map(len, book.cells.values())) == 12
    assert sorted(path.split("assignment_id=")[1].partition("&")[0] for path in schoology.asked
                  if "assignment_id=" in path) == ids  # fmt: skip
    assert all(("timestamp=" in path) == (since is not None) for path in schoology.asked if "/grades" in path)


async def test_cells_of_a_large_section_are_reread_by_assignment() -> None:
    schoology, ids = large(667, 31)
    book = await read(schoology)
    schoology.asked.clear()
    async with canned_source(schoology) as source:
        cells = await source.cells(book, ids[:5])
    assert cells.cells.keys() == set(ids[:5])
    assert sorted(asked_alone(schoology)) == ids[:5]
    assert len(schoology.asked) == 5


async def test_cells_over_32_megabytes_are_reread_by_assignment() -> None:
    schoology, ids = large(3, 4)
    book = await read(schoology, large={SECTION})
    schoology.asked.clear()
    schoology.put("grades?limit=200", b'{"grades":{"grade":[]},"period":[' + b" " * (33 << 20) + b"]}")
    async with canned_source(schoology) as source:
        assert (await source.cells(book, None)).cells == book.cells
    assert sorted(asked_alone(schoology)) == ids


async def test_a_refusal_of_one_assignment_stops_the_sync() -> None:
    schoology, ids = large(3, 4)
    schoology.put(alone(ids[2]), CannedResponse(status=403))
    with expect_stop("schoology-key-not-allowed"):
        await read(schoology, large={SECTION})


async def test_an_assignment_without_an_id_is_never_requested() -> None:
    schoology, ids = large(3, 2)
    schoology.put("grade_items", {"assignment": [item(None), *[item(each) for each in ids]]})
    await read(schoology, large={SECTION})
    assert sorted(asked_alone(schoology)) == ids
