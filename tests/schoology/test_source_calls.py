"""Test the calls of a read, by multiget or plainly."""

import asyncio
import json

import httpx
import pytest

from harness.canned_schoology import (
    ADA,
    BEN,
    PLAIN,
    QUIZ,
    SECTION,
    SINCE,
    THREE,
    CannedResponse,
    CannedSchoology,
    Tally,
    canned_source,
    encoded,
    read,
)
from harness.errors import expect_stop


def multiget_of(schoology: CannedSchoology) -> list[str]:
    posted = [r for r in schoology.sent if r.url.path.endswith("/multiget")]
    paths: list[str] = json.loads(posted[-1].content)["request"]
    return paths


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


async def test_changes_are_read_from_two_minutes_before_the_cursor() -> None:
    schoology = CannedSchoology()
    await read(schoology, SINCE)
    assert schoology.kinds == THREE
    assert multiget_of(schoology)[-1].endswith(f"/grades?limit=200&timestamp={int(SINCE.timestamp()) - 600}")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8001/v1", "http://127.0.0.1:8001/proxy/schoology/v1/"])
async def test_multiget_paths_have_the_prefix_of_the_base_address(base: str) -> None:
    schoology = CannedSchoology(base=base.rstrip("/"))
    await read(schoology)
    prefix = httpx.URL(base).path.rstrip("/")
    assert all(path.startswith(f"{prefix}/sections/") for path in multiget_of(schoology))


async def test_the_three_calls_run_concurrently() -> None:
    schoology = CannedSchoology()
    waiting: list[str] = []
    all_there = asyncio.Event()

    async def respond(request: httpx.Request) -> httpx.Response:
        waiting.append(request.url.path)
        if len(waiting) == 3:
            all_there.set()
        await all_there.wait()
        return schoology(request)

    async with canned_source(schoology, httpx.MockTransport(respond)) as source:
        await source.read(SECTION, None)
    assert schoology.kinds == THREE


async def test_each_call_has_its_cost() -> None:
    budget = Tally()
    await read(CannedSchoology(), budget=budget, multiget_cost=4)
    assert sorted(budget.spent) == [1, 1, 4]


@pytest.mark.parametrize(("prepaid", "acquired"), [(5, 0), (4, 1), (1, 4), (9, 0)])
async def test_prepaid_cost_is_not_acquired_again(prepaid: int, acquired: int) -> None:
    budget = Tally()
    await read(CannedSchoology(), budget=budget, multiget_cost=3, prepaid=prepaid)
    assert sum(budget.spent) == acquired


@pytest.mark.parametrize("section", ["", "0x1", "1/../../users", "1?x=1", "٣", "-1", "1" * 21])
async def test_an_impossible_id_is_not_requested(section: str) -> None:
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        for reading in (source.read(section, None), source.outline(section), source.members(section),
                        source.categories(section)):  # fmt: skip
            with expect_stop("section-not-found"):
                await reading
    assert schoology.asked == []


@pytest.mark.parametrize("status", [400, 403, 404, 405, 415, 501])
async def test_a_refused_multiget_is_replaced_and_remembered(status: int) -> None:
    schoology = CannedSchoology({"/multiget": CannedResponse(b"", status)})
    whole = await read(CannedSchoology())
    async with canned_source(schoology) as source:
        assert not source.multiget_refused
        assert await source.read(SECTION, None) == whole
        assert source.multiget_refused
        assert schoology.kinds == sorted([*PLAIN, "multiget"])
        await source.read(SECTION, None)
    assert schoology.asked.count("/multiget") == 1


async def test_a_known_multiget_refusal_is_not_repeated() -> None:
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


async def test_a_key_without_rights_proves_nothing_about_multiget() -> None:
    refused = CannedResponse(status=403)
    schoology = CannedSchoology({"/multiget": refused})
    for name in ("", "enrollments", "grade_items", "grades"):
        schoology.put(name, refused)
    async with canned_source(schoology) as source:
        with expect_stop("schoology-key-not-allowed"):
            await source.read(SECTION, None)
        assert not source.multiget_refused


@pytest.mark.parametrize("code", [400, 429, 500, 503, "?", "9" * 5000, None])
async def test_a_failed_multiget_row_is_requested_plainly(code: object) -> None:
    schoology = CannedSchoology()

    def respond(request: httpx.Request) -> bytes:
        rows = json.loads(schoology._multiget(request).body)
        rows["response"][3] |= {"response_code": code, "body": None}
        return encoded(rows)

    schoology.answers["/multiget"] = respond
    async with canned_source(schoology) as source:
        book = await source.read(SECTION, None)
        assert not source.multiget_refused
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}
    assert schoology.kinds == sorted([*THREE, "grades"])


async def test_a_multi_status_response_is_read_row_by_row() -> None:
    schoology = CannedSchoology()
    schoology.answers["/multiget"] = lambda request: CannedResponse(schoology._multiget(request).body, 207)
    assert (await read(schoology)).cells[QUIZ] == {ADA: 8, BEN: 8}
