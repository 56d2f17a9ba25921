"""What comes in wrong is refused as a problem, writes nothing, and is not repeated."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from harness.api import Place, problem

MARK = "zzleakzz"


@pytest.mark.parametrize(
    "section", ["0", "-1", "1.5", "abc", "٣", "007", "1" * 21, "1%20", "%00", f"1{MARK}", "1e3", "+1"]
)
async def test_a_section_id_is_a_number(place: Place, section: str) -> None:
    office = await place.office()
    for method, path in (("POST", "syncs"), ("GET", "syncs"), ("GET", "assignments")):
        answer = await office.ask(method, f"/sections/{section}/{path}")
        problem(answer, 422, "request-not-valid")
        assert MARK not in answer.text


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b'{"mode": }', b"[[[[", f'{{"mode": "{MARK}"}}'.encode(), b'{"mode": "full"} {}'],
)
async def test_a_broken_body_is_refused_and_not_repeated(place: Place, content: bytes) -> None:
    office = await place.office()
    before = await place.rows()
    answer = await office.ask(
        "POST", f"{place.path}/syncs", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code, answer.json()["code"])
    assert MARK not in answer.text
    assert await place.rows() == before


async def test_a_body_of_another_kind_is_refused(place: Place) -> None:
    office = await place.office()
    answer = await office.ask("POST", f"{place.path}/syncs", data={"mode": "full"})
    problem(answer, 422, "request-not-valid")


async def test_a_huge_body_is_refused_before_it_is_read(place: Place) -> None:
    office = await place.office()
    answer = await office.ask(
        "POST",
        f"{place.path}/syncs",
        content=b'{"mode": "' + b"x" * 1_100_000 + b'"}',
        headers={"content-type": "application/json"},
    )
    problem(answer, 413, "body-too-large")
    problem(await place.api.post("/oauth/token", data={"scope": "x" * 1_100_000}), 413, "body-too-large")


async def test_a_body_that_grows_too_large_is_refused_while_it_comes(place: Place) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    office = await place.office()
    answer = await office.ask(
        "POST",
        f"{place.path}/syncs",
        content=endless(),
        headers={"content-type": "application/json"},
    )
    problem(answer, 413, "body-too-large")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"dry_run": "maybe"}])
async def test_a_query_out_of_bounds_is_refused(place: Place, query: dict[str, Any]) -> None:
    office = await place.office()
    problem(await office.get("/syncs", **query), 422, "request-not-valid")


async def test_an_idempotency_key_has_a_length(place: Place) -> None:
    office = await place.office()
    for key in ("", "k" * 256):
        answer = await office.post(f"{place.path}/syncs", headers={"Idempotency-Key": key})
        problem(answer, 422, "request-not-valid")


async def test_unknown_addresses_and_methods_are_problems_too(place: Place) -> None:
    problem(await place.api.get("/nowhere"), 404, "not-found")
    answer = await place.api.delete("/syncs")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_what_nobody_foresaw_tells_nothing_of_itself(place: Place) -> None:
    office = await place.office()

    async def broken() -> None:
        raise RuntimeError(MARK)

    place.app.add_api_route("/broken", broken)
    transport = httpx.ASGITransport(place.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as api:
        answer = await api.get("/broken", headers={"authorization": f"Bearer {office.token}"})
    problem(answer, 500, "internal-error")
    assert MARK not in answer.text
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("error", [ConnectionRefusedError(MARK), OperationalError(MARK, None, OSError(MARK))])
async def test_a_database_that_is_away_is_said_to_be(place: Place, error: Exception) -> None:
    async def away() -> None:
        raise error

    place.app.add_api_route("/away", away)
    answer = await place.api.get("/away")
    problem(answer, 503, "service-unavailable")
    assert answer.headers["retry-after"]
    assert MARK not in answer.text


async def test_every_answer_keeps_browsers_from_doing_more_with_it(place: Place) -> None:
    for path in ("/healthz", "/nowhere", "/syncs", "/openapi.json", "/docs"):
        headers = (await place.api.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
