"""How often may be asked, how much may be sent, and what every answer says to browsers."""

import httpx
import pytest
from fastapi import APIRouter
from redis.asyncio import Redis

from gradesync.access.request_limits import Limits
from gradesync.settings import Settings
from harness.api import ApiClient, ApiHarness, expect_oauth_error, expect_problem

FEW = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.filled(requests_per_minute=FEW, token_requests_per_minute=2 * FEW)


def at(api: ApiHarness, client: ApiClient, address: str) -> ApiClient:
    """The same caller at another address."""
    transport = httpx.ASGITransport(api.app, client=(address, 1))
    return ApiClient(httpx.AsyncClient(transport=transport, base_url="http://gradesync.test"), client.token)


async def press(client: ApiClient, api: ApiHarness) -> httpx.Response:
    return await client.post(f"{api.path}/syncs", {"dry_run": True})


async def test_a_teacher_who_asks_too_often_is_told_when_to_ask_again(api: ApiHarness) -> None:
    teacher, colleague = await api.teacher(), await api.teacher(api.world.classrooms[1])
    assert [(await press(teacher, api)).status_code for _ in range(FEW)] == [202] * FEW
    answer = await press(teacher, api)
    expect_problem(answer, 429, "too-many-requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60 / FEW
    answer = await teacher.ask("PATCH", f"{api.path}/assignments/1", json={"sync_to_sis": False})
    expect_problem(answer, 429, "too-many-requests")
    assert (await teacher.get(f"{api.path}/syncs")).status_code == 200
    other = f"/sections/{api.world.classrooms[1].section.id}/syncs"
    assert (await colleague.post(other, {"dry_run": True})).status_code == 202


async def test_a_teacher_cannot_go_round_the_limit_by_another_address_or_another_launch(
    api: ApiHarness,
) -> None:
    teacher = await api.teacher()
    for _ in range(FEW):
        await press(teacher, api)
    expect_problem(await press(at(api, teacher, "192.0.2.9"), api), 429, "too-many-requests")
    expect_problem(await press(await api.teacher(), api), 429, "too-many-requests")


async def test_a_districts_client_may_ask_for_many_teachers(api: ApiHarness) -> None:
    office = await api.office()
    answers = [await office.post("/connections/check/nothing") for _ in range(2 * FEW)]
    assert {answer.status_code for answer in answers} == {404}
    assert {(await press(office, api)).status_code for _ in range(2 * FEW)} == {202}


async def test_tokens_are_counted_by_client_and_by_address(api: ApiHarness) -> None:
    client, other = await api.client("syncs:read"), await api.client("syncs:read")

    async def ask(credentials: tuple[str, str], address: str) -> httpx.Response:
        client = at(api, api.anonymous, address)
        return await client.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials
        )

    answers = [await ask(client, f"192.0.2.{number}") for number in range(2 * FEW)]
    assert {answer.status_code for answer in answers} == {200}
    answer = await ask(client, "192.0.2.99")
    expect_oauth_error(answer, 429, "temporarily_unavailable", "too-many-token-requests")
    assert int(answer.headers["retry-after"]) >= 1
    for _ in range(2 * FEW):
        assert (await ask(("gs_nobody", "x"), "198.51.100.1")).status_code == 401
    answer = await ask(other, "198.51.100.1")
    expect_oauth_error(answer, 429, "temporarily_unavailable", "too-many-token-requests")
    assert (await ask(other, "198.51.100.2")).status_code == 200


async def test_without_redis_everybody_may_ask() -> None:
    limits = Limits(Redis.from_url("redis://127.0.0.1:1"))
    assert [await limits.wait("request", "somebody", 1) for _ in range(3)] == [0.0] * 3


async def test_every_answer_tells_browsers_to_keep_their_hands_off(api: ApiHarness) -> None:
    broken = APIRouter()

    @broken.get("/broken")
    async def fail() -> None:
        raise ZeroDivisionError("5790000")

    api.app.router.routes[0:0] = broken.routes
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as http:
        answers = {
            "page": await http.get("/docs"),
            "found": await http.get("/healthz"),
            "not found": await http.get("/nowhere"),
            "refused": await http.get("/syncs"),
            "not allowed": await http.delete("/syncs"),
            "too large": await http.post("/oauth/token", data={"scope": "x" * 1_100_000}),
            "crashed": await http.get("/broken"),
        }
    expect_problem(answers["crashed"], 500, "internal-error")
    expect_problem(answers["too large"], 413, "body-too-large")
    for name, answer in answers.items():
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "no-referrer", name
        assert answer.headers["cache-control"] == "no-store", name
        assert "max-age" in answer.headers["strict-transport-security"], name
        assert "default-src 'none'" in answer.headers["content-security-policy"], name
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], name


async def test_the_docs_page_takes_nothing_from_elsewhere_and_runs_nothing_inline(api: ApiHarness) -> None:
    page = await api.http.get("/docs")
    assert "//" not in page.text.replace("<!doctype html>", "")
    script = next(
        part for part in page.headers["content-security-policy"].split("; ") if part.startswith("script-src")
    )
    assert script == "script-src 'self'"
    assert "<script>" not in page.text
    for name, media_type in (
        ("start.js", "text/javascript"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
    ):
        assert f"docs/{name}" in page.text
        asset = await api.http.get(f"/docs/{name}")
        assert (asset.status_code, asset.headers["content-type"].partition(";")[0]) == (200, media_type)
    expect_problem(await api.http.get("/docs/redoc.standalone.js"), 404, "not-found")
