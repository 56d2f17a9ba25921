"""Test that invalid input is refused as a problem, writes nothing, and is not echoed."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gradesync.errors import DatabaseAway
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.api_document import api_document

MARK = "zzleakzz"


@pytest.mark.parametrize(
    "section", ["0", "-1", "1.5", "abc", "٣", "007", "1" * 21, "1%20", "%00", f"1{MARK}", "1e3", "+1"]
)
async def test_a_section_id_is_a_number(api: ApiHarness, section: str) -> None:
    office = await api.office()
    for method, path in (("POST", "syncs"), ("GET", "syncs"), ("GET", "assignments")):
        response = await office.ask(method, f"/sections/{section}/{path}")
        expect_problem(response, 422, "request-not-valid")
        assert MARK not in response.text


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b'{"mode": }', b"[[[[", f'{{"mode": "{MARK}"}}'.encode(), b'{"mode": "full"} {}'],
)
async def test_a_broken_body_is_refused_and_not_echoed(api: ApiHarness, content: bytes) -> None:
    office = await api.office()
    before = await api.rows()
    response = await office.ask(
        "POST", f"{api.path}/syncs", content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code in {400, 422}
    expect_problem(response, response.status_code, response.json()["code"])
    assert MARK not in response.text
    assert await api.rows() == before


async def test_a_body_of_another_media_type_is_refused(api: ApiHarness) -> None:
    office = await api.office()
    response = await office.ask("POST", f"{api.path}/syncs", data={"mode": "full"})
    expect_problem(response, 422, "request-not-valid")


async def test_a_huge_body_is_refused_before_it_is_read(api: ApiHarness) -> None:
    office = await api.office()
    response = await office.ask(
        "POST",
        f"{api.path}/syncs",
        content=b'{"mode": "' + b"x" * 1_100_000 + b'"}',
        headers={"content-type": "application/json"},
    )
    expect_problem(response, 413, "body-too-large")
    expect_problem(
        await api.http.post("/oauth/token", data={"scope": "x" * 1_100_000}), 413, "body-too-large"
    )


async def test_a_growing_body_is_refused_while_it_streams(api: ApiHarness) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    office = await api.office()
    response = await office.ask(
        "POST",
        f"{api.path}/syncs",
        content=endless(),
        headers={"content-type": "application/json"},
    )
    expect_problem(response, 413, "body-too-large")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"dry_run": "maybe"}])
async def test_a_query_out_of_bounds_is_refused(api: ApiHarness, query: dict[str, Any]) -> None:
    office = await api.office()
    expect_problem(await office.get("/syncs", **query), 422, "request-not-valid")


async def test_an_idempotency_key_has_a_length(api: ApiHarness) -> None:
    office = await api.office()
    for key in ("", "k" * 256):
        response = await office.post(f"{api.path}/syncs", headers={"Idempotency-Key": key})
        expect_problem(response, 422, "request-not-valid")


async def test_unknown_addresses_and_methods_are_problems(api: ApiHarness) -> None:
    expect_problem(await api.http.get("/nowhere"), 404, "not-found")
    response = await api.http.delete("/syncs")
    expect_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD"


async def test_method_not_allowed_names_every_method_of_an_address(api: ApiHarness) -> None:
    for path, methods in api_document()["paths"].items():
        address = re.sub(r"{\w+}", "1", path)
        response = await api.http.request("TRACE", address)
        expect_problem(response, 405, "method-not-allowed")
        allowed = response.headers["allow"].split(", ")
        assert {method.upper() for method in methods} <= set(allowed), path
        for method in allowed:
            assert (await api.http.request(method, address)).status_code != 405, (method, path)


@pytest.mark.parametrize("path", ["/syncs/", "/sections/1/syncs/", "/oauth/token/", "/docs/", "/healthz/"])
async def test_no_redirect_takes_the_host_of_the_caller(api: ApiHarness, path: str) -> None:
    for method in ("GET", "POST"):
        response = await api.http.request(method, path, headers={"host": "evil.example"})
        assert response.status_code in {404, 405}
        assert "evil.example" not in str(response.headers)


@pytest.mark.parametrize("host", ["unknown", "_hidden", "<script>", "10.0.0.1 or 1=1", "a" * 5000, ""])
async def test_forwarded_address_is_an_address_or_nothing(api: ApiHarness, host: str) -> None:
    office = await api.office()
    transport = httpx.ASGITransport(api.app, client=(host, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as http:
        response = await ApiClient(http, office.token).ask("PATCH", "/policy", json={"take_over": True})
    assert response.status_code == 200
    entry = (await office.get("/audit", limit=1)).json()["items"][0]
    assert (entry["action"], entry["source_ip"]) == ("policy.changed", None)


@pytest.mark.parametrize("error", [RuntimeError(MARK), ConnectionRefusedError(MARK), TimeoutError(MARK)])
async def test_an_unexpected_error_reveals_nothing(api: ApiHarness, error: Exception) -> None:
    office = await api.office()

    async def broken() -> None:
        raise error

    api.app.add_api_route("/broken", broken)
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as http:
        response = await http.get("/broken", headers={"authorization": f"Bearer {office.token}"})
    expect_problem(response, 500, "internal-error")
    assert MARK not in response.text
    assert response.headers["connection"] == "close"


async def test_an_unreachable_database_is_reported(api: ApiHarness) -> None:
    async def away() -> None:
        raise DatabaseAway(MARK)

    api.app.add_api_route("/away", away)
    response = await api.http.get("/away")
    expect_problem(response, 503, "service-unavailable")
    assert response.headers["retry-after"]
    assert MARK not in response.text
