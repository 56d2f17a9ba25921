"""How often Schoology is asked, what for, and what its refusals mean."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from canned_schoology import (
    ADA,
    BEN,
    ESSAY,
    HERS,
    HIS,
    NOW,
    QUIZ,
    SECTION,
    Canned,
    CannedSchoology,
    Tally,
    canned_source,
    dense,
    encoded,
    enrollment,
    grade,
    grades,
    item,
    read,
    stops,
)
from gradesync.errors import Retriable

THREE = ["grading_categories", "grading_periods", "multiget"]
PLAIN = [SECTION, "enrollments", "grade_items", "grades", "grading_categories", "grading_periods"]
SINCE = datetime(2026, 11, 23, 12, 0, 0, 900_000, tzinfo=UTC)
REPLAY = b"Duplicate timestamp/nonce combination, possible replay attack. Request rejected."


def multiget_of(schoology: CannedSchoology) -> list[str]:
    posted = [r for r in schoology.sent if r.url.path.endswith("/multiget")]
    paths: list[str] = json.loads(posted[-1].content)["request"]
    return paths


# --- the usual read


async def test_a_section_is_read_in_three_calls() -> None:
    schoology = CannedSchoology()
    await read(schoology)
    assert schoology.kinds == THREE
    at = f"/v1/sections/{SECTION}"
    assert multiget_of(schoology) == [
        at,
        f"{at}/enrollments?limit=200",
        f"{at}/grade_items?limit=200",
        f"{at}/grades?limit=200",
    ]


async def test_changes_are_asked_for_by_whole_seconds_of_schoologys_clock_two_minutes_before() -> None:
    schoology = CannedSchoology()
    await read(schoology, SINCE)
    assert schoology.kinds == THREE
    assert multiget_of(schoology)[-1].endswith(f"/grades?limit=200&timestamp={int(SINCE.timestamp()) - 120}")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8001/v1", "http://127.0.0.1:8001/proxy/schoology/v1/"])
async def test_paths_inside_a_multiget_have_the_prefix_of_the_base_address(base: str) -> None:
    schoology = CannedSchoology(base=base.rstrip("/"))
    await read(schoology)
    prefix = httpx.URL(base).path.rstrip("/")
    assert all(path.startswith(f"{prefix}/sections/") for path in multiget_of(schoology))


async def test_the_three_calls_are_under_way_at_once() -> None:
    schoology = CannedSchoology()
    waiting: list[str] = []
    all_there = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        waiting.append(request.url.path)
        if len(waiting) == 3:
            all_there.set()
        await all_there.wait()
        return schoology(request)

    async with canned_source(schoology, httpx.MockTransport(answer)) as source:
        await source.read(SECTION, None)
    assert schoology.kinds == THREE


async def test_each_call_has_its_cost() -> None:
    pace = Tally()
    await read(CannedSchoology(), pace=pace, multiget_cost=4)
    assert sorted(pace.spent) == [1, 1, 4]


@pytest.mark.parametrize(("prepaid", "acquired"), [(5, 0), (4, 1), (1, 4), (9, 0)])
async def test_what_was_reserved_before_is_not_acquired_again(prepaid: int, acquired: int) -> None:
    pace = Tally()
    await read(CannedSchoology(), pace=pace, multiget_cost=3, prepaid=prepaid)
    assert sum(pace.spent) == acquired


@pytest.mark.parametrize("section", ["", "0x1", "1/../../users", "1?x=1", "٣", "-1", "1" * 21])
async def test_what_cannot_be_an_id_is_not_asked_for(section: str) -> None:
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        for reading in (source.read(section, None), source.outline(section), source.members(section),
                        source.categories(section)):  # fmt: skip
            with stops("section-not-found"):
                await reading
    assert schoology.asked == []


# --- multiget refused


@pytest.mark.parametrize("status", [400, 403, 404, 405, 415, 501])
async def test_a_multiget_refused_as_a_whole_is_replaced_and_remembered(status: int) -> None:
    schoology = CannedSchoology({"/multiget": Canned(b"", status)})
    whole = await read(CannedSchoology())
    async with canned_source(schoology) as source:
        assert not source.multiget_refused
        assert await source.read(SECTION, None) == whole
        assert source.multiget_refused
        assert schoology.kinds == sorted([*PLAIN, "multiget"])
        await source.read(SECTION, None)
    assert schoology.asked.count("/multiget") == 1


async def test_a_district_that_is_known_to_refuse_is_not_asked_again() -> None:
    schoology = CannedSchoology()
    await read(schoology, multiget_refused=True)
    assert schoology.kinds == sorted(PLAIN)


@pytest.mark.parametrize("code", [400, 403, 405, "403", 501])
async def test_a_multiget_whose_every_row_is_refused_is_refused(code: object) -> None:
    row = {"location": "", "response_code": code, "headers": [], "body": None}
    schoology = CannedSchoology({"/multiget": {"response": [row] * 4}})
    async with canned_source(schoology) as source:
        await source.read(SECTION, None)
        assert source.multiget_refused


async def test_a_key_that_may_read_nothing_proves_nothing_about_multiget() -> None:
    refused = Canned(status=403)
    schoology = CannedSchoology({"/multiget": refused})
    for name in ("", "enrollments", "grade_items", "grades"):
        schoology.put(name, refused)
    async with canned_source(schoology) as source:
        with stops("schoology-key-not-allowed"):
            await source.read(SECTION, None)
        assert not source.multiget_refused


@pytest.mark.parametrize("code", [400, 429, 500, 503, "?", None])
async def test_a_single_row_that_failed_is_asked_for_plainly(code: object) -> None:
    schoology = CannedSchoology()

    def answer(request: httpx.Request) -> bytes:
        answers = json.loads(schoology._multiget(request).body)
        answers["response"][3] |= {"response_code": code, "body": None}
        return encoded(answers)

    schoology.answers["/multiget"] = answer
    async with canned_source(schoology) as source:
        book = await source.read(SECTION, None)
        assert not source.multiget_refused
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}
    assert schoology.kinds == sorted([*THREE, "grades"])


async def test_a_multi_status_answer_is_read_row_by_row() -> None:
    schoology = CannedSchoology()
    schoology.answers["/multiget"] = lambda request: Canned(schoology._multiget(request).body, 207)
    assert (await read(schoology)).cells[QUIZ] == {ADA: 8, BEN: 8}


# --- refusals


REFUSALS = [
    (Canned(b"", 401), "schoology-key-not-allowed"),
    (Canned(b'""', 401), "schoology-key-not-allowed"),
    (Canned(b"", 403), "schoology-key-not-allowed"),
    (Canned(b"Invalid signature.", 401), "schoology-credentials-refused"),
    (Canned(b"", 404), "section-not-found"),
    (Canned(b"", 410), "upstream-answer-unexpected"),
    (Canned(b"", 204), "upstream-answer-unexpected"),
]


@pytest.mark.parametrize("name", ["", "enrollments", "grade_items", "grades", "grading_categories"])
@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
async def test_a_refused_read_says_who_can_do_something(name: str, answer: Canned, reason: str) -> None:
    schoology = CannedSchoology()
    schoology.put(name, answer)
    with stops(reason):
        await read(schoology, multiget_refused=True)


@pytest.mark.parametrize("name", ["", "enrollments", "grade_items", "grades"])
@pytest.mark.parametrize(("answer", "reason"), REFUSALS[:1] + REFUSALS[2:3] + REFUSALS[4:5])
async def test_a_refused_row_means_what_a_refused_read_means(name: str, answer: Canned, reason: str) -> None:
    schoology = CannedSchoology()
    schoology.put(name, answer)
    with stops(reason):
        await read(schoology)
    assert schoology.asked.count("/multiget") == 1


@pytest.mark.parametrize(("answer", "reason"), [REFUSALS[0], REFUSALS[3]])
async def test_a_multiget_that_is_not_authorized_is_not_tried_in_parts(answer: Canned, reason: str) -> None:
    schoology = CannedSchoology({"/multiget": answer})
    with stops(reason):
        await read(schoology)
    assert f"/sections/{SECTION}" not in schoology.asked


async def test_a_replayed_signature_is_made_anew_once() -> None:
    waiting = [Canned(REPLAY, 401)]
    schoology = CannedSchoology()
    schoology.answers["/multiget"] = lambda request: (
        waiting.pop() if waiting else schoology._multiget(request)
    )
    assert (await read(schoology)).cells
    signed = [r.headers["authorization"] for r in schoology.sent if r.url.path.endswith("/multiget")]
    assert len(signed) == len(set(signed)) == 2


async def test_a_signature_that_is_called_replayed_twice_is_refused() -> None:
    schoology = CannedSchoology({"/multiget": Canned(REPLAY, 401)})
    with stops("schoology-credentials-refused"):
        await read(schoology)
    assert schoology.asked.count("/multiget") == 2


async def test_a_schoology_that_is_down_can_be_tried_later() -> None:
    schoology = CannedSchoology({"/multiget": Canned(b"", 503)})
    with pytest.raises(Retriable):
        await read(schoology)


async def test_a_schoology_that_throttles_can_be_tried_after_its_window() -> None:
    schoology = CannedSchoology({"/multiget": Canned(b"Rate limit exceeded", 429)})
    with pytest.raises(Retriable) as caught:
        await read(schoology, attempts=1)
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - NOW).total_seconds() == 5


# --- pages


def paged(name: str, wrap: Callable[..., dict[str, Any]], rows: list[Any], **beside: Any) -> Any:
    """An answer in pages of one row, each linking to the next."""

    def answer(request: httpx.Request) -> dict[str, Any]:
        start = int(request.url.params.get("start", 0)) if "multiget" not in request.url.path else 0
        link = f"https://api.schoology.example/v1/sections/{SECTION}/{name}?limit=1&start={start + 1}"
        links = {"self": "x", **({"next": link} if start + 1 < len(rows) else {})}
        return wrap(rows[start]) | {"links": links, **beside}

    return answer


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


@pytest.mark.parametrize("total", [None, 4, "4", "many"])
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
    """A Schoology whose roster always names the same next page."""
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
    with stops("upstream-answer-unexpected", "enrollments: its link"):
        await read(schoology)
    assert {request.url.host for request in schoology.sent} == {"api.schoology.example"}


@pytest.mark.parametrize("address", ["https://a b:c", 7, ["x"]])
async def test_a_link_that_is_no_address_stops_the_sync(address: object) -> None:
    with stops("upstream-answer-unexpected", "enrollments"):
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
    with stops("upstream-answer-unexpected", "enrollments: its pages do not end"):
        await read(schoology)


async def test_a_page_that_goes_on_without_rows_stops_the_sync() -> None:
    with stops("upstream-answer-unexpected", "enrollments: its pages do not end"):
        await read(linking(f"https://api.schoology.example/v1/sections/{SECTION}/enrollments?start=1", 0))


def endless(**beside: object) -> CannedSchoology:
    schoology = CannedSchoology()

    def answer(request: httpx.Request) -> dict[str, Any]:
        place = len(schoology.asked)
        link = f"https://api.schoology.example/v1/sections/{SECTION}/enrollments?start={place}"
        return {"enrollment": [enrollment(place + 1, place + 1)], "links": {"next": link}, **beside}

    schoology.put("enrollments", answer)
    return schoology


async def test_more_pages_than_were_announced_stop_the_sync() -> None:
    schoology = endless(total="3")
    with stops("upstream-answer-unexpected", "enrollments: it has more pages"):
        await read(schoology)
    assert len(schoology.asked) < 10


async def test_pages_without_end_stop_the_sync() -> None:
    with stops("upstream-answer-unexpected", "enrollments: its pages do not end"):
        await read(endless())


async def test_a_total_is_not_what_pages_are_computed_from() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [enrollment(HERS, ADA)], "total": "900"})
    book = await read(schoology, SINCE)
    assert (list(book.students), schoology.kinds) == ([ADA], THREE)


# --- cells asked for again


async def test_a_few_assignments_are_asked_for_one_by_one() -> None:
    schoology = CannedSchoology()
    book = await read(schoology)
    schoology.asked.clear()
    schoology.put("grades", grades(*dense(QUIZ)))
    async with canned_source(schoology) as source:
        found = await source.cells(book, [QUIZ])
    assert found.cells == {QUIZ: {ADA: 8, BEN: 8}}
    assert schoology.asked == [f"/sections/{SECTION}/grades?limit=200&assignment_id={QUIZ}"]
    assert found.read_through.keys() == {QUIZ}


async def test_many_assignments_are_asked_for_in_one_call_and_no_others_are_answered() -> None:
    ids = [str(number) for number in range(101, 106)]
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(each) for each in ids]})
    schoology.put("grades", grades(*dense(*ids)))
    book = await read(schoology)
    schoology.asked.clear()
    async with canned_source(schoology) as source:
        found = await source.cells(book, ids[:4])
    assert found.cells.keys() == found.read_through.keys() == set(ids[:4])
    assert schoology.asked == [f"/sections/{SECTION}/grades?limit=200"]


async def test_all_cells_again_are_what_a_full_read_has() -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        found = await source.cells(book, None)
    assert (found.cells, found.read_through) == (book.cells, book.read_through)
    assert schoology.kinds == ["grades"]


async def test_a_server_that_ignores_the_filter_cannot_smuggle_in_other_assignments() -> None:
    book = await read(CannedSchoology())
    async with canned_source(CannedSchoology()) as source:
        assert (await source.cells(book, [QUIZ])).cells.keys() == {QUIZ}


async def test_cells_asked_for_again_know_which_enrollment_could_not_be_read() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [enrollment(HERS, None), enrollment(HIS, BEN)]})
    book = await read(schoology)
    async with canned_source(schoology) as source:
        found = await source.cells(book, [QUIZ])
    assert found.cells == {QUIZ: {BEN: 8}}
    assert found.unreadable.keys() == {(QUIZ, f"enrollment:{HERS}")}


async def test_nothing_is_asked_for_no_assignments() -> None:
    book = await read(CannedSchoology())
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        assert (await source.cells(book, [])).cells == {}
    assert schoology.asked == []


async def test_a_row_with_a_comment_alone_is_a_cell_like_any_other() -> None:
    schoology = CannedSchoology()
    schoology.put("grades", grades(grade(HERS, QUIZ, None, comment="see me", comment_status=1)))
    assert (await read(schoology, SINCE)).cells == {QUIZ: {ADA: None}}
