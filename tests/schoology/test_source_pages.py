"""Test lists in pages: read to their end, on Schoology's own host, and no further."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from harness.canned_schoology import (
    ADA,
    BEN,
    ESSAY,
    HERS,
    HIS,
    PLAIN,
    QUIZ,
    SECTION,
    SINCE,
    THREE,
    CannedSchoology,
    canned_source,
    dense,
    enrollment,
    grades,
    item,
    read,
)
from harness.errors import expect_stop


def paged(name: str, wrap: Callable[..., dict[str, Any]], rows: list[Any], **beside: Any) -> Any:
    """Make a response in pages of one row, each linking to the next."""

    def respond(request: httpx.Request) -> dict[str, Any]:
        start = int(request.url.params.get("start", 0)) if "multiget" not in request.url.path else 0
        link = f"https://api.schoology.example/v1/sections/{SECTION}/{name}?limit=1&start={start + 1}"
        links = {"self": "x", **({"next": link} if start + 1 < len(rows) else {})}
        return wrap(rows[start]) | {"links": links, **beside}

    return respond


def paging_schoology(total: object) -> CannedSchoology:
    schoology = CannedSchoology()
    people = [enrollment(HERS, ADA), enrollment(HIS, BEN), enrollment(3, 33, admin=1)]
    items = [item(int(QUIZ)), item(int(ESSAY))]
    beside = {} if total is None else {"total": total}
    schoology.put("enrollments", paged("enrollments", lambda row: {"enrollment": [row]}, people, **beside))
    schoology.put("grade_items", paged("grade-items", lambda row: {"assignment": [row]}, items, **beside))
    schoology.put("grade-items", schoology.answers[f"/sections/{SECTION}/grade_items"])
    schoology.put("grades", paged("grades", grades, dense(QUIZ, ESSAY), **beside))
    return schoology


@pytest.mark.parametrize("total", [None, "many"])
@pytest.mark.parametrize("refused", [False, True])
async def test_every_list_is_read_to_its_end(total: object, refused: bool) -> None:
    schoology = paging_schoology(total)
    book = await read(schoology, multiget_refused=refused)
    assert book.students.keys() == {ADA, BEN}
    assert book.course_admins == {"33"}
    assert book.cells == {QUIZ: {ADA: 8, BEN: 8}, ESSAY: {ADA: 8, BEN: 8}}
    firsts = PLAIN if refused else THREE
    assert len(schoology.asked) == len(firsts) + 2 + 1 + 3


async def test_members_are_read_to_their_end() -> None:
    async with canned_source(paging_schoology("3")) as source:
        assert [member.uid for member in await source.members(SECTION)] == [ADA, BEN, "33"]


def linking(next_link: object, rows: int = 1, **beside: object) -> CannedSchoology:
    """Make a Schoology whose roster always links to the same next page."""
    schoology = CannedSchoology()
    people = [enrollment(number, number) for number in range(1, rows + 1)]
    schoology.put("enrollments", {"enrollment": people, "links": {"next": next_link}, **beside})
    return schoology


@pytest.mark.parametrize("address", [
    "https://elsewhere.example/v1/sections/1/enrollments?start=1",
    "https://api.schoology.example:8443/v1/sections/1/enrollments?start=1",
    "https://api.schoology.example.elsewhere.example/v1/x",
    "//elsewhere.example/v1/x",
    "ftp://elsewhere.example/x",
    "https://[",
])  # fmt: skip
async def test_no_link_leads_to_another_host(address: str) -> None:
    schoology = linking(address)
    with expect_stop("upstream-answer-unexpected", "Schoology's enrollments: its link"):
        await read(schoology)
    assert {request.url.host for request in schoology.sent} == {"api.schoology.example"}


@pytest.mark.parametrize("address", ["https://a b:c", 7, ["x"]])
async def test_a_link_that_is_no_address_stops_the_sync(address: object) -> None:
    with expect_stop("upstream-answer-unexpected", "enrollments"):
        await read(linking(address))


@pytest.mark.parametrize("none", [None, ""])
async def test_a_link_that_is_null_is_no_link(none: object) -> None:
    assert (await read(linking(none, total=1), SINCE)).students


async def test_an_old_http_link_is_followed_over_https() -> None:
    schoology = linking(f"http://api.schoology.example/v1/sections/{SECTION}/more")
    schoology.put("more", {"enrollment": [enrollment(HERS, ADA)]})
    assert ADA in (await read(schoology, SINCE)).students
    assert {request.url.scheme for request in schoology.sent} == {"https"}


async def test_a_base_without_tls_keeps_its_scheme() -> None:
    schoology = linking(f"http://127.0.0.1:8001/v1/sections/{SECTION}/more")
    schoology.base = "http://127.0.0.1:8001/v1"
    schoology.put("more", {"enrollment": [enrollment(HERS, ADA)]})
    assert ADA in (await read(schoology, SINCE)).students
    assert {request.url.scheme for request in schoology.sent} == {"http"}


async def test_a_page_that_links_to_itself_stops_the_sync() -> None:
    schoology = linking(f"https://api.schoology.example/v1/sections/{SECTION}/enrollments?start=1")
    with expect_stop("upstream-answer-unexpected", "Schoology's enrollments: its pages do not end"):
        await read(schoology)


async def test_a_page_that_goes_on_without_rows_stops_the_sync() -> None:
    with expect_stop("upstream-answer-unexpected", "Schoology's enrollments: its pages do not end"):
        await read(linking(f"https://api.schoology.example/v1/sections/{SECTION}/enrollments?start=1", 0))


def endless(**beside: object) -> CannedSchoology:
    schoology = CannedSchoology()

    def respond(request: httpx.Request) -> dict[str, Any]:
        start = len(schoology.asked)
        link = f"https://api.schoology.example/v1/sections/{SECTION}/enrollments?start={start}"
        return {"enrollment": [enrollment(start + 1, start + 1)], "links": {"next": link}, **beside}

    schoology.put("enrollments", respond)
    return schoology


async def test_more_pages_than_were_announced_stop_the_sync() -> None:
    schoology = endless(total="3")
    with expect_stop("upstream-answer-unexpected", "Schoology's enrollments: it has more pages"):
        await read(schoology)
    assert len(schoology.asked) < 10


async def test_pages_without_end_stop_the_sync() -> None:
    with expect_stop("upstream-answer-unexpected", "Schoology's enrollments: its pages do not end"):
        await read(endless())


async def test_R49_a_list_that_stays_short_is_partial() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [enrollment(HERS, ADA)], "total": "900"})
    book = await read(schoology, SINCE)
    assert list(book.students) == [ADA]
    assert book.partial_lists == {"enrollments"}
    path = f"/sections/{SECTION}/enrollments?limit=200"
    assert [each for each in schoology.asked if "enrollments" in each] == [f"{path}&start=1", path]


@pytest.mark.parametrize("garbled", [{}, [1], True, 0, "null", "x"])
async def test_rows_without_an_id_are_all_in_the_list(garbled: object) -> None:
    schoology = CannedSchoology()
    odd = {"id": garbled, "title": "Odd"}
    periods = [odd, {"id": 1, "end": "2026-10-16"}, odd]
    schoology.put("grading_periods", {"grading_period": periods, "total": 3})
    book = await read(schoology, SINCE)
    assert book.partial_lists == frozenset()
    assert schoology.kinds == THREE


async def test_R49_the_rest_of_a_short_list_is_asked_for() -> None:
    schoology = CannedSchoology()
    people = [enrollment(HERS, ADA), enrollment(HIS, BEN), enrollment(3, 33)]
    schoology.put("enrollments", {"enrollment": people[:1], "total": 3})
    schoology.put("enrollments?limit=200&start=1", {"enrollment": people[:2], "total": 3})
    schoology.put("enrollments?limit=200&start=2", {"enrollment": people[2:], "total": 3})
    book = await read(schoology, SINCE)
    assert book.students.keys() == {ADA, BEN, "33"}
    assert book.partial_lists == frozenset()


async def test_R49_every_list_of_a_section_may_be_partial() -> None:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(int(QUIZ))], "total": 2})
    schoology.put("grading_categories", {"grading_category": [{"id": 5, "title": "Tests"}, None], "total": 3})
    schoology.put("grading_periods", {"grading_period": [{"id": 1, "end": "2026-10-16"}], "total": 2})
    book = await read(schoology, SINCE)
    assert book.partial_lists == {"assignments", "categories", "periods"}
    async with canned_source(schoology) as source:
        assert (await source.outline(SECTION)).partial_lists == book.partial_lists


async def test_R49_short_changes_move_no_cursor() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(*dense(QUIZ), total=9))
    book = await read(schoology, SINCE)
    assert book.partial == {QUIZ, ESSAY}
    assert book.read_through == {}
    assert book.cells == {QUIZ: {ADA: 8, BEN: 8}}
    schoology.put("grades", grades(*dense(QUIZ, ESSAY), total=9))
    assert (await read(schoology)).read_through.keys() == {QUIZ, ESSAY}
