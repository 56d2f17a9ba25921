"""Read sets and objects of a SIS whose answers are not what they should be: no part counts as the whole."""

import json
from collections.abc import AsyncIterator, Sequence

import pytest

from gradesync.oneroster.auth import OAuth1
from gradesync.oneroster.calls import PAGE_SIZE, Calls
from harness.errors import expect_stop
from harness.scripted_upstream import Act, Rig, respond
from harness.scripted_upstream import rig as open_rig

END = respond(200, b'{"results":[]}')
NEXT = '<http://other.example/results?offset=1>; rel="next"'


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as opened:
        yield opened


def connect(rig: Rig, *acts: Act) -> Calls:
    upstream = rig.upstream(*acts)
    return Calls(upstream, upstream, OAuth1("key", "secret", "oauth1-sha1"))


def page(rows: Sequence[object], **headers: str) -> Act:
    return respond(200, json.dumps({"results": rows}).encode(), **headers)


def row(key: str, student: str = "s1") -> dict[str, object]:
    return {"sourcedId": key, "lineItem": {"sourcedId": "l"}, "student": {"sourcedId": student}}


async def read_ids(rig: Rig, *acts: Act) -> list[object]:
    calls = connect(rig, *acts)
    found = await calls.read_all(calls.gradebook, "result.list", "/results", "results")
    return [each["sourcedId"] for each in found]


FULL_PAGE = [row(str(number)) for number in range(PAGE_SIZE)]


@pytest.mark.parametrize(
    "acts",
    [
        pytest.param([page([row("a"), None]), END], id="row that is null"),
        pytest.param([page([row("a"), ["b"]], x_total_count="1")], id="row that is a list"),
        pytest.param([page([row("a"), {"score": 5}]), END], id="row without an id"),
        pytest.param([page([row("a"), {**row("b"), "sourcedId": 7}]), END], id="id that is a number"),
        pytest.param([page([row("a"), row("a", "s2")]), END], id="one id for two cells"),
        pytest.param(
            [page([row("a")], x_total_count="3"), page([row("b")], x_total_count="2"), END],
            id="total that shrinks",
        ),
        pytest.param([page([row("a")], x_total_count="2"), END], id="total on the first page alone"),
        pytest.param([page(FULL_PAGE)], id="a full page again and again"),
        pytest.param([page([row("a")], link=NEXT)], id="the same page again, with a next one"),
        pytest.param([page([row("a"), row("b")], x_total_count="4")], id="the same page until the total"),
    ],
)
async def test_a_set_in_part_is_refused(rig: Rig, acts: list[Act]) -> None:
    with expect_stop("sis-unreadable"):
        await read_ids(rig, *acts)


async def test_more_pages_than_are_read_are_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradesync.oneroster.calls.MAX_PAGES", 2)
    with expect_stop("sis-unreadable"):
        await read_ids(rig, page([row("a")]), page([row("b")]), page([row("c")]), END)


@pytest.mark.parametrize(
    ("acts", "ids"),
    [
        ([page([row("a"), row("b")])], ["a", "b"]),
        ([page([row("a"), row("b")], x_total_count="2")], ["a", "b"]),
        ([page([row("a"), row("a"), row("b")], x_total_count="3")], ["a", "b"]),
        ([page([row("a")], x_total_count="1", link=NEXT), page([row("b")], x_total_count="1")], ["a", "b"]),
        ([page([row("a")], x_total_count="9" * 5000), END], ["a"]),
        ([respond(200, b"{}", x_total_count="0")], []),
    ],
)
async def test_a_whole_set_is_read(rig: Rig, acts: list[Act], ids: list[str]) -> None:
    assert await read_ids(rig, *acts) == ids
    assert all(request.line.startswith("GET /v1/results?") for request in rig.server.seen)


@pytest.mark.parametrize("shown", [{"sourcedId": "b"}, {"sourcedId": 1}, {}])
async def test_another_object_is_not_the_one_asked(rig: Rig, shown: object) -> None:
    calls = connect(rig, respond(200, json.dumps({"result": shown}).encode()))
    with expect_stop("sis-unreadable"):
        await calls.read_one(calls.gradebook, "result.get", "results", "a", "result")


async def test_half_a_surrogate_pair_can_be_sent(rig: Rig) -> None:
    calls = connect(rig, respond(201))
    body = {"result": {"comment": "\ud800!", "score": 1}}
    await calls.send(calls.gradebook, "result.put", "PUT", "/results/a", body=body)
    assert json.loads(rig.server.seen[-1].body) == {"result": {"comment": "?!", "score": 1}}
