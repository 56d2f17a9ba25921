"""What comes in wrong is refused as a problem, writes nothing, and is not repeated."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from harness.api import ApiHarness, expect_problem

MARK = "zzleakzz"


@pytest.mark.parametrize(
    "section", ["0", "-1", "1.5", "abc", "٣", "007", "1" * 21, "1%20", "%00", f"1{MARK}", "1e3", "+1"]
)
async def test_a_section_id_is_a_number(api: ApiHarness, section: str) -> None:
    office = await api.office()
    for method, path in (("POST", "syncs"), ("GET", "syncs"), ("GET", "assignments")):
        answer = await office.ask(method, f"/sections/{section}/{path}")
        expect_problem(answer, 422, "request-not-valid")
        assert MARK not in answer.text


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b'{"mode": }', b"[[[[", f'{{"mode": "{MARK}"}}'.encode(), b'{"mode": "full"} {}'],
)
async def test_a_broken_body_is_refused_and_not_repeated(api: ApiHarness, content: bytes) -> None:
    office = await api.office()
    before = await api.rows()
    answer = await office.ask(
        "POST", f"{api.path}/syncs", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    expect_problem(answer, answer.status_code, answer.json()["code"])
    assert MARK not in answer.text
    assert await api.rows() == before


async def test_a_body_of_another_kind_is_refused(api: ApiHarness) -> None:
    office = await api.office()
    answer = await office.ask("POST", f"{api.path}/syncs", data={"mode": "full"})
    expect_problem(answer, 422, "request-not-valid")


async def test_a_huge_body_is_refused_before_it_is_read(api: ApiHarness) -> None:
    office = await api.office()
    answer = await office.ask(
        "POST",
        f"{api.path}/syncs",
        content=b'{"mode": "' + b"x" * 1_100_000 + b'"}',
        headers={"content-type": "application/json"},
    )
    expect_problem(answer, 413, "body-too-large")
    expect_problem(
        await api.http.post("/oauth/token", data={"scope": "x" * 1_100_000}), 413, "body-too-large"
    )


async def test_a_body_that_grows_too_large_is_refused_while_it_comes(api: ApiHarness) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    office = await api.office()
    answer = await office.ask(
        "POST",
        f"{api.path}/syncs",
        content=endless(),
        headers={"content-type": "application/json"},
    )
    expect_problem(answer, 413, "body-too-large")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"dry_run": "maybe"}])
async def test_a_query_out_of_bounds_is_refused(api: ApiHarness, query: dict[str, Any]) -> None:
    office = await api.office()
    expect_problem(await office.get("/syncs", **query), 422, "request-not-valid")


async def test_an_idempotency_key_has_a_length(api: ApiHarness) -> None:
    office = await api.office()
    for key in ("", "k" * 256):
        answer = await office.post(f"{api.path}/syncs", headers={"Idempotency-Key": key})
        expect_problem(answer, 422, "request-not-valid")


async def test_unknown_addresses_and_methods_are_problems_too(api: ApiHarness) -> None:
    expect_problem(await api.http.get("/nowhere"), 404, "not-found")
    answer = await api.http.delete("/syncs")
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_what_nobody_foresaw_tells_nothing_of_itself(api: ApiHarness) -> None:
    office = await api.office()

    async def broken() -> None:
        raise RuntimeError(MARK)

    api.app.add_api_route("/broken", broken)
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as http:
        answer = await http.get("/broken", headers={"authorization": f"Bearer {office.token}"})
    expect_problem(answer, 500, "internal-error")
    assert MARK not in answer.text
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("error", [ConnectionRefusedError(MARK), OperationalError(MARK, None, OSError(MARK))])
async def test_a_database_that_is_away_is_said_to_be(api: ApiHarness, error: Exception) -> None:
    async def away() -> None:
        raise error

    api.app.add_api_route("/away", away)
    answer = await api.http.get("/away")
    expect_problem(answer, 503, "service-unavailable")
    assert answer.headers["retry-after"]
    assert MARK not in answer.text


async def test_every_answer_keeps_browsers_from_doing_more_with_it(api: ApiHarness) -> None:
    for path in ("/healthz", "/nowhere", "/syncs", "/openapi.json", "/docs"):
        headers = (await api.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
