"""Test responses that make no sense: the sync stops, names the call, and quotes nothing of them."""

import re
from typing import Any

import pytest

from gradesync.errors import SyncStopped
from harness.canned_schoology import QUIZ, SECTION, CannedResponse, CannedSchoology, canned_source, item, read
from harness.errors import expect_stop

SECRET = "Ada Lovelace 17"
WRAPPERS = {
    "enrollments": "enrollment",
    "grade_items": "assignment",
    "grades": "grades",
    "grading_categories": "grading_category",
    "grading_periods": "grading_period",
}
LISTS = list(WRAPPERS)
SENSELESS = {
    "a page for people": f"<!doctype html><html><body>{SECRET}</body></html>".encode(),
    "no body": b"",
    "cut short": b'{"enrollment":[{"id":"1","uid":"' + SECRET.encode(),
    "null": b"null",
    "a text": f'"{SECRET}"'.encode(),
    "a number": b"7",
    "a list instead of an object": f'[{{"{SECRET}":1}}]'.encode(),
    "two objects": b"{}{}",
    "no UTF-8": b'{"links":{"next":"\xff\xfe"},"enrollment":[]}',
    "an error that calls itself a success": f'{{"error":"{SECRET}"}}'.encode(),
    "deep nesting": b'{"total":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep nesting, open": b'{"links":' + b'{"a":' * 200_000,
    "links that are a text": f'{{"links":"{SECRET}"}}'.encode(),
    "rows announced and not there": b'{"total":"25"}',
}
PARENT = {"id": SECTION, "course_title": SECRET, "section_school_code": "49355", "synced": "1", "admin": 1}


async def stopped(schoology: CannedSchoology, **options: Any) -> SyncStopped:
    with expect_stop("upstream-answer-unexpected") as caught:
        await read(schoology, **options)
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("body", SENSELESS.values(), ids=SENSELESS.keys())
async def test_a_senseless_list_stops_the_sync_and_names_the_call(name: str, body: bytes) -> None:
    schoology = CannedSchoology()
    schoology.put(name, body)
    assert (await stopped(schoology, multiget_refused=True)).detail.startswith(f"Schoology's {name}: ")


@pytest.mark.parametrize("body", SENSELESS.values(), ids=SENSELESS.keys())
async def test_a_senseless_section_stops_the_sync(body: bytes) -> None:
    schoology = CannedSchoology()
    schoology.put("", body)
    assert (await stopped(schoology, multiget_refused=True)).detail.startswith("Schoology's section: ")


@pytest.mark.parametrize("body", SENSELESS.values(), ids=SENSELESS.keys())
async def test_a_senseless_multiget_stops_the_sync(body: bytes) -> None:
    detail = (await stopped(CannedSchoology({"/multiget": body}))).detail
    assert detail.startswith("Schoology's multiget: ")


@pytest.mark.parametrize("name", ["enrollments", "grade_items", "grades"])
@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"7", b'{"error":"x"}', b'{"total":7}'])
async def test_a_senseless_row_of_a_multiget_names_its_own_call(name: str, body: bytes) -> None:
    schoology = CannedSchoology()
    schoology.put(name, body)
    assert (await stopped(schoology)).detail.startswith(f"Schoology's {name}: ")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("refused", [False, True])
async def test_the_parent_object_is_not_taken_for_an_empty_list(name: str, refused: bool) -> None:
    schoology = CannedSchoology()
    schoology.put(name, PARENT)
    stop = await stopped(schoology, multiget_refused=refused)
    assert stop.detail == f"Schoology's {name}: the response has no such list"


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("wrapped", ["a text", 7, True])
async def test_a_wrapper_around_no_list_stops_the_sync(name: str, wrapped: object) -> None:
    schoology = CannedSchoology()
    body: Any = {WRAPPERS[name]: wrapped}
    schoology.put(name, body)
    assert (await stopped(schoology)).detail.startswith(f"Schoology's {name}")


@pytest.mark.parametrize("rows", [0, 3, 5])
async def test_a_multiget_with_another_number_of_rows_stops_the_sync(rows: int) -> None:
    row = {"response_code": 200, "body": {}}
    stop = await stopped(CannedSchoology({"/multiget": {"response": [row] * rows}}))
    assert stop.detail == f"Schoology's multiget: 4 requests, {rows} responses"


async def test_a_garbled_multiget_row_is_requested_plainly() -> None:
    schoology = CannedSchoology({"/multiget": {"response": [None, 7, "x", []]}})
    book = await read(schoology)
    assert book.cells[QUIZ]


async def test_a_refusal_is_not_quoted() -> None:
    schoology = CannedSchoology({"/multiget": CannedResponse(SECRET.encode(), 401)})
    with expect_stop("schoology-credentials-refused") as caught:
        await read(schoology)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("where", ["outline", "members", "categories"])
async def test_the_other_reads_stop_the_same_way(where: str) -> None:
    schoology = CannedSchoology()
    for name in LISTS:
        schoology.put(name, PARENT)
    async with canned_source(schoology) as source:
        with expect_stop("upstream-answer-unexpected"):
            await getattr(source, where)(SECTION)


async def test_a_title_that_is_hostile_is_a_title() -> None:
    schoology = CannedSchoology()
    title = "</script>\u202e\x00" + "x" * 100_000
    schoology.put("grade_items", {"assignment": [item(int(QUIZ), title=title)]})
    assert (await read(schoology)).assignments[0].title == title


async def test_unreadable_values_are_not_quoted() -> None:
    schoology = CannedSchoology()
    garbled = item(int(QUIZ), due=SECRET)
    schoology.put("grade_items", {"assignment": [garbled]})
    why = (await read(schoology)).assignments[0].unreadable
    assert why
    assert not re.search(SECRET, why)
